// Revoking an agent: at once, with all below it, and without an approval.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState, type ReactNode } from "react";
import { write } from "../api/api-client.ts";
import { useNotice } from "../shell/Notices.tsx";
import { plainText } from "../text/visible-text.ts";
import { Button } from "../ui/Button.tsx";
import { TextArea } from "../ui/Field.tsx";
import { Modal } from "../ui/Modal.tsx";
import { ErrorNote } from "../ui/Panel.tsx";

export function RevokeButton({ id }: { readonly id: string }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const [reason, setReason] = useState("");
  const first = useRef<HTMLTextAreaElement>(null);
  const queries = useQueryClient();
  const say = useNotice();
  const revoke = useMutation({
    mutationFn: () =>
      write({
        method: "POST",
        path: `/v1/agents/${encodeURIComponent(id)}/revoke`,
        body: reason.trim() === "" ? {} : { reason: reason.trim() },
      }),
    onSuccess: () => {
      say(`${plainText(id)} is revoked.`);
      setOpen(false);
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["agents"] }),
  });
  return (
    <>
      <Button tone="danger" size="sm" className="ml-auto" onClick={() => setOpen(true)}>
        Revoke …
      </Button>
      <Modal
        title={`Revoke ${plainText(id)}?`}
        description="Its tokens end at once, and so do those of all agents below it. What they proposed and has not begun will not run."
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        firstFocus={first}
      >
        <div className="flex flex-col gap-4">
          {revoke.error !== null && <ErrorNote error={revoke.error} />}
          <TextArea
            ref={first}
            label="Reason (optional)"
            value={reason}
            onChange={(event) => setReason(event.target.value)}
            maxLength={4_000}
          />
          <div className="flex justify-end gap-2">
            <Button tone="quiet" onClick={() => setOpen(false)}>
              Back
            </Button>
            <Button tone="deny" disabled={revoke.isPending} onClick={() => revoke.mutate()}>
              Revoke it
            </Button>
          </div>
        </div>
      </Modal>
    </>
  );
}
