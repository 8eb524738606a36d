// What people do to incidents.

import { documentSchema, splitSchema } from "../../wire/schemas/api.ts";
import { admitWrite, identify, idOf, parseWith, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";

async function splitIncident({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "incidents:write");
  const body = parseWith(splitSchema, request.body, "request-invalid");
  admitWrite(services, identity);
  const { subject } = await services.submit({
    type: "split-incident",
    actor: identity.id,
    input: { incident: idOf(request.params), services: body.services, roles: identity.roles },
    content: { reason: body.reason ?? null },
  });
  return { id: subject, href: `/v1/incidents/${subject}` };
}

export const incidentRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/incidents/:id/split",
    operationId: "splitIncident",
    summary: "Take services out of an open incident into one of their own; the two are not joined again.",
    auth: { scope: "incidents:write" },
    body: { schema: splitSchema, type: "application/json" },
    response: { status: 200, schema: documentSchema, what: "The new incident" },
    errors: ["incident-not-found", "not-eligible", "request-invalid", "overloaded", "commit-unknown"],
    handle: splitIncident,
  },
];
