// Asking for a level: the form only asks, somebody else has to approve it.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState, type ReactNode } from "react";
import { newKey } from "../api/api-client.ts";
import { serverNow } from "../api/server-clock.ts";
import { useNotice } from "../shell/Notices.tsx";
import { Button } from "../ui/Button.tsx";
import { Choice, TextArea, TextField } from "../ui/Field.tsx";
import { Modal } from "../ui/Modal.tsx";
import { ErrorNote } from "../ui/Panel.tsx";
import { LEVEL_NAMES } from "./level-names.ts";
import { proposeOwn } from "./propose-own.ts";

const DAY_MS = 24 * 3_600_000;
const DAYS = ["1", "7", "30", "90"] as const;

export function GrantLevel(): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button size="sm" onClick={() => setOpen(true)}>
        Ask for a level …
      </Button>
      <Modal
        title="Ask for a level"
        description="Somebody else has to approve it. It ends by itself, and can be taken back at any time."
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        firstFocus={first}
      >
        {isOpen && <GrantForm first={first} onClose={() => setOpen(false)} />}
      </Modal>
    </>
  );
}

const EMPTY = { agent: "", level: "1", kinds: "", environments: "", services: "", days: "30", reason: "" };
type Wanted = typeof EMPTY;

function GrantForm(props: { readonly first: React.Ref<HTMLInputElement>; readonly onClose: () => void }): ReactNode {
  const { first, onClose } = props;
  const [wanted, setWanted] = useState(EMPTY);
  const ask = useAsk(onClose);
  const field = (name: keyof Wanted) => ({
    value: wanted[name],
    onChange: (event: { readonly target: { readonly value: string } }) =>
      setWanted({ ...wanted, [name]: event.target.value }),
  });
  const isReady = wanted.agent.trim() !== "" && namesIn(wanted.kinds).length > 0;
  const submit = (event: { preventDefault: () => void }): void => {
    event.preventDefault();
    if (isReady) ask.mutate(wanted);
  };
  const levels = LEVEL_NAMES.map((name, level) => [String(level), `${level} · ${name}`] as const);
  return (
    <form onSubmit={submit} className="flex flex-col gap-3.5">
      {ask.error !== null && <ErrorNote error={ask.error} />}
      <TextField ref={first} label="Agent" placeholder="agent:deployer" {...field("agent")} />
      <Choice
        label="Level"
        options={levels}
        value={wanted.level}
        onChange={(level) => setWanted({ ...wanted, level })}
      />
      <TextField label="Kinds" hint="Kinds, prefix.* or *, with spaces between them" {...field("kinds")} />
      <div className="grid grid-cols-2 gap-3">
        <TextField label="Environments" hint="Empty: any" {...field("environments")} />
        <TextField label="Services" hint="Empty: any" {...field("services")} />
      </div>
      <Choice
        label="For how long"
        options={DAYS.map((days) => [days, days === "1" ? "1 day" : `${days} days`] as const)}
        value={wanted.days}
        onChange={(days) => setWanted({ ...wanted, days })}
      />
      <TextArea label="Reason" maxLength={4_000} {...field("reason")} />
      <div className="flex justify-end gap-2">
        <Button tone="quiet" onClick={onClose}>
          Back
        </Button>
        <Button type="submit" tone="accent" disabled={!isReady || ask.isPending}>
          Ask for it
        </Button>
      </div>
    </form>
  );
}

function useAsk(onClose: () => void) {
  const [key] = useState(newKey);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const say = useNotice();
  return useMutation({
    mutationFn: (wanted: Wanted) =>
      proposeOwn({ kind: "level.grant", args: argumentsOf(wanted), reason: wanted.reason.trim(), key }),
    onSuccess: ({ id, status }) => {
      say(status === "held" ? `${id} waits for somebody else to approve it.` : `${id} is ${status}.`);
      onClose();
      void navigate({ to: "/actions/$id", params: { id } });
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["actions"] }),
  });
}

function argumentsOf({ agent, level, kinds, environments, services, days }: Wanted): object {
  const [inEnvironments, ofServices] = [namesIn(environments), namesIn(services)];
  return {
    agent: agent.trim(),
    level: Number(level),
    kinds: namesIn(kinds),
    ...(inEnvironments.length === 0 ? {} : { environments: inEnvironments }),
    ...(ofServices.length === 0 ? {} : { services: ofServices }),
    // A minute less than the longest that is allowed: clocks differ.
    expiresAt: new Date(serverNow() + Number(days) * DAY_MS - 60_000).toISOString(),
  };
}

function namesIn(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((name) => name !== "");
}
