// Taking back an action of which nothing has begun.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouteContext } from "@tanstack/react-router";
import { useRef, useState, type ReactNode } from "react";
import { write } from "../api/api-client.ts";
import type { ActionDocument, Decision } from "../api/documents.ts";
import { useNotice } from "../shell/Notices.tsx";
import { Button } from "../ui/Button.tsx";
import { Modal } from "../ui/Modal.tsx";
import { ErrorNote } from "../ui/Panel.tsx";

const OPEN: ReadonlySet<string> = new Set(["evaluating", "held", "waiting", "granted"]);

export function CancelButton({ action }: { readonly action: ActionDocument }): ReactNode {
  const { session } = useRouteContext({ from: "__root__" });
  const [isOpen, setOpen] = useState(false);
  const back = useRef<HTMLButtonElement>(null);
  const queries = useQueryClient();
  const say = useNotice();
  const cancel = useMutation({
    mutationFn: () =>
      write<Decision>({ method: "POST", path: `/v1/actions/${encodeURIComponent(action.id)}/cancel`, body: {} }),
    onSuccess: () => {
      say(`${action.id} is taken back.`);
      setOpen(false);
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["actions"] }),
  });
  const mayCancel = session.scopes.includes("actions:cancel") || action.agent === session.identity;
  if (!mayCancel || !OPEN.has(action.status)) return null;
  return (
    <>
      <Button size="sm" onClick={() => setOpen(true)}>
        Take back …
      </Button>
      <Modal
        title="Take this action back?"
        description="It will not run. Nothing of it has begun."
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        firstFocus={back}
      >
        {cancel.error !== null && <ErrorNote error={cancel.error} />}
        <div className="mt-2 flex justify-end gap-2">
          <Button ref={back} tone="quiet" onClick={() => setOpen(false)}>
            Back
          </Button>
          <Button tone="deny" disabled={cancel.isPending} onClick={() => cancel.mutate()}>
            Take it back
          </Button>
        </div>
      </Modal>
    </>
  );
}
