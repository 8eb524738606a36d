// What people think of what was advice only, and one's own word on it.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouteContext } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { FAULTS, LABELS, type Fault, type Label } from "../../wire/types/label.ts";
import { newKey, write } from "../api/api-client.ts";
import type { ActionDocument, Session } from "../api/documents.ts";
import { useNotice } from "../shell/Notices.tsx";
import { WordBadge } from "../ui/Badge.tsx";
import { Button } from "../ui/Button.tsx";
import { TextArea } from "../ui/Field.tsx";
import { Foreign, ForeignLines } from "../ui/Foreign.tsx";
import { Instant } from "../ui/Instant.tsx";
import { ErrorNote, Panel } from "../ui/Panel.tsx";

const SAID: { readonly [L in Label]: string } = { agree: "Agree", disagree: "Disagree", unsure: "Cannot tell" };
const FAULTY: { readonly [F in Fault]: string } = {
  hallucination: "rests on what is not there",
  "data-quality": "rests on bad data",
  bias: "is biased",
};

export function Labels({ action }: { readonly action: ActionDocument }): ReactNode {
  const { session } = useRouteContext({ from: "__root__" });
  if (action.status !== "advised" || action.code !== "level") return null;
  const why = whyNotLabeller(action, session);
  return (
    <Panel title="Was it good advice?">
      {action.labels.length > 0 && (
        <ul className="mb-3 flex flex-col gap-2.5">
          {action.labels.map((label) => (
            <Given key={label.person} label={label} />
          ))}
        </ul>
      )}
      {why === null ? <GiveLabel id={action.id} /> : <p className="text-muted">You cannot say: {why}.</p>}
    </Panel>
  );
}

/** As far as the page can tell; the server decides. */
function whyNotLabeller({ agent, person }: ActionDocument, session: Session): string | null {
  if (!session.scopes.includes("actions:approve")) return "your session lacks the scope actions:approve";
  const isOwn = agent === session.identity || (person !== null && person === session.person);
  return isOwn ? "you have a part in the agent" : null;
}

function Given({ label }: { readonly label: ActionDocument["labels"][number] }): ReactNode {
  return (
    <li>
      <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <WordBadge word={label.label} />
        <Foreign text={label.person} />
        <span className="text-xs text-muted">{label.faults.map((fault) => FAULTY[fault]).join(", ")}</span>
        <Instant ms={label.at} />
      </p>
      {label.reason !== undefined && <ForeignLines text={label.reason} />}
    </li>
  );
}

function GiveLabel({ id }: { readonly id: string }): ReactNode {
  const [reason, setReason] = useState("");
  const [faults, setFaults] = useState<readonly Fault[]>([]);
  const [key, setKey] = useState(newKey);
  const queries = useQueryClient();
  const say = useNotice();
  const give = useMutation({
    mutationFn: (label: Label) =>
      write({
        method: "POST",
        path: `/v1/actions/${encodeURIComponent(id)}/labels`,
        body: { label, faults: label === "disagree" ? faults : [], reason: reason.trim() },
        key: `${key}-${label}`,
      }),
    onSuccess: (_answer, label) => {
      say(`Recorded: ${SAID[label].toLowerCase()}.`);
      setKey(newKey());
      setReason("");
      setFaults([]);
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["actions"] }),
  });
  const toggle = (fault: Fault): void =>
    setFaults(faults.includes(fault) ? faults.filter((one) => one !== fault) : [...faults, fault]);
  const isReady = reason.trim() !== "" && !give.isPending;
  return (
    <div className="flex flex-col gap-3">
      {give.error !== null && <ErrorNote error={give.error} />}
      <TextArea
        label="Why"
        hint="Recorded under your name in the ledger. Your last word counts; no level changes by it."
        value={reason}
        onChange={(event) => setReason(event.target.value)}
        maxLength={4_000}
      />
      <fieldset className="flex flex-wrap gap-x-4 gap-y-1.5">
        <legend className="mb-1 text-xs text-muted">Where you disagree: it</legend>
        {FAULTS.map((fault) => (
          <label key={fault} className="inline-flex items-center gap-1.5">
            <input type="checkbox" checked={faults.includes(fault)} onChange={() => toggle(fault)} />
            {FAULTY[fault]}
          </label>
        ))}
      </fieldset>
      <div className="flex flex-wrap justify-end gap-2">
        {LABELS.map((label) => (
          <Button
            key={label}
            tone={label === "agree" ? "approve" : label === "disagree" ? "deny" : "plain"}
            disabled={!isReady}
            onClick={() => give.mutate(label)}
          >
            {SAID[label]}
          </Button>
        ))}
      </div>
    </div>
  );
}
