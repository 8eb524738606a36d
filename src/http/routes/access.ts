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
import type { Identity } from "../../wire/types/identity.ts";
import { boundCall, boundMembers, callHash, isOwn, isPerson, placeOf, type Placed } from "../access-calls.ts";
import { planOfCall, type CallPlan } from "../access-plans.ts";
import { approvalOf, begin, instant, isRequestable, statusOf, type Asking } from "../access-decisions.ts";
import { factsOf } from "../propose.ts";
import { admitWrite, parseWith, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";
import type { Services } from "../services.ts";

/** How long a denial can be requested. */
const DENIAL_MS = 10 * 60_000;

type Decision = { readonly decision: boolean; readonly context: JsonObject };
async function evaluateOne(context: RouteContext): Promise<unknown> {
  const asking = await begin(context);
  const call = parseWith(evaluationSchema, context.request.body, "request-invalid");
  admitWrite(asking.services, asking.identity);
  return decide(asking, call);
}

/** Members beside `evaluations` are defaults. One that is malformed is denied, and says why. */
async function evaluateMany(context: RouteContext): Promise<unknown> {
  const asking = await begin(context);
  const { evaluations, options, ...defaults } = parseWith(evaluationsSchema, context.request.body, "request-invalid");
  if (evaluations === undefined) {
    admitWrite(asking.services, asking.identity);
    return decide(asking, parseWith(evaluationSchema, defaults, "request-invalid"));
  }
  admitWrite(asking.services, asking.identity, evaluations.length);
  const last = { deny_on_first_deny: false, permit_on_first_permit: true, execute_all: null }[
    options.evaluations_semantic
  ];
  const decisions: Decision[] = [];
  for (const one of evaluations) {
    const decision = await decideItem(asking, { ...defaults, ...one });
    decisions.push(decision);
    if (decision.decision === last) break;
  }
  return { evaluations: decisions };
}

async function decideItem(asking: Asking, item: unknown): Promise<Decision> {
  const parsed = accessCallSchema.safeParse(item);
  if (!parsed.success) {
    const place = (parsed.error.issues[0]?.path ?? []).map((part) => `/${String(part).slice(0, 64)}`).join("");
    return { decision: false, context: { error: { status: 400, message: `${place}: not as the schema says` } } };
  }
  try {
    return await decide(asking, parsed.data);
  } catch (error) {
    if (!isAppError(error, "scope-insufficient")) throw error;
    return { decision: false, context: { error: { status: 403, message: error.message } } };
  }
}

/** A caller asks about itself; about others with a scope of its own. */
async function decide(asking: Asking, call: AccessCall): Promise<Decision> {
  const { services, identity } = asking;
  const placed = placeOf(call);
  const evaluation = `eval_${randomUUID()}`;
  const base = { evaluation_id: evaluation, evaluated_at: instant(services.nowMs()) };
  if ("problem" in placed) return { decision: false, context: { ...base, reason: placed.problem } };
  if (!isOwn(placed, identity)) requireScope(identity, "access:evaluate");
  const plan = await planOfCall(services.actions, placed, call);
  if (plan.is === "impossible") return { decision: false, context: { ...base, reason: plan.code } };
  const probed = await probe(services, { placed, identity, call, plan });
  const context = { ...base, ...toldOf(probed), ...(plan.is === "unknown" ? { plan: "unknown" } : {}) };
  if (probed.decision === "allow" && plan.is === "unknown")
    return { decision: false, context: { ...context, reason: "plan-unknown" } };
  if (probed.decision === "allow") return { decision: true, context };
  if (probed.decision === "refuse") return { decision: false, context: { ...context, reason: probed.code } };
  const approval = await approvalFor(asking, call, probed);
  if (approval !== null) return { decision: true, context: { ...context, approval } };
  const denied = { ...context, reason: "approval_required" };
  if (!isRequestable(services, placed) || !isOwn(placed, identity)) return { decision: false, context: denied };
  return { decision: false, context: { ...denied, access_request: denialOf(asking, { call, evaluation, probed }) } };
}

type Probing = {
  readonly placed: Placed;
  readonly identity: Identity;
  readonly call: AccessCall;
  readonly plan: CallPlan;
};

/** What policy says now of the subject's doing this, with every gate and brake. */
function probe(services: Services, { placed, identity, call, plan }: Probing): Promise<Probed> {
  const { kind, target } = placed;
  const requestHash = callHash(boundCall(call, boundMembers(call)));
  const known = services.actions.kinds.get(kind);
  const planned = plan.is === "made" ? plan.planned : null;
  return services.probe({
    actor: placed.subject,
    ...(planned?.plan.signature === undefined ? {} : { signature: planned.plan.signature }),
    input: {
      kind,
      environment: target.environment,
      service: target.service,
      resource: target.resource ?? null,
      agentKind: isPerson(placed) ? "person" : "agent",
      person: isOwn(placed, identity) ? identity.person : null,
      requestHash,
      planHash: planned?.planHash ?? requestHash,
      repeat: known?.repeat ?? "idempotent",
      effect: known?.effect ?? "none",
      reversible: planned === null ? (known?.reversible ?? false) : planned.inverse !== undefined,
      ...(planned === null ? {} : factsOf(planned)),
      idempotencyKey: null,
    },
  });
}

function toldOf({ verdicts, bundleHash, engine }: Probed): JsonObject {
  return { policy: bundleHash, engine, verdicts: verdicts as unknown as Json };
}

type Denied = { readonly call: AccessCall; readonly evaluation: string; readonly probed: Probed };

function denialOf({ services, identity }: Asking, { call, evaluation, probed }: Denied): JsonObject {
  const expiresAt = services.nowMs() + DENIAL_MS;
  const context = boundMembers(call);
  const bound = callHash(boundCall(call, context));
  return {
    endpoint: `${services.sessions.url}/access/v1/requests`,
    template: probed.route,
    expires_at: instant(expiresAt),
    binding_token: services.access.seal({ evaluation, caller: identity.id, call: bound, context, expiresAt }),
  };
}

/** The approval that the call carries, where it is of this very call and caller, still holds, and is of this route. */
async function approvalFor(asking: Asking, call: AccessCall, { route }: Probed): Promise<JsonObject | null> {
  const { services, identity } = asking;
  const reference = approvalReferenceSchema.safeParse(call.context?.["approval"]);
  const id = reference.success ? services.access.actionOf("apr", reference.data.id) : null;
  if (!reference.success || id === null) return null;
  await services.views.caughtUp();
  const action = services.views.reader.find("actions", id);
  if (action === null || action.agent !== identity.id || statusOf(action) !== "approved") return null;
  const isCurrent = action.grant !== null && services.nowMs() < action.grant.expiresAt;
  if (!isCurrent || action.requestHash !== callHash(boundCall(call, boundMembers(call)))) return null;
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
