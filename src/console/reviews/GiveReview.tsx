// Saying whether the glass had to be broken, with the reason.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import type { ReviewOutcome } from "../../wire/types/approvals.ts";
import { newKey, write } from "../api/api-client.ts";
import { useNotice } from "../shell/Notices.tsx";
import { Button } from "../ui/Button.tsx";
import { TextArea } from "../ui/Field.tsx";
import { ErrorNote } from "../ui/Panel.tsx";

export function GiveReview({ id }: { readonly id: string }): ReactNode {
  const [note, setNote] = useState("");
  const [key] = useState(newKey);
  const queries = useQueryClient();
  const say = useNotice();
  const give = useMutation({
    mutationFn: (outcome: ReviewOutcome) =>
      write({
        method: "POST",
        path: `/v1/reviews/${encodeURIComponent(id)}`,
        body: { outcome, note: note.trim() },
        key: `${key}-${outcome}`,
      }),
    onSuccess: (_answer, outcome) => say(`Recorded: ${outcome}.`),
    onSettled: () => queries.invalidateQueries({ queryKey: ["reviews"] }),
  });
  const isReady = note.trim() !== "" && !give.isPending;
  return (
    <div className="flex flex-col gap-4">
      {give.error !== null && <ErrorNote error={give.error} />}
      <TextArea
        label="What you found"
        hint="Recorded under your name in the ledger."
        value={note}
        onChange={(event) => setNote(event.target.value)}
        maxLength={4_000}
      />
      <div className="flex flex-wrap justify-end gap-2">
        <Button tone="deny" disabled={!isReady} onClick={() => give.mutate("unjustified")}>
          It had not to be
        </Button>
        <Button tone="approve" disabled={!isReady} onClick={() => give.mutate("justified")}>
          It had to be
        </Button>
      </div>
    </div>
  );
}
