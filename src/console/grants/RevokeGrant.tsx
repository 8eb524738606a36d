// Taking a grant back: at once, a call under way included, and without an approval.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState, type ReactNode } from "react";
import type { GrantView } from "../../wire/types/grant-views.ts";
import { newKey, write } from "../api/api-client.ts";
import { useNotice } from "../shell/Notices.tsx";
import { plainText } from "../text/visible-text.ts";
import { Button } from "../ui/Button.tsx";
import { TextArea } from "../ui/Field.tsx";
import { Modal } from "../ui/Modal.tsx";
import { ErrorNote } from "../ui/Panel.tsx";

type Revoked = { readonly status: string };

export function RevokeGrant({ grant }: { readonly grant: GrantView }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const [reason, setReason] = useState("");
  const [key] = useState(newKey);
  const first = useRef<HTMLTextAreaElement>(null);
  const queries = useQueryClient();
  const say = useNotice();
  const revoke = useMutation({
    mutationFn: () =>
      write<Revoked>({
        method: "POST",
        path: `/v1/grants/${encodeURIComponent(grant.id)}/revoke`,
        body: reason.trim() === "" ? {} : { reason: reason.trim() },
        key,
      }),
    onSuccess: ({ status }) => {
      say(`${grant.id} is revoked${grant.covers === "plan" ? `: ${grant.action} is ${status}` : ""}.`);
      setOpen(false);
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["grants"] }),
  });
  return (
    <>
      <Button tone="danger" size="sm" onClick={() => setOpen(true)} aria-label={`Revoke ${grant.id}`}>
        Revoke …
      </Button>
      <Modal
        title={`Take back the grant for ${plainText(grant.kind)}?`}
        description="Nothing more begins under it. A call that is under way is stopped, and its target is asked what became of it."
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
