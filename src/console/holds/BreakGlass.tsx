// The emergency exit of a hold: at once, without its quorum, with a reason, and a review that is owed for it.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState, type ReactNode } from "react";
import { nameToType, type BreakGlass as Exit } from "../../wire/types/approvals.ts";
import { newKey, write } from "../api/api-client.ts";
import type { ActionDocument, Decision, Session } from "../api/documents.ts";
import { useNotice } from "../shell/Notices.tsx";
import { spanText } from "../text/instants.ts";
import { Button } from "../ui/Button.tsx";
import { TextArea, TextField } from "../ui/Field.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Modal } from "../ui/Modal.tsx";
import { ErrorNote } from "../ui/Panel.tsx";
import { isProtected } from "./eligibility.ts";

/** The exit that this person may take, as far as the page can tell; null where there is none for them. */
function exitFor({ hold, agent, person }: ActionDocument, session: Session): Exit | null {
  if (hold === null || hold.breakGlass === null || hold.frozen !== null) return null;
  const isOwn = agent === session.identity || (person !== null && person === session.person);
  const hasAsked = hold.breakers.some(
    (one) => one.id === session.identity || (one.person !== null && one.person === session.person),
  );
  const isNamed = hold.breakGlass.roles.some((role) => session.roles.includes(role));
  return isNamed && !isOwn && !hasAsked && session.scopes.includes("actions:approve") ? hold.breakGlass : null;
}

export function BreakGlass({
  action,
  session,
}: {
  readonly action: ActionDocument;
  readonly session: Session;
}): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const first = useRef<HTMLTextAreaElement>(null);
  const exit = exitFor(action, session);
  if (exit === null || action.planHash === null) return null;
  return (
    <>
      <Button tone="danger" onClick={() => setOpen(true)} className="max-sm:flex-1">
        Break glass …
      </Button>
      <Modal
        title="Break the glass?"
        description="It goes without those who are asked. Everybody who must know is told."
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        firstFocus={first}
      >
        {isOpen && <GlassForm action={action} exit={exit} first={first} onClose={() => setOpen(false)} />}
      </Modal>
    </>
  );
}

type FormProps = {
  readonly action: ActionDocument;
  readonly exit: Exit;
  readonly first: React.Ref<HTMLTextAreaElement>;
  readonly onClose: () => void;
};

function GlassForm({ action, exit, first, onClose }: FormProps): ReactNode {
  const [planHash] = useState(action.planHash ?? "");
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState("");
  const glass = useGlass({ action, planHash, onClose });
  const name = nameToType(action);
  const mustType = isProtected(action);
  const hasChanged = planHash !== action.planHash;
  const isReady = !hasChanged && reason.trim() !== "" && (!mustType || typed === name) && !glass.isPending;
  const submit = (event: { preventDefault: () => void }): void => {
    event.preventDefault();
    if (isReady) glass.mutate({ reason: reason.trim(), confirm: mustType ? typed : "" });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <Terms action={action} exit={exit} planHash={planHash} />
      {hasChanged && (
        <p role="alert" className="rounded-md bg-warn-soft px-3 py-2 text-warn">
          The plan has changed since you opened this. Close it and read the new one.
        </p>
      )}
      {glass.error !== null && <ErrorNote error={glass.error} />}
      <TextArea
        ref={first}
        label="Why it cannot wait"
        value={reason}
        onChange={(event) => setReason(event.target.value)}
        maxLength={4_000}
      />
      {mustType && (
        <TextField
          label={`Protected: type ${name}`}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          onPaste={(event) => event.preventDefault()}
          className="font-mono"
        />
      )}
      <div className="flex justify-end gap-2">
        <Button tone="quiet" onClick={onClose}>
          Back
        </Button>
        <Button type="submit" tone="deny" disabled={!isReady}>
          Break the glass
        </Button>
      </div>
    </form>
  );
}

function Terms({
  action,
  exit,
  planHash,
}: Pick<FormProps, "action" | "exit"> & { readonly planHash: string }): ReactNode {
  const asked = action.hold?.breakers.length ?? 0;
  return (
    <div className="rounded-md border border-bad/30 bg-bad-soft px-3 py-2 text-bad">
      <p className="font-medium">
        <Foreign text={action.kind} /> on <Foreign text={`${action.environment} / ${action.service}`} />
      </p>
      <p className="mt-1 text-xs">
        It takes {exit.people === 1 ? "one person" : `${exit.people} people`}
        {asked > 0 && `, of whom ${asked} asked already`}. The grant lives {spanText(exit.withinMs)}. A review by{" "}
        {exit.reviewRoles.join(" or ")} is owed within {spanText(exit.reviewWithinMs)}.
      </p>
      <p className="mt-1 font-mono text-2xs break-all">plan {planHash}</p>
    </div>
  );
}

type Breaking = { readonly action: ActionDocument; readonly planHash: string; readonly onClose: () => void };

function useGlass({ action, planHash, onClose }: Breaking) {
  const queries = useQueryClient();
  const say = useNotice();
  const [key] = useState(newKey);
  return useMutation({
    mutationFn: ({ reason, confirm }: { readonly reason: string; readonly confirm: string }) =>
      write<Decision>({
        method: "POST",
        path: `/v1/actions/${encodeURIComponent(action.id)}/break-glass`,
        body: { planHash, reason, ...(confirm === "" ? {} : { confirm }) },
        key,
      }),
    onSuccess: ({ status }) => {
      say(status === "held" ? `Asked: another person has to join.` : `The glass is broken: ${action.id} is ${status}.`);
      onClose();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["actions"] }),
  });
}
