// Plans about PagerDuty's incidents: which incident it is, what becomes of it, and the exact call.

import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import { AppError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Plan, PlanRequest } from "../../wire/contracts/executor.ts";
import { parseArguments } from "../../wire/schemas/executor-arguments.ts";
import type { PagerdutyApiConfig } from "../../wire/schemas/executors-config.ts";
import {
  pagerdutyEscalateArguments,
  pagerdutyNoteArguments,
  pagerdutyRespondersArguments,
  pagerdutySnoozeArguments,
  pagerdutyStatusUpdateArguments,
  type PagerdutyIncidentArguments,
} from "../../wire/schemas/pagerduty-arguments.ts";
import { IRREVERSIBLE } from "../../wire/types/approvals.ts";
import { knownLeft } from "./known-left.ts";
import type { PagerdutyApi, PagerdutyIncident } from "./pagerduty-api.ts";
import type { Got } from "./step-outcomes.ts";

export const NOTE = "pagerduty.note";
export const ESCALATE = "pagerduty.escalate";
export const RESPONDERS = "pagerduty.add-responders";
export const STATUS = "pagerduty.status-update";
export const SNOOZE = "pagerduty.snooze";

export interface IncidentParts {
  readonly config: PagerdutyApiConfig;
  readonly origin: string;
  readonly installation: string;
  readonly api: PagerdutyApi;
}

const reference = z.strictObject({ id: z.string(), type: z.string() });
const BODIES = {
  [NOTE]: z.strictObject({ note: z.strictObject({ content: z.string() }) }),
  [ESCALATE]: z.strictObject({
    incident: z.strictObject({
      type: z.literal("incident_reference"),
      escalation_policy: reference.optional(),
      escalation_level: z.int().optional(),
      urgency: z.enum(["high", "low"]).optional(),
    }),
  }),
  [RESPONDERS]: z.strictObject({
    requester_id: z.string(),
    message: z.string(),
    responder_request_targets: z.array(z.strictObject({ responder_request_target: reference })).min(1),
  }),
  [STATUS]: z.strictObject({ message: z.string() }),
  [SNOOZE]: z.strictObject({ duration: z.int() }),
} as const;
const PLACES: Readonly<Record<keyof typeof BODIES, string>> = {
  [NOTE]: "/notes",
  [ESCALATE]: "",
  [RESPONDERS]: "/responder_requests",
  [STATUS]: "/status_updates",
  [SNOOZE]: "/snooze",
};
export type IncidentKind = keyof typeof BODIES;
export type BodyOf<K extends IncidentKind> = z.output<(typeof BODIES)[K]>;

const callSchema = z.strictObject({
  method: z.enum(["POST", "PUT"]),
  origin: z.string(),
  path: z.string(),
  authorization: z.strictObject({ secretRef: z.string() }),
  incident: z.string().regex(/^[A-Z0-9]{6,32}$/),
  /** What is looked for afterwards. */
  key: z.string().optional(),
  body: z.unknown(),
});

export type IncidentCall<K extends IncidentKind> = {
  readonly method: "POST" | "PUT";
  readonly path: string;
  readonly incident: string;
  readonly key: string;
  readonly body: BodyOf<K>;
};

/** The one call of a plan, as configuration still has it. */
export function readCall<K extends IncidentKind>(
  { config, origin }: IncidentParts,
  kind: K,
  { calls }: Plan,
): IncidentCall<K> | undefined {
  const parsed = callSchema.safeParse(calls[0]);
  if (!parsed.success || calls.length !== 1) return undefined;
  const { method, path, incident, key = "", authorization } = parsed.data;
  const isOurs = parsed.data.origin === origin && authorization.secretRef === config.tokenRef;
  const isPlace = path === `/incidents/${incident}${PLACES[kind]}` && method === methodOf(kind);
  const body = BODIES[kind].safeParse(parsed.data.body);
  if (!isOurs || !isPlace || !body.success || !isNamed(config, body.data)) return undefined;
  return { method, path, incident, key, body: body.data as BodyOf<K> };
}

/** Whoever is asked by it is somebody whom configuration still names. */
function isNamed(config: PagerdutyApiConfig, body: BodyOf<IncidentKind>): boolean {
  if ("incident" in body) {
    const { escalation_policy: policy } = body.incident;
    return policy === undefined || Object.values(config.escalationPolicies).includes(policy.id);
  }
  if (!("requester_id" in body)) return true;
  const all = Object.values(config.responders).flatMap((one) => [...one.users, ...one.escalationPolicies]);
  return body.responder_request_targets.every(({ responder_request_target: { id } }) => all.includes(id));
}

