// The PagerDuty executor: Events API v2, where the dedup key makes repeating an event harmless.

import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import { AppError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Clock } from "../../core/clock.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type {
  ActionKind,
  ExecuteRequest,
  Executor,
  Plan,
  PlanRequest,
  Reach,
  StepOutcome,
} from "../../wire/contracts/executor.ts";
import {
  argumentsJsonSchema,
  pagerdutyFollowUpArguments,
  pagerdutyTriggerArguments,
  parseArguments,
} from "../../wire/schemas/executor-arguments.ts";
import type { PagerdutyConfig } from "../../wire/schemas/executors-config.ts";
import type { Severity } from "../../wire/types/classification.ts";
import type { OutboundCall } from "../../wire/contracts/egress.ts";
import { answeredReach, missingReach } from "./reach.ts";
import { readSecret } from "./secret-reading.ts";
import { jsonObjectOf, writeOutcome, type Told } from "./step-outcomes.ts";

const PATH = "/v2/enqueue";
const CONTEXT_CHARS_MAX = 16_384;
const JUSTIFICATION_CHARS_MAX = 8_192;

const TRIGGER = "pagerduty.trigger";
const ACKNOWLEDGE = "pagerduty.acknowledge";
const RESOLVE = "pagerduty.resolve";

const shared = { repeat: "idempotent", planning: "pure", effect: "external", risks: [] } as const;
const followUpSchema = argumentsJsonSchema(pagerdutyFollowUpArguments);
const KINDS: readonly ActionKind[] = [
  {
    ...shared,
    kind: TRIGGER,
    title: "Open a PagerDuty alert, or add to the open one",
    argumentsSchema: argumentsJsonSchema(pagerdutyTriggerArguments),
    reversible: true,
  },
  {
    ...shared,
    kind: ACKNOWLEDGE,
    title: "Acknowledge a PagerDuty alert",
    argumentsSchema: followUpSchema,
    reversible: false,
  },
  { ...shared, kind: RESOLVE, title: "Resolve a PagerDuty alert", argumentsSchema: followUpSchema, reversible: false },
];

/** PagerDuty's words for our severities. */
const SEVERITY: Readonly<Record<Severity, string>> = {
  sev1: "critical",
  high: "error",
  medium: "warning",
  low: "info",
};
const BECOMES: Readonly<Record<string, string>> = {
  [TRIGGER]: "triggered",
  [ACKNOWLEDGE]: "acknowledged",
  [RESOLVE]: "resolved",
};

/** The call of a plan, as it comes back from the ledger. */
const callSchema = z.strictObject({
  method: z.literal("POST"),
  origin: z.string(),
  path: z.literal(PATH),
  body: z.looseObject({
    routing_key: z.strictObject({ secretRef: z.string() }),
    event_action: z.enum(["trigger", "acknowledge", "resolve"]),
    dedup_key: z.string(),
    payload: z.looseObject({ custom_details: z.looseObject({}) }).optional(),
  }),
});
type Call = z.infer<typeof callSchema>;

export interface PagerdutyParts {
  readonly config: PagerdutyConfig;
  /** Of `config.baseUrl`; the one origin that `egress` needs to reach. */
  readonly origin: string;
  readonly egress: OutboundCall;
  readonly credentials: Credentials;
  readonly clock: Clock;
}

/** Offers trigger, acknowledge and resolve. Integration `x` takes its routing key from the secret `pagerduty/x`. */
export function createPagerdutyExecutor(parts: PagerdutyParts): Executor {
  return {
    kinds: KINDS,
    credentials: parts.config.integrations.map(secretRefOf),
    plan: async (request) => planEvent(parts, request),
    execute: (request, signal) => sendEvent(parts, request, signal),
    // The Events API takes events and answers no questions. Sending the event again is what settles it.
    reconcile: () => Promise.resolve({ status: "unclear", detail: { code: "events-cannot-be-read" } }),
    probe: (signal) => probePager(parts, signal),
  };
}

/** Every event that a key could be tried with is an event: the keys are looked at here, and the place is asked for. */
async function probePager(parts: PagerdutyParts, signal: AbortSignal): Promise<readonly Reach[]> {
  const { origin, egress, credentials, config } = parts;
  const keys = await Promise.all(config.integrations.map((name) => readSecret(credentials, secretRefOf(name), signal)));
  const isAsked = keys.some((key) => key !== undefined);
  const answer = isAsked ? await egress({ method: "GET", origin, path: PATH, headers: {} }, signal) : undefined;
  return config.integrations.map((name, index) => {
    const target = `pagerduty ${name}`;
    return keys[index] === undefined ? missingReach(target) : answeredReach(target, answer);
  });
}

