// Taking something back: asks once, with a reason if one is given, and says what came of it.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState, type ReactNode } from "react";
import { newKey } from "../api/api-client.ts";
import { Button } from "../ui/Button.tsx";
import { TextArea } from "../ui/Field.tsx";
import { Modal } from "../ui/Modal.tsx";
import { ErrorNote } from "../ui/Panel.tsx";
import { useNotice } from "./Notices.tsx";

export type Asked = {
  /** Trimmed; empty for none. */
  readonly reason: string;
  /** The same for every try of one asking, so that it counts once. */
  readonly key: string;
};

export function RevokeDialog<T>({
  label,
  className,
  title,
  description,
  queryKey,
  revoke,
  said,
}: {
  /** What the button is called for those who do not see where it stands. */
  readonly label?: string;
  readonly className?: string;
  readonly title: string;
  readonly description: string;
  /** Of the list that changes. */
  readonly queryKey: string;
  readonly revoke: (asked: Asked) => Promise<T>;
  readonly said: (answer: T) => string;
}): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const [reason, setReason] = useState("");
  const [key, setKey] = useState(newKey);
  const first = useRef<HTMLTextAreaElement>(null);
  const queries = useQueryClient();
  const say = useNotice();
  const asking = useMutation({
    mutationFn: () => revoke({ reason: reason.trim(), key }),
    onSuccess: (answer) => {
      say(said(answer));
      setOpen(false);
      setKey(newKey());
    },
    onSettled: () => queries.invalidateQueries({ queryKey: [queryKey] }),
  });
  return (
    <>
      <Button tone="danger" size="sm" className={className} onClick={() => setOpen(true)} aria-label={label}>
        Revoke …
      </Button>
      <Modal title={title} description={description} isOpen={isOpen} onClose={() => setOpen(false)} firstFocus={first}>
        <div className="flex flex-col gap-4">
          {asking.error !== null && <ErrorNote error={asking.error} />}
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
            <Button tone="deny" disabled={asking.isPending} onClick={() => asking.mutate()}>
              Revoke it
            </Button>
          </div>
        </div>
      </Modal>
    </>
  );
}

/** The body of a request that may say why. */
export function withReason(reason: string): { readonly reason?: string } {
  return reason === "" ? {} : { reason };
}