function methodOf(kind: IncidentKind): "POST" | "PUT" {
  return kind === ESCALATE ? "PUT" : "POST";
}

type Part = {
  readonly incident: PagerdutyIncident;
  readonly body: BodyOf<IncidentKind>;
  readonly key?: string;
  readonly diff: JsonObject;
  readonly inverse?: Json;
  readonly fingerprint?: string;
  readonly signature?: string;
};

export async function planIncident(parts: IncidentParts, request: PlanRequest, signal: AbortSignal): Promise<Plan> {
  const kind = request.kind as IncidentKind;
  const {
    incident,
    body,
    key,
    diff,
    inverse = null,
    fingerprint = null,
    signature,
  } = await partOf(parts, request, signal);
  const { config, origin } = parts;
  const call = {
    method: methodOf(kind),
    origin,
    path: `/incidents/${incident.id}${PLACES[kind]}`,
    authorization: { secretRef: config.tokenRef },
    incident: incident.id,
    ...(key === undefined ? {} : { key }),
    body: body as Json,
  };
  const { incident_number: number, title, service, status } = incident;
  const about = { number, title: title ?? "", service: service.summary ?? service.id, status };
  return {
    kind,
    calls: [call],
    diff: { incident: about, ...diff },
    inverse,
    reversible: inverse !== null,
    fingerprint,
    ...(signature === undefined ? {} : { signature }),
  };
}

async function partOf(parts: IncidentParts, request: PlanRequest, signal: AbortSignal): Promise<Part> {
  const find = (args: PagerdutyIncidentArguments): Promise<PagerdutyIncident> => findIncident(parts, args, signal);
  const { config } = parts;
  const key = `${parts.installation}:${request.actionId}`;
  switch (request.kind as IncidentKind) {
    case NOTE: {
      const args = parseArguments(pagerdutyNoteArguments, request.args);
      const content = `${withoutMarks(args.text)}\n\n${markOf(key)}`;
      return { incident: await find(args), key, body: { note: { content } }, diff: { notes: content } };
    }
    case ESCALATE: {
      const args = parseArguments(pagerdutyEscalateArguments, request.args);
      return escalation(parts, request, { args, incident: await find(args) });
    }
    case RESPONDERS: {
      const args = parseArguments(pagerdutyRespondersArguments, request.args);
      const targets = targetsOf(config, args.responders);
      const message = `${withoutMarks(args.message)} ${markOf(key)}`;
      const body = { requester_id: config.user.id, message, responder_request_targets: targets };
      return { incident: await find(args), key, body, diff: { asks: [...args.responders], message } };
    }
    case STATUS: {
      const args = parseArguments(pagerdutyStatusUpdateArguments, request.args);
      const { message } = args;
      return { incident: await find(args), body: { message }, diff: { tells: message }, signature: IRREVERSIBLE };
    }
    case SNOOZE: {
      const args = parseArguments(pagerdutySnoozeArguments, request.args);
      const incident = open(await find(args));
      return { incident, body: { duration: args.minutes * 60 }, diff: { quietForMinutes: args.minutes } };
    }
  }
}

type Escalation = {
  readonly args: z.output<typeof pagerdutyEscalateArguments>;
  readonly incident: PagerdutyIncident;
};

