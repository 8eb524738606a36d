// Rights of people and groups: who holds what, asked for by actions that people approve, revoked at once.

import { AppError } from "../../core/errors.ts";
import {
  decisionSchema,
  documentSchema,
  pageSchema,
  peopleQuerySchema,
  revocationSchema,
} from "../../wire/schemas/api.ts";
import { groupRightsArguments, personRightsArguments } from "../../wire/schemas/rights.ts";
import type { PersonView } from "../../wire/types/rights.ts";
import { hasScope } from "../../wire/types/scopes.ts";
import { NOTHING } from "../listing.ts";
import { propose } from "../propose.ts";
import { proposedArguments } from "../proposed-arguments.ts";
import { admitWrite, identify, parseWith, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";
import type { Services } from "../services.ts";

const SELF = { environment: "holdpoint", service: "holdpoint" };

/** Who wants it says so under their own name, and somebody else, who gets nothing of it, approves it. */
function ask(kind: "person.register" | "group.register") {
  return (context: RouteContext): Promise<unknown> => {
    const { reason, ...args } = (context.request.body ?? {}) as Record<string, unknown>;
    const why = reason === undefined ? {} : { reason };
    return propose(context, { kind, target: SELF, arguments: args, ...why });
  };
}

async function listPeople({ services, request }: RouteContext): Promise<unknown> {
  requireScope(await identify(services, request), "people:read");
  const { limit, cursor = "", kind, role, status } = parseWith(peopleQuerySchema, request.query, "query-invalid");
  const found = services.rights
    .all()
    .filter(
      (one) =>
        one.id > cursor &&
        (kind === undefined || one.kind === kind) &&
        (role === undefined || one.roles.includes(role)) &&
        (status === undefined || one.status === status),
    );
  const items = await Promise.all(found.slice(0, limit).map((one) => withName(services, one)));
  return { items, cursor: found.length > limit ? (items.at(-1)?.id ?? null) : null };
}

async function readPerson({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  const id = nameOf(request.params);
  if (identity.id !== id) requireScope(identity, "people:read");
  return withName(services, find(services, id));
}

function find(services: Services, id: string): PersonView {
  const found = services.rights.all().find((one) => one.id === id);
  if (found === undefined) throw new AppError("rights-not-found", NOTHING, { id });
  return found;
}

/** A group that the settings do not name is called what its registration said. */
async function withName(services: Services, view: PersonView): Promise<PersonView> {
  const action = view.registered?.action ?? null;
  if (view.kind !== "group" || view.name !== null || action === null) return view;
  const { issuer, group } = await proposedArguments(services, action);
  return { ...view, issuer: textOrNull(issuer), name: textOrNull(group) };
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** Whoever has the scope, and everybody for themselves: taking away needs no approval. */
async function revokePerson({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  const id = nameOf(request.params);
  if (identity.id !== id && !hasScope(identity, "people:revoke")) {
    throw new AppError("scope-insufficient", "this needs the scope people:revoke", { scope: "people:revoke" });
  }
  const { reason } = parseWith(revocationSchema, request.body ?? {}, "request-invalid");
  admitWrite(services, identity);
  find(services, id);
  const content = { reason: reason ?? null };
  const answer = await services.submit({ type: "revoke-rights", actor: identity.id, input: { holder: id }, content });
  return { id, status: answer.result, repeated: answer.repeated, href: `/v1/people/${id}` };
}

function nameOf(params: unknown): string {
  const { id } = params as { id?: string };
  return (id ?? "").slice(0, 128);
}

const decided = { status: 200, schema: decisionSchema, what: "What happened to the registration" } as const;
const asked = { ...decided, also: { status: 202, what: "It waits for an approval" } } as const;
const document = { status: 200, schema: documentSchema, what: "The document" } as const;

export const rightsRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/people",
    operationId: "listPeople",
    summary: "People and groups: which roles and scopes each has now, and by which action.",
    auth: { scope: "people:read" },
    query: peopleQuerySchema,
    response: { status: 200, schema: pageSchema, what: "One page" },
    errors: ["query-invalid"],
    handle: listPeople,
  },
  {
    method: "POST",
    path: "/v1/people",
    operationId: "registerPerson",
    summary: "Propose a person, or other roles, scopes or keys for one; somebody else approves it.",
    auth: { scope: "actions:propose:person.register" },
    body: { schema: personRightsArguments, type: "application/json" },
    response: asked,
    errors: ["arguments-invalid", "signature-invalid", "secret-detected", "idempotency-conflict", "overloaded"],
    handle: ask("person.register"),
  },
  {
    method: "POST",
    path: "/v1/groups",
    operationId: "registerGroup",
    summary: "Propose what a group at another issuer gives its members; somebody else approves it.",
    auth: { scope: "actions:propose:group.register" },
    body: { schema: groupRightsArguments, type: "application/json" },
    response: asked,
    errors: ["arguments-invalid", "secret-detected", "idempotency-conflict", "overloaded"],
    handle: ask("group.register"),
  },
  {
    method: "GET",
    path: "/v1/people/:id",
    operationId: "getPerson",
    summary: "One person or group. Everybody may read themselves.",
    auth: { scope: "people:read" },
    response: document,
    errors: ["rights-not-found"],
    handle: readPerson,
  },
  {
    method: "POST",
    path: "/v1/people/:id/revoke",
    operationId: "revokePerson",
    summary: "Revoke a person or a group, at once: tokens, sessions, approvals not used yet, and what they asked for.",
    auth: { scope: "people:revoke" },
    body: { schema: revocationSchema, type: "application/json" },
    response: { ...document, what: "The person is revoked" },
    errors: ["rights-not-found", "overloaded", "commit-unknown"],
    handle: revokePerson,
  },
];
