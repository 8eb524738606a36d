// A new stop: how, of what, why, and before it is done what it would stop.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useDeferredValue, useState, type ReactNode, type RefObject } from "react";
import { write } from "../api/api-client.ts";
import type { StopPreview } from "../api/documents.ts";
import { useNotice } from "../shell/Notices.tsx";
import { scopeText } from "../shell/ModeBanner.tsx";
import { Button } from "../ui/Button.tsx";
import { Choice, TextField } from "../ui/Field.tsx";
import { ErrorNote } from "../ui/Panel.tsx";
import { plainText } from "../text/visible-text.ts";
import { Preview } from "./Preview.tsx";

const PARTS = ["environment", "service", "agent", "kind", "owner"] as const;
type Scope = Readonly<Partial<Record<(typeof PARTS)[number], string>>>;
type Mode = "pause" | "dry-run";

const MODES = [
  ["pause", "Pause: execute nothing"],
  ["dry-run", "Dry run: decide and record, execute nothing"],
] as const;

type Props = {
  readonly first: RefObject<HTMLSelectElement | null>;
  readonly mayStop: boolean;
  readonly onDone: () => void;
};

export function StopForm({ first, mayStop, onDone }: Props): ReactNode {
  const [mode, setMode] = useState<Mode>("pause");
  const [scope, setScope] = useState<Scope>({});
  const [reason, setReason] = useState("");
  const stop = useStop(onDone);
  const given = Object.fromEntries(Object.entries(scope).filter(([, value]) => value !== ""));
  const what = plainText(scopeText(given));
  const submit = (event: { preventDefault: () => void }): void => {
    event.preventDefault();
    stop.mutate({ mode, scope: given, reason: reason.trim() });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3" aria-label="Stop">
      <div className="grid gap-3 sm:grid-cols-2">
        <Choice ref={first} label="How" value={mode} options={MODES} onChange={(value) => setMode(value as Mode)} />
        <TextField
          label="Reason"
          value={reason}
          onChange={(event) => setReason(event.target.value)}
          maxLength={4_000}
        />
      </div>
      <fieldset className="grid grid-cols-2 gap-3 sm:grid-cols-5">
        <legend className="mb-1 text-xs font-medium text-muted">Of what; empty means everything</legend>
        {PARTS.map((part) => (
          <TextField
            key={part}
            label={part}
            placeholder="any"
            value={scope[part] ?? ""}
            maxLength={128}
            onChange={(event) => setScope({ ...scope, [part]: event.target.value })}
          />
        ))}
      </fieldset>
      <PreviewOf scope={given} mode={mode} />
      {stop.error !== null && <ErrorNote error={stop.error} />}
      <div className="sticky -bottom-4 -mx-5 -mb-4 flex flex-wrap items-center justify-end gap-3 border-t border-line bg-raised px-5 py-3">
        {!mayStop && <span className="text-xs text-muted">Your session lacks the scope killswitch:pause.</span>}
        <Button type="submit" tone="deny" disabled={!mayStop || stop.isPending}>
          {mode === "pause" ? "Pause" : "Dry-run"} {what}
        </Button>
      </div>
    </form>
  );
}

function PreviewOf({ scope, mode }: { readonly scope: Scope; readonly mode: Mode }): ReactNode {
  const asked = useDeferredValue(scope);
  const { data, error } = useQuery({
    queryKey: ["killswitch", "preview", mode, asked],
    queryFn: () =>
      write<StopPreview>({ method: "PUT", path: "/v1/killswitch?preview=true", body: { mode, scope: asked } }),
    staleTime: 2_000,
    placeholderData: (before) => before,
    retry: false,
  });
  if (error !== null) return <ErrorNote error={error} />;
  if (data === undefined) return <p className="text-faint">Looking what it would stop …</p>;
  return <Preview preview={data} />;
}

type Wish = { readonly mode: Mode; readonly scope: Scope; readonly reason: string };

function useStop(onDone: () => void) {
  const queries = useQueryClient();
  const say = useNotice();
  return useMutation({
    mutationFn: ({ mode, scope, reason }: Wish) =>
      write<StopPreview>({
        method: "PUT",
        path: "/v1/killswitch",
        body: { mode, scope, ...(reason === "" ? {} : { reason }) },
      }),
    onSuccess: (_answer, { mode, scope }) => {
      say(`${mode === "pause" ? "Paused" : "Dry run"}: ${plainText(scopeText(scope))}.`);
      onDone();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["killswitch"] }),
  });
}
