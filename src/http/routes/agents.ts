// Routes of agents: registered by an approved action, read, revoked at once.

import { AppError } from "../../core/errors.ts";
import {
  decisionSchema,
  documentSchema,
  listQuerySchema,
  pageSchema,
  revocationSchema,
} from "../../wire/schemas/api.ts";
import { registrationArguments } from "../../wire/schemas/agents.ts";
import { hasScope } from "../../wire/types/scopes.ts";
import type { Identity } from "../../wire/types/identity.ts";
import { listView, NOTHING, readView } from "../listing.ts";
import { propose } from "../propose.ts";
import { proposedArguments } from "../proposed-arguments.ts";
import { admitWrite, identify, parseWith } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";
import type { Services } from "../services.ts";

const SELF = { environment: "holdpoint", service: "holdpoint" };

/** The same as proposing `agent.register`: who wants it says so under their own name, and somebody else approves it. */
async function registerAgent(context: RouteContext): Promise<unknown> {
  const { request } = context;
  return propose(context, { kind: "agent.register", target: SELF, arguments: request.body });
}

async function readAgent({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  const id = agentOf(request.params);
  if (identity.id !== id && !hasScope(identity, "agents:read")) {
    throw new AppError("agent-not-found", NOTHING, { id });
  }
  const document = await readView(services, { view: "agents", id, code: "agent-not-found" });
  return { ...document, purpose: await purposeOf(services, document.action) };
}

/** As it was proposed; null when it has been erased. */
async function purposeOf(services: Services, action: string): Promise<string | null> {
  const { purpose } = await proposedArguments(services, action);
  return typeof purpose === "string" ? purpose : null;
}

/** Whoever has the scope, the agent itself, and those above it: stopping needs no approval. */
async function revokeAgent({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  const id = agentOf(request.params);
  if (!mayRevoke(services, { identity, id })) {
    throw new AppError("scope-insufficient", "this needs the scope agents:revoke", { scope: "agents:revoke" });
  }
  const { reason } = parseWith(revocationSchema, request.body ?? {}, "request-invalid");
  admitWrite(services, identity);
  const content = { reason: reason ?? null };
  const answer = await services.submit({ type: "revoke-agent", actor: identity.id, input: { agent: id }, content });
  return { id, status: answer.result, repeated: answer.repeated, href: `/v1/agents/${id}` };
}

function mayRevoke(services: Services, { identity, id }: { identity: Identity; id: string }): boolean {
  return hasScope(identity, "agents:revoke") || services.agents.isSelfOrAbove(identity.id, id);
}

function agentOf(params: unknown): string {
  const { id } = params as { id?: string };
  return (id ?? "").slice(0, 128);
}

const decided = { status: 200, schema: decisionSchema, what: "What happened to the registration" } as const;

export const agentRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/agents",
    operationId: "registerAgent",
    summary: "Propose an agent, or other keys, models or bounds for one; somebody else approves it.",
    auth: { scope: "actions:propose:agent.register" },
    body: { schema: registrationArguments, type: "application/json" },
    response: { ...decided, also: { status: 202, what: "It waits for an approval" } },
    errors: ["arguments-invalid", "delegation-exceeded", "secret-detected", "idempotency-conflict", "overloaded"],
    handle: registerAgent,
  },
  {
    method: "GET",
    path: "/v1/agents",
    operationId: "listAgents",
    summary: "List agents: whose they are, what they may do, whether they are revoked.",
    auth: { scope: "agents:read" },
    query: listQuerySchema,
    response: { status: 200, schema: pageSchema, what: "One page" },
    errors: ["query-invalid", "views-behind"],
    handle: (context) => listView(context, { view: "agents", scope: "agents:read" }),
  },
  {
    method: "GET",
    path: "/v1/agents/:id",
    operationId: "getAgent",
    summary: "One agent with its purpose. An agent may read itself.",
    auth: { scope: "agents:read" },
    response: { status: 200, schema: documentSchema, what: "The document" },
    errors: ["agent-not-found", "views-behind"],
    handle: readAgent,
  },
  {
    method: "POST",
    path: "/v1/agents/:id/revoke",
    operationId: "revokeAgent",
    summary: "Revoke an agent and all below it, at once: tokens, proposals, and actions of theirs that have not begun.",
    auth: { scope: "agents:revoke" },
    body: { schema: revocationSchema, type: "application/json" },
    response: { status: 200, schema: documentSchema, what: "The agent is revoked" },
    errors: ["agent-not-found", "overloaded", "commit-unknown"],
    handle: revokeAgent,
  },
];
