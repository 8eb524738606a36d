// Routes of incident command: agents in an incident's domain wait, but for those its commander lets through.

import { AppError } from "../../core/errors.ts";
import { plainName } from "../../core/names.ts";
import { commandSchema, documentSchema } from "../../wire/schemas/api.ts";
import type { Identity } from "../../wire/types/identity.ts";
import { admitWrite, identify, idOf, parseWith, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";

async function takeCommand({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "killswitch:pause");
  const body = parseWith(commandSchema, request.body, "request-invalid");
  admitWrite(services, identity);
  const { subject } = await services.submit({
    type: "command-incident",
    actor: identity.id,
    input: {
      incident: idOf(request.params),
      person: personOf(identity),
      roles: identity.roles,
      services: body.services.map(serviceName),
      exceptAgents: body.except.agents,
      exceptKinds: body.except.kinds,
    },
    content: { reason: body.reason ?? null },
  });
  return { brake: subject, href: `/v1/killswitch/reports/${subject}` };
}

async function endCommand({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "killswitch:pause");
  admitWrite(services, identity);
  const input = { incident: idOf(request.params), person: personOf(identity) };
  const { subject } = await services.submit({ type: "end-command", actor: identity.id, input });
  return { brake: subject, href: `/v1/killswitch/reports/${subject}` };
}

/** An agent stops what it likes, and commands nobody. */
function personOf({ kind, person }: Identity): string {
  if (kind === "person" && person !== null) return person;
  throw new AppError("not-eligible", "incidents are commanded by people");
}

function serviceName(text: string): string {
  const service = plainName(text);
  if (service === undefined) throw new AppError("name-suspicious", "services: not a plain name", { field: "services" });
  return service;
}

const errors = ["incident-not-found", "not-eligible", "killswitch-conflict", "commit-unknown"] as const;

export const incidentCommandRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/incidents/:id/command",
    operationId: "commandIncident",
    summary: "Hold back agents in the incident's services while it lasts, but for those let through.",
    auth: { scope: "killswitch:pause" },
    body: { schema: commandSchema, type: "application/json" },
    response: { status: 200, schema: documentSchema, what: "The brake that holds them back" },
    errors: [...errors, "name-suspicious", "request-invalid"],
    handle: takeCommand,
  },
  {
    method: "DELETE",
    path: "/v1/incidents/:id/command",
    operationId: "endCommand",
    summary: "The commander hands back: agents go on as policy lets them.",
    auth: { scope: "killswitch:pause" },
    response: { status: 200, schema: documentSchema, what: "The brake that was released" },
    errors,
    handle: endCommand,
  },
];