function planEvent(parts: PagerdutyParts, request: PlanRequest): Plan {
  const isTrigger = request.kind === TRIGGER;
  const trigger = isTrigger ? parseArguments(pagerdutyTriggerArguments, request.args) : undefined;
  const { dedupKey, integration } = trigger ?? parseArguments(pagerdutyFollowUpArguments, request.args);
  const chosen = chooseIntegration(parts.config, integration, request.target.service);
  const body: JsonObject = {
    routing_key: { secretRef: secretRefOf(chosen) },
    event_action: request.kind.slice("pagerduty.".length),
    dedup_key: dedupKey,
    ...(trigger === undefined ? {} : { client: "Holdpoint", payload: payloadOf(request, trigger) }),
  };
  return {
    kind: request.kind,
    calls: [{ method: "POST", origin: parts.origin, path: PATH, body }],
    diff: {
      alert: dedupKey,
      integration: chosen,
      becomes: BECOMES[request.kind] ?? "",
      // The Events API cannot be asked who has triggered the alert again since.
      ...(isTrigger ? { takenBack: "changes-since-are-not-seen" } : {}),
    },
    inverse: isTrigger ? inverseOf(request, { dedupKey, integration: chosen }) : null,
    reversible: isTrigger,
    ...(isTrigger ? { blind: true as const } : {}),
    fingerprint: null,
  };
}

function inverseOf(request: PlanRequest, args: JsonObject): Json {
  return { kind: RESOLVE, target: { ...request.target }, args };
}

function chooseIntegration(config: PagerdutyConfig, asked: string | undefined, service: string): string {
  const wanted = asked ?? (config.integrations.includes(service) ? service : "default");
  if (config.integrations.includes(wanted)) return wanted;
  throw new AppError("arguments-invalid", "no such PagerDuty integration is configured", {
    places: ["/integration: unknown"],
  });
}

function secretRefOf(integration: string): string {
  return `pagerduty/${integration}`;
}

function payloadOf(request: PlanRequest, args: z.infer<typeof pagerdutyTriggerArguments>): JsonObject {
  const { summary, severity, component, group, class: kindOfProblem, details } = args;
  const { environment, service } = request.target;
  return {
    summary,
    severity: SEVERITY[severity],
    source: args.source ?? `${service} (${environment})`,
    ...(component === undefined ? {} : { component }),
    ...(group === undefined ? {} : { group }),
    ...(kindOfProblem === undefined ? {} : { class: kindOfProblem }),
    custom_details: { ...detailsOf(request, (details ?? {}) as JsonObject) },
  };
}

/** Context wins over what an agent wrote under the same name; `holdpoint` is kept for the justification. */
function detailsOf(request: PlanRequest, details: JsonObject): JsonObject {
  const { environment, service } = request.target;
  const base = { ...details, environment, service, holdpoint: null };
  // An alert that nobody gets is worse than one without its context.
  const fits = canonicalJson(request.context).length <= CONTEXT_CHARS_MAX;
  return fits ? { ...base, ...request.context, holdpoint: null } : { ...base, context: "omitted: too large" };
}

async function sendEvent(parts: PagerdutyParts, request: ExecuteRequest, outer: AbortSignal): Promise<StepOutcome> {
  const parsed = callSchema.safeParse(request.plan.calls[0]);
  if (!parsed.success || request.plan.calls.length !== 1)
    return { status: "failed", code: "plan-invalid", detail: null };
  const call = parsed.data;
  const ref = call.body.routing_key.secretRef;
  const signal = AbortSignal.any([outer, AbortSignal.timeout(request.timeoutMs)]);
  // A plan names its own secret, and only one of ours: no other may be sent to PagerDuty as a routing key.
  const isOurs = parts.config.integrations.some((integration) => secretRefOf(integration) === ref);
  const routingKey = isOurs ? await readSecret(parts.credentials, ref, signal) : undefined;
  if (routingKey === undefined) return { status: "failed", code: "credential-missing", detail: { secretRef: ref } };
  const body = JSON.stringify({ ...withJustification(call.body, request), routing_key: routingKey });
  const headers = { "content-type": "application/json" };
  const answer = await parts.egress(
    { method: call.method, origin: call.origin, path: call.path, headers, body },
    signal,
  );
  return outcomeOf(call, { answer, secrets: [routingKey], nowMs: parts.clock.nowMs() });
}

/** The one part that approvers did not see: Holdpoint's own account of the grant, in the place kept for it. */
function withJustification(body: Call["body"], { grantId, justification }: ExecuteRequest): JsonObject {
  const asJson = body as unknown as JsonObject;
  if (body.payload === undefined) return asJson;
  const fits = canonicalJson(justification).length <= JUSTIFICATION_CHARS_MAX;
  const holdpoint = { grant: grantId, justification: fits ? justification : "omitted: too large" };
  const details = body.payload.custom_details as JsonObject;
  return { ...asJson, payload: { ...(body.payload as JsonObject), custom_details: { ...details, holdpoint } } };
}

/** 202 is the only acceptance; PagerDuty then works on the event by itself. */
function outcomeOf(call: Call, told: Told): StepOutcome {
  const { answer } = told;
  if (answer.kind !== "answered" || answer.status !== 202) return writeOutcome(told);
  const said = jsonObjectOf(answer);
  const key = said?.["dedup_key"];
  if (said?.["status"] !== "success" || (key !== undefined && key !== call.body.dedup_key)) {
    return { status: "unknown", code: "answer-unexpected", detail: { status: answer.status } };
  }
  return { status: "succeeded", reference: call.body.dedup_key, detail: { status: answer.status } };
}
