// The route of labels: what people think of what an agent at level 0 advised.

import { documentSchema, labelSchema } from "../../wire/schemas/api.ts";
import { answererOf } from "../answers.ts";
import { admitWrite, identify, idOf, parseWith, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";

async function labelAction({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "actions:approve");
  const { label, faults, reason } = parseWith(labelSchema, request.body, "request-invalid");
  admitWrite(services, identity);
  const input = { action: idOf(request.params), label, faults, answerer: answererOf(services, identity) };
  const { subject, result } = await services.submit({
    type: "label-action",
    actor: identity.id,
    input,
    content: { reason },
  });
  return { id: subject, label: result, href: `/v1/actions/${subject}` };
}

export const labelRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/actions/:id/labels",
    operationId: "labelAction",
    summary: "Say what advice was worth, as somebody who has no part in the agent; your last word counts.",
    auth: { scope: "actions:approve" },
    body: { schema: labelSchema, type: "application/json" },
    response: { status: 200, schema: documentSchema, what: "Your label" },
    errors: ["action-not-advice", "not-eligible", "self-approval", "overloaded"],
    handle: labelAction,
  },
];
