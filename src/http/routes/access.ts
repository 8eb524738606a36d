// AuthZEN Authorization API 1.0: what would be decided now. An evaluation records nothing.

import { randomUUID } from "node:crypto";
import { isAppError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Probed } from "../../kernel/probe.ts";
import {
  accessCallSchema,
  accessDecisionSchema,
  accessDecisionsSchema,
  approvalReferenceSchema,
  evaluationSchema,
  evaluationsSchema,
  type AccessCall,
} from "../../wire/schemas/access.ts";
import { documentSchema } from "../../wire/schemas/api.ts";
import { isOwn, isPerson, placeOf } from "../access-calls.ts";
import { approvalOf, begin, instant, isRequestable, statusOf, type Asking } from "../access-decisions.ts";
import { readCall, SameCalls, type ReadCall } from "../access-plans.ts";
import { subjectOf, type Subject } from "../access-subjects.ts";
import { inTurn } from "../in-turn.ts";
import { admitWrite, parseWith, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";
import type { Services } from "../services.ts";

/** How long a denial can be requested. */
const DENIAL_MS = 10 * 60_000;

type Decision = { readonly decision: boolean; readonly context: JsonObject };
type Refused = { readonly refused: string };

async function evaluateOne(context: RouteContext): Promise<unknown> {
  const asking = await begin(context);
  const call = parseWith(evaluationSchema, context.request.body, "request-invalid");
  admitWrite(asking.services, asking.identity);
  return decide(asking, await read(asking, call));
}

/** Members beside `evaluations` are defaults. One that is malformed is denied, and says why. */
async function evaluateMany(context: RouteContext): Promise<unknown> {
  const asking = await begin(context);
  const { evaluations, options, ...defaults } = parseWith(evaluationsSchema, context.request.body, "request-invalid");
  if (evaluations === undefined) {
    admitWrite(asking.services, asking.identity);
    return decide(asking, await read(asking, parseWith(evaluationSchema, defaults, "request-invalid")));
  }
  admitWrite(asking.services, asking.identity, evaluations.length);
  const last = { deny_on_first_deny: false, permit_on_first_permit: true, execute_all: null }[
    options.evaluations_semantic
  ];
  const same = new SameCalls<ReadCall | Refused>();
  const decisions = await inTurn({
    items: evaluations,
    one: (item) => decideItem(asking, { ...defaults, ...item }, same),
    isLast: ({ decision }) => decision === last,
  });
  return { evaluations: decisions };
}

async function decideItem(
  asking: Asking,
  item: Readonly<Record<string, unknown>>,
  same: SameCalls<ReadCall | Refused>,
): Promise<Decision> {
  const parsed = accessCallSchema.safeParse(item);
  if (!parsed.success) {
    const place = (parsed.error.issues[0]?.path ?? []).map((part) => `/${String(part).slice(0, 64)}`).join("");
    return { decision: false, context: { error: { status: 400, message: `${place}: not as the schema says` } } };
  }
  try {
    return await decide(asking, await same.of(item, () => read(asking, parsed.data)));
  } catch (error) {
    if (!isAppError(error, "scope-insufficient")) throw error;
    return { decision: false, context: { error: { status: 403, message: error.message } } };
  }
}

/** A caller asks about itself; about others with a scope of its own. */
async function read({ services, identity }: Asking, call: AccessCall): Promise<ReadCall | Refused> {
  const placed = placeOf(call);
  if ("problem" in placed) return { refused: placed.problem };
  if (!isOwn(placed, identity)) requireScope(identity, "access:evaluate");
  return readCall(services.actions, placed, call);
}

async function decide(asking: Asking, about: ReadCall | Refused): Promise<Decision> {
  const { services, identity } = asking;
  const evaluation = `eval_${randomUUID()}`;
  const base = { evaluation_id: evaluation, evaluated_at: instant(services.nowMs()) };
  if ("refused" in about) return { decision: false, context: { ...base, reason: about.refused } };
  const { placed, plan } = about;
  if (plan.is === "impossible") return { decision: false, context: { ...base, reason: plan.code } };
  const isOffered = services.actions.kinds.has(placed.kind);
  const subject = subjectOf(services.identity, { placed, identity, isOffered });
  const probed = await probe(services, about, subject);
  const context = { ...base, ...toldOf(probed), ...(plan.is === "unknown" ? { plan: "unknown" } : {}) };
  const denied = (reason: string): Decision => ({ decision: false, context: { ...context, reason } });
  if (probed.decision === "refuse") return denied(probed.code);
  if (subject.barred !== null) return denied(subject.barred);
  if (probed.decision === "allow") return plan.is === "unknown" ? denied("plan-unknown") : { decision: true, context };
  const approval = await approvalFor(asking, about, probed);
  if (approval !== null && probed.heldBack !== null) return denied(probed.heldBack);
  if (approval !== null) return { decision: true, context: { ...context, approval } };
  const held = denied("approval_required");
  if (!isRequestable(services, placed) || !isOwn(placed, identity)) return held;
  const request = denialOf(asking, { about, evaluation, probed });
  return { decision: false, context: { ...held.context, access_request: request } };
}

/** What policy says now of the subject's doing this, with every gate and brake. */
function probe(services: Services, { placed, hash, plan }: ReadCall, { person, actsFor }: Subject): Promise<Probed> {
  const { kind, target } = placed;
  const known = services.actions.kinds.get(kind);
  const { signature, planHash, ...facts } =
    plan.is === "made" ? plan.facts : { planHash: hash, signature: undefined, reversible: known?.reversible ?? false };
  return services.probe({
    actor: placed.subject,
    ...(signature === undefined ? {} : { signature }),
    input: {
      kind,
      environment: target.environment,
      service: target.service,
      resource: target.resource ?? null,
      agentKind: isPerson(placed) ? "person" : "agent",
      person,
      ...(actsFor === undefined ? {} : { actsFor }),
      requestHash: hash,
      planHash,
      repeat: known?.repeat ?? "idempotent",
      effect: known?.effect ?? "none",
      ...facts,
      idempotencyKey: null,
    },
  });
}

function toldOf({ verdicts, bundleHash, engine }: Probed): JsonObject {
  return { policy: bundleHash, engine, verdicts: verdicts as unknown as Json };
}

type Denied = { readonly about: ReadCall; readonly evaluation: string; readonly probed: Probed };

function denialOf({ services, identity }: Asking, { about, evaluation, probed }: Denied): JsonObject {
  const expiresAt = services.nowMs() + DENIAL_MS;
  const { members: context, hash: call } = about;
  return {
    endpoint: `${services.sessions.url}/access/v1/requests`,
    template: probed.route,
    expires_at: instant(expiresAt),
    binding_token: services.access.seal({ evaluation, caller: identity.id, call, context, expiresAt }),
  };
}

/** The approval that the call carries, where it is of this very call and caller, still holds, and is of this route. */
async function approvalFor(asking: Asking, { call, hash }: ReadCall, { route }: Probed): Promise<JsonObject | null> {
  const { services, identity } = asking;
  const reference = approvalReferenceSchema.safeParse(call.context?.["approval"]);
  const id = reference.success ? services.access.actionOf("apr", reference.data.id) : null;
  if (!reference.success || id === null) return null;
  await services.views.caughtUp();
  const action = services.views.reader.find("actions", id);
  if (action === null || action.agent !== identity.id || statusOf(action) !== "approved") return null;
  const isCurrent = action.grant !== null && services.nowMs() < action.grant.expiresAt;
  if (!isCurrent || action.requestHash !== hash) return null;
  const timeline = await services.ledger.timeline(action);
  const held = timeline.findLast(({ type }) => type === "action.held");
  return held?.facts["route"] === route ? approvalOf(services, action) : null;
}

function metadata({ services }: RouteContext): unknown {
  const { url } = services.sessions;
  return {
    policy_decision_point: url,
    access_evaluation_endpoint: `${url}/access/v1/evaluation`,
    access_evaluations_endpoint: `${url}/access/v1/evaluations`,
    access_request_endpoint: `${url}/access/v1/requests`,
    capabilities: ["urn:openid:authzen:capability:access-request"],
  };
}

export const accessRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/.well-known/authzen-configuration",
    operationId: "accessMetadata",
    summary: "Policy decision point metadata (AuthZEN Authorization API 1.0).",
    auth: "none",
    response: { status: 200, schema: documentSchema, what: "The document" },
    errors: [],
    handle: metadata,
  },
  {
    method: "POST",
    path: "/access/v1/evaluation",
    operationId: "evaluateAccess",
    summary: "What would be decided now, with every verdict; records nothing (AuthZEN Authorization API 1.0).",
    auth: { scope: "access:evaluate" },
    body: { schema: evaluationSchema, type: "application/json" },
    response: { status: 200, schema: accessDecisionSchema, what: "The decision" },
    errors: ["request-invalid", "rate-limited"],
    handle: evaluateOne,
  },
  {
    method: "POST",
    path: "/access/v1/evaluations",
    operationId: "evaluateAccesses",
    summary: "As evaluation, of up to 50 at once, with the semantics that the standard names.",
    auth: { scope: "access:evaluate" },
    body: { schema: evaluationsSchema, type: "application/json" },
    response: { status: 200, schema: accessDecisionsSchema, what: "The decisions, in order" },
    errors: ["request-invalid", "rate-limited"],
    handle: evaluateMany,
  },
];
