// Taking back one's own approval while others are still asked.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouteContext } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { HoldView } from "../../wire/types/approval-views.ts";
import { write } from "../api/api-client.ts";
import type { ActionDocument, Decision } from "../api/documents.ts";
import { hasSigned } from "../holds/eligibility.ts";
import { useNotice } from "../shell/Notices.tsx";
import { Button } from "../ui/Button.tsx";
import { ErrorNote } from "../ui/Panel.tsx";

export function WithdrawButton({
  action,
  hold,
}: {
  readonly action: ActionDocument;
  readonly hold: HoldView;
}): ReactNode {
  const { session } = useRouteContext({ from: "__root__" });
  const queries = useQueryClient();
  const say = useNotice();
  const withdraw = useMutation({
    mutationFn: () =>
      write<Decision>({
        method: "POST",
        path: `/v1/actions/${encodeURIComponent(action.id)}/approvals`,
        body: { decision: "withdraw", planHash: action.planHash },
      }),
    onSuccess: () => say(`Your approval of ${action.id} is taken back.`),
    onSettled: () => queries.invalidateQueries({ queryKey: ["actions"] }),
  });
  if (!hasSigned(hold, session)) return null;
  return (
    <div className="mt-3 flex flex-col gap-2 border-t border-line pt-2.5">
      {withdraw.error !== null && <ErrorNote error={withdraw.error} />}
      <Button size="sm" className="self-start" disabled={withdraw.isPending} onClick={() => withdraw.mutate()}>
        Take my approval back
      </Button>
    </div>
  );
}
