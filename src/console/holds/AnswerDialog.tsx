// The question before an answer: the exact plan, a reason, and for protected targets the name typed by hand.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { nameToType } from "../../wire/types/approvals.ts";
import { newKey, write } from "../api/api-client.ts";
import type { ActionDocument, Decision } from "../api/documents.ts";
import { useNotice } from "../shell/Notices.tsx";
import { Button } from "../ui/Button.tsx";
import { TextArea, TextField } from "../ui/Field.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Modal } from "../ui/Modal.tsx";
import { ErrorNote } from "../ui/Panel.tsx";
import { isIrreversible, isProtected } from "./eligibility.ts";

export type AnswerKind = "approve" | "deny";

type Props = { readonly action: ActionDocument; readonly kind: AnswerKind | null; readonly onClose: () => void };

export function AnswerDialog({ action, kind, onClose }: Props): ReactNode {
  const reason = useRef<HTMLTextAreaElement>(null);
  const title = kind === "deny" ? "Deny this action?" : "Approve this plan?";
  return (
    <Modal
      title={title}
      description="Recorded under your name in the ledger."
      isOpen={kind !== null}
      onClose={onClose}
      firstFocus={reason}
    >
      {kind !== null && <AnswerForm action={action} kind={kind} onClose={onClose} reasonRef={reason} />}
    </Modal>
  );
}

type FormProps = Props & { readonly kind: AnswerKind; readonly reasonRef: React.RefObject<HTMLTextAreaElement | null> };

function AnswerForm({ action, kind, onClose, reasonRef }: FormProps): ReactNode {
  // What is answered is the plan that was read when the question was opened, whatever has arrived since.
  const [planHash] = useState(action.planHash ?? "");
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState("");
  const answer = useAnswer({ action, kind, planHash, onClose });
  const name = nameToType(action);
  const mustType = kind === "approve" && isProtected(action);
  const hasChanged = planHash !== action.planHash;
  const isReady = !hasChanged && (!mustType || typed === name) && (kind === "approve" || reason.trim() !== "");
  const submit = (event: { preventDefault: () => void }): void => {
    event.preventDefault();
    if (isReady) answer.mutate({ reason: reason.trim(), confirm: mustType ? typed : "" });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <Summary action={action} planHash={planHash} />
      {hasChanged && (
        <p role="alert" className="rounded-md bg-warn-soft px-3 py-2 text-warn">
          The plan has changed since you opened this. Close it and read the new one.
        </p>
      )}
      {answer.error !== null && <ErrorNote error={answer.error} />}
      <TextArea
        ref={reasonRef}
        label={kind === "deny" ? "Reason" : "Reason (optional)"}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
        maxLength={4_000}
      />
      {mustType && (
        <TextField
          label={`Protected: type ${name} to approve`}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          onPaste={(event) => event.preventDefault()}
          className="font-mono"
          hint={action.reversible && !isIrreversible(action) ? "It acts on production." : "It cannot be undone."}
        />
      )}
      <div className="sticky -bottom-4 -mx-5 -mb-4 flex justify-end gap-2 border-t border-line bg-raised px-5 py-3">
        <Button tone="quiet" onClick={onClose}>
          Back
        </Button>
        <Button type="submit" tone={kind} disabled={!isReady || answer.isPending}>
          {answer.isPending ? "Recording …" : kind === "deny" ? "Deny" : "Approve this plan"}
        </Button>
      </div>
    </form>
  );
}

function Summary({ action, planHash }: { readonly action: ActionDocument; readonly planHash: string }): ReactNode {
  return (
    <div className="rounded-md border border-line bg-sunken px-3 py-2">
      <p className="font-medium text-ink">
        <Foreign text={action.kind} /> on <Foreign text={`${action.environment} / ${action.service}`} />
        {action.resource !== null && (
          <>
            {" "}
            <Foreign text={action.resource} />
          </>
        )}
      </p>
      <p className="mt-1 text-xs text-muted">
        asked for by <Foreign text={action.agent} />
      </p>
      <p className="mt-1 font-mono text-2xs break-all text-faint">plan {planHash}</p>
    </div>
  );
}

type Answering = {
  readonly action: ActionDocument;
  readonly kind: AnswerKind;
  readonly planHash: string;
  readonly onClose: () => void;
};

function useAnswer({ action, kind, planHash, onClose }: Answering) {
  const queries = useQueryClient();
  const say = useNotice();
  const [key, setKey] = useState(newKey);
  useEffect(() => setKey(newKey()), [kind]);
  return useMutation({
    mutationFn: ({ reason, confirm }: { readonly reason: string; readonly confirm: string }) =>
      write<Decision>({
        method: "POST",
        path: `/v1/actions/${encodeURIComponent(action.id)}/approvals`,
        body: {
          decision: kind,
          planHash,
          ...(reason === "" ? {} : { reason }),
          ...(confirm === "" ? {} : { confirm }),
        },
        key,
      }),
    onSuccess: ({ status }) => {
      say(
        kind === "deny"
          ? `Denied. ${action.id} will not run.`
          : status === "held"
            ? `Approved. ${action.id} waits for others.`
            : `Approved. ${action.id} is ${status}.`,
      );
      onClose();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["actions"] }),
  });
}
