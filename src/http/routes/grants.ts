// Routes of grants: which there are, and taking one back.

import { AppError } from "../../core/errors.ts";
import {
  decisionSchema,
  documentSchema,
  grantRequest,
  listQuerySchema,
  pageSchema,
  revocationSchema,
} from "../../wire/schemas/api.ts";
import { hasEnded } from "../../kernel/state.ts";
import type { Identity } from "../../wire/types/identity.ts";
import { hasScope } from "../../wire/types/scopes.ts";
import type { GrantView } from "../../wire/types/grant-views.ts";
import type { ActionView } from "../../wire/types/views.ts";
import { propose } from "../propose.ts";
import { waitFor, waitMsOf } from "../action-waits.ts";
import { listView, NOTHING, readView } from "../listing.ts";
import { admitWrite, identify, idOf, parseWith, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";
import type { Services } from "../services.ts";

async function readGrant({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  return readVisible(services, { identity, id: idOf(request.params) });
}

/** Agents see their own. */
async function readVisible(services: Services, of: { identity: Identity; id: string }): Promise<GrantView> {
  const grant = await readView(services, { view: "grants", id: of.id, code: "grant-not-found" });
  if (grant.agent === of.identity.id || hasScope(of.identity, "actions:read")) return grant;
  throw new AppError("grant-not-found", NOTHING, { id: of.id });
}

const SELF = { environment: "holdpoint", service: "holdpoint" };

/** Asked of those whose route it stands for. */
function createGrant(context: RouteContext): Promise<unknown> {
  const { reason, ...args } = (context.request.body ?? {}) as Record<string, unknown>;
  const why = reason === undefined ? {} : { reason };
  return propose(context, { kind: "grant.create", target: SELF, arguments: args, ...why });
}

/** Takes no approval. With `Prefer: wait` the answer tells what became of a call that was under way. */
async function revokeGrant({ services, request, reply }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  const { reason } = parseWith(revocationSchema, request.body ?? {}, "request-invalid");
  const { id, agent, covers } = await readVisible(services, { identity, id: idOf(request.params) });
  if (agent !== identity.id) requireScope(identity, "actions:cancel");
  admitWrite(services, identity);
  const content = { reason: reason ?? null };
  const answer = await services.submit({ type: "revoke-grant", actor: identity.id, input: { grant: id }, content });
  if (covers === "set") return { id, status: answer.result, repeated: answer.repeated, href: `/v1/grants/${id}` };
  const waitMs = waitMsOf(request, reply);
  const isThere = ({ status }: ActionView): boolean => hasEnded(status);
  const { status, code } =
    waitMs > 0 && !hasEnded(answer.result as ActionView["status"])
      ? await waitFor(services, { id: answer.subject, isThere, waitMs })
      : { status: answer.result, code: null };
  const href = `/v1/grants/${id}`;
  return { id, action: answer.subject, status, code, repeated: answer.repeated, href };
}

export const grantRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/grants",
    operationId: "createGrant",
    summary: "Ask for a bounded grant: so many actions of an agent that need not be asked about one by one.",
    auth: { scope: "actions:propose:grant.create" },
    body: { schema: grantRequest, type: "application/json" },
    response: { status: 200, schema: decisionSchema, what: "It was decided", also: { status: 202, what: "It waits" } },
    errors: ["arguments-invalid", "secret-detected", "idempotency-conflict", "overloaded"],
    handle: createGrant,
  },
  {
    method: "GET",
    path: "/v1/grants",
    operationId: "listGrants",
    summary: "Grants under which something outside may be done, the newest first; also those that ended.",
    auth: { scope: "actions:read" },
    query: listQuerySchema,
    response: { status: 200, schema: pageSchema, what: "One page" },
    errors: ["query-invalid", "views-behind"],
    handle: (context) => listView(context, { view: "grants", scope: "actions:read" }),
  },
  {
    method: "GET",
    path: "/v1/grants/:id",
    operationId: "getGrant",
    summary: "One grant. An agent may read its own.",
    auth: { scope: "actions:read" },
    response: { status: 200, schema: documentSchema, what: "The document" },
    errors: ["grant-not-found", "views-behind"],
    handle: readGrant,
  },
  {
    method: "POST",
    path: "/v1/grants/:id/revoke",
    operationId: "revokeGrant",
    summary: "Take a grant back, at once: nothing begins under it, and a call under way is stopped and asked about.",
    auth: { scope: "actions:cancel" },
    body: { schema: revocationSchema, type: "application/json" },
    response: { status: 200, schema: documentSchema, what: "The grant is revoked; how its action stands" },
    errors: ["grant-not-found", "grant-ended", "views-behind", "commit-unknown"],
    handle: revokeGrant,
  },
];
