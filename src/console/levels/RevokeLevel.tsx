// Taking a level back: at once, and without an approval.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState, type ReactNode } from "react";
import type { LevelView } from "../../wire/types/grant-views.ts";
import { newKey } from "../api/api-client.ts";
import { useNotice } from "../shell/Notices.tsx";
import { plainText } from "../text/visible-text.ts";
import { Button } from "../ui/Button.tsx";
import { TextArea } from "../ui/Field.tsx";
import { Modal } from "../ui/Modal.tsx";
import { ErrorNote } from "../ui/Panel.tsx";
import { LEVEL_NAMES } from "./level-names.ts";
import { proposeOwn } from "./propose-own.ts";

export function RevokeLevel({ level }: { readonly level: LevelView }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const [reason, setReason] = useState("");
  const [key, setKey] = useState(newKey);
  const first = useRef<HTMLTextAreaElement>(null);
  const queries = useQueryClient();
  const say = useNotice();
  const revoke = useMutation({
    mutationFn: () => proposeOwn({ kind: "level.revoke", args: { grant: level.id }, reason: reason.trim(), key }),
    onSuccess: ({ status }) => {
      say(status === "succeeded" ? `${level.id} is revoked.` : `Asked for: it is ${status}.`);
      setOpen(false);
      setKey(newKey());
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["levels"] }),
  });
  return (
    <>
      <Button tone="danger" size="sm" onClick={() => setOpen(true)} aria-label={`Revoke ${level.id}`}>
        Revoke …
      </Button>
      <Modal
        title={`Take level ${level.level} from ${plainText(level.agent)}?`}
        description={`It ends at once, calls under way included: ${LEVEL_NAMES[level.level]} for ${plainText(level.kinds.join(" "))}.`}
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