function escalation({ config }: IncidentParts, request: PlanRequest, { args, incident }: Escalation): Part {
  open(incident);
  const left = knownLeft(request);
  if (left !== undefined && left !== leftOf(incident)) {
    throw new AppError("target-moved", "somebody has escalated it since", { incident: incident.id });
  }
  const policy = args.policy === undefined ? undefined : policyOf(config, args.policy);
  const isElsewhere = policy !== undefined && policy !== incident.escalation_policy.id;
  const isOther = args.urgency !== undefined && args.urgency !== incident.urgency;
  if (!isElsewhere && !isOther && args.level === undefined) {
    throw new AppError("arguments-invalid", "the incident is as it would become", { incident: incident.id });
  }
  const before = Object.entries(config.escalationPolicies).find(([, id]) => id === incident.escalation_policy.id)?.[0];
  // Who was asked was asked: back goes whom it is assigned to, where configuration has a name for that.
  const isTold = !isElsewhere || before !== undefined;
  const back = {
    ...(isElsewhere && before !== undefined ? { policy: before } : {}),
    ...(isOther ? { urgency: incident.urgency } : {}),
  };
  const inverse: Json =
    isTold && Object.keys(back).length > 0
      ? { kind: ESCALATE, target: { ...request.target }, args: { incident: incident.id, ...back } }
      : null;
  const wanted = {
    ...(isElsewhere ? { escalation_policy: { id: policy, type: "escalation_policy_reference" } } : {}),
    ...(args.level === undefined ? {} : { escalation_level: args.level }),
    ...(isOther && args.urgency !== undefined ? { urgency: args.urgency } : {}),
  };
  const { escalation_policy: was, urgency } = incident;
  return {
    incident,
    body: { incident: { type: "incident_reference", ...wanted } },
    diff: {
      from: { policy: before ?? was.summary ?? was.id, urgency },
      to: { ...(args.policy === undefined ? {} : { policy: args.policy }), ...withoutPlace(args) },
    },
    inverse,
    fingerprint: fingerprintOf(incident),
  };
}

function withoutPlace({ level, urgency }: Escalation["args"]): JsonObject {
  return { ...(level === undefined ? {} : { level }), ...(urgency === undefined ? {} : { urgency }) };
}

/** What an escalation changes and can be seen afterwards. */
export function leftOf({ escalation_policy: policy, urgency }: PagerdutyIncident): string {
  return canonicalJson({ policy: policy.id, urgency });
}

/** Moves when somebody answers it, and when it goes to somebody else. */
export function fingerprintOf(incident: PagerdutyIncident): string {
  const assigned = incident.assignments.map(({ assignee }) => assignee.id).sort((a, b) => (a < b ? -1 : 1));
  return canonicalJson({ status: incident.status, left: leftOf(incident), assigned });
}

function open(incident: PagerdutyIncident): PagerdutyIncident {
  if (incident.status !== "resolved") return incident;
  throw new AppError("arguments-invalid", "the incident is resolved", { incident: incident.id });
}

function policyOf({ escalationPolicies }: PagerdutyApiConfig, name: string): string {
  const id = Object.hasOwn(escalationPolicies, name) ? escalationPolicies[name] : undefined;
  if (id !== undefined) return id;
  throw new AppError("arguments-invalid", "no such escalation policy is configured", { places: ["/policy: unknown"] });
}

function targetsOf({ responders }: PagerdutyApiConfig, names: readonly string[]) {
  const groups = names.map((name) => {
    const group = Object.hasOwn(responders, name) ? responders[name] : undefined;
    if (group !== undefined) return group;
    throw new AppError("arguments-invalid", "no such responders are configured", { places: ["/responders: unknown"] });
  });
  const users = groups.flatMap((group) => group.users.map((id) => ({ id, type: "user_reference" })));
  const policies = groups.flatMap((group) =>
    group.escalationPolicies.map((id) => ({ id, type: "escalation_policy_reference" })),
  );
  const once = new Map([...users, ...policies].map((target) => [target.id, target]));
  return [...once.values()].map((target) => ({ responder_request_target: target }));
}

/** At the end of what is written, and found by it. */
export function markOf(key: string): string {
  return `[[holdpoint ${key}]]`;
}

/** Nothing that an agent writes is taken for the mark of another action. */
function withoutMarks(text: string): string {
  return text.replaceAll("[[", "[ [");
}

async function findIncident(
  { api }: IncidentParts,
  { incident: id, dedupKey }: PagerdutyIncidentArguments,
  signal: AbortSignal,
): Promise<PagerdutyIncident> {
  if (id !== undefined) {
    const found = need(await api.incident(id, signal));
    if (found?.id === id) return found;
    throw new AppError("arguments-invalid", "PagerDuty has no such incident", { incident: id });
  }
  const [found, second] = need(await api.findOpen(dedupKey ?? "", signal));
  if (found === undefined) throw new AppError("arguments-invalid", "no open incident has this key");
  if (second === undefined) return found;
  throw new AppError("arguments-invalid", "several open incidents have this key: name one by its id");
}

function need<T>(got: Got<T>): T {
  if (got.kind === "got") return got.value;
  const { outcome } = got;
  const code = "code" in outcome ? outcome.code : outcome.status;
  throw new AppError("target-unavailable", "PagerDuty did not answer as needed", { code });
}
