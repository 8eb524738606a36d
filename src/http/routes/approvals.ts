// Routes of approvals: answers to a hold, and approvals taken back.

import { answerSchema, decisionSchema } from "../../wire/schemas/api.ts";
import { answerCommand } from "../answers.ts";
import { decisionOf } from "../propose.ts";
import { admitWrite, identify, idOf, parseWith, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";

async function answerHold({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "actions:approve");
  const { decision, planHash, reason = null } = parseWith(answerSchema, request.body, "request-invalid");
  admitWrite(services, identity);
  const answer = { decision, planHash, reason };
  return decisionOf(await services.submit(answerCommand(services, { identity, action: idOf(request.params), answer })));
}

export const approvalRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/actions/:id/approvals",
    operationId: "answerHold",
    summary: "Approve or deny a held action, bound to the exact plan that was read, or take your approval back.",
    auth: { scope: "actions:approve" },
    body: { schema: answerSchema, type: "application/json" },
    response: { status: 200, schema: decisionSchema, what: "What happened to the action" },
    errors: [
      "not-eligible",
      "self-approval",
      "already-answered",
      "approval-not-found",
      "plan-mismatch",
      "action-not-held",
      "killswitch-conflict",
    ],
    handle: answerHold,
  },
];
