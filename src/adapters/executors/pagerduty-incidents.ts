// What is done with PagerDuty's incidents over its REST API: notes, escalation, responders, status updates, snoozing.

import type { Json } from "../../core/json.ts";
import type {
  ActionKind,
  ExecuteRequest,
  Executor,
  Plan,
  Reconciliation,
  StepOutcome,
} from "../../wire/contracts/executor.ts";
import { argumentsJsonSchema } from "../../wire/schemas/executor-arguments.ts";
import {
  pagerdutyEscalateArguments,
  pagerdutyNoteArguments,
  pagerdutyRespondersArguments,
  pagerdutySnoozeArguments,
  pagerdutyStatusUpdateArguments,
} from "../../wire/schemas/pagerduty-arguments.ts";
import { PagerdutyApi, type PagerdutyApiParts, type PagerdutyIncident, type PagerdutyReply } from "./pagerduty-api.ts";
import {
  ESCALATE,
  fingerprintOf,
  leftOf,
  markOf,
  NOTE,
  planIncident,
  readCall,
  RESPONDERS,
  SNOOZE,
  STATUS,
  type BodyOf,
  type IncidentCall,
  type IncidentKind,
  type IncidentParts,
} from "./pagerduty-incident-plans.ts";
import { outcomeReach } from "./reach.ts";
import { UnsettledWrites } from "./unsettled-writes.ts";
import { lookForWrite, unaskable, writeOnce, writeOpenly, type OneWrite } from "./written-once.ts";

const shared = { planning: "reads", effect: "external", reversible: false, risks: [] } as const;
const KINDS: readonly (ActionKind & { readonly kind: IncidentKind })[] = [
  {
    ...shared,
    kind: NOTE,
    title: "Write a note on a PagerDuty incident",
    argumentsSchema: argumentsJsonSchema(pagerdutyNoteArguments),
    repeat: "conditional",
  },
  {
    ...shared,
    kind: ESCALATE,
    title: "Escalate a PagerDuty incident: to another policy, a level of it, another urgency",
    argumentsSchema: argumentsJsonSchema(pagerdutyEscalateArguments),
    repeat: "conditional",
    reversible: true, // where what it was before has a name here
  },
  {
    ...shared,
    kind: RESPONDERS,
    title: "Call further responders to a PagerDuty incident",
    argumentsSchema: argumentsJsonSchema(pagerdutyRespondersArguments),
    repeat: "conditional",
  },
  {
    ...shared,
    kind: STATUS,
    title: "Tell everybody who follows a PagerDuty incident how it stands",
    argumentsSchema: argumentsJsonSchema(pagerdutyStatusUpdateArguments),
    // PagerDuty lists none: of a lost answer nobody can tell.
    repeat: "neither",
    risks: ["compliance"], // what was said to those outside stays said
  },
  {
    ...shared,
    kind: SNOOZE,
    title: "Keep a PagerDuty incident quiet for a while",
    argumentsSchema: argumentsJsonSchema(pagerdutySnoozeArguments),
    // It begins anew with a repeat, later by seconds.
    repeat: "idempotent",
    risks: ["performance"], // nobody is asked meanwhile
  },
];

export interface PagerdutyIncidentParts extends PagerdutyApiParts {
  /** Keeps this log's notes apart from those of other installations at the same PagerDuty. */
  readonly installation: string;
}

type Room = IncidentParts & { readonly writes: UnsettledWrites };

/** Offers notes, escalation, responders, status updates and snoozing. */
export function createPagerdutyIncidentExecutor(parts: PagerdutyIncidentParts): Executor {
  const writes = new UnsettledWrites({ clock: parts.clock, settleMs: parts.config.settleMs });
  const room: Room = { ...parts, api: new PagerdutyApi(parts), writes };
  const within = (request: ExecuteRequest, outer: AbortSignal): AbortSignal =>
    AbortSignal.any([outer, AbortSignal.timeout(request.timeoutMs)]);
  return {
    kinds: KINDS,
    credentials: [parts.config.tokenRef],
    probe: async (signal) => [outcomeReach("pagerduty api", await room.api.probe(signal))],
    plan: (request, signal) => planIncident(room, request, signal),
    execute: (request, outer) => execute(room, request, within(request, outer)),
    reconcile: (request, outer) => reconcile(room, request, within(request, outer)),
  };
}

const PLAN_INVALID: StepOutcome = { status: "failed", code: "plan-invalid", detail: null };

async function execute(room: Room, request: ExecuteRequest, signal: AbortSignal): Promise<StepOutcome> {
  const kind = request.plan.kind as IncidentKind;
  switch (kind) {
    case NOTE:
    case RESPONDERS: {
      const call = readCall(room, kind, request.plan);
      if (call === undefined) return PLAN_INVALID;
      const send = (): Promise<StepOutcome> => sendCall(room, { ...call, body: granted(call.body, request) }, signal);
      return writeOnce(onceOf(room, call, signal), send);
    }
    case ESCALATE:
      return escalate(room, request, signal);
    case STATUS:
    case SNOOZE: {
      const call = readCall(room, kind, request.plan);
      return call === undefined ? PLAN_INVALID : sendCall(room, call, signal);
    }
  }
}

async function reconcile(room: Room, { plan, idempotencyKey }: ExecuteRequest, signal: AbortSignal) {
  const kind = plan.kind as IncidentKind;
  const invalid: Reconciliation = { status: "unclear", detail: { code: "plan-invalid" } };
  switch (kind) {
    case NOTE:
    case RESPONDERS: {
      const call = readCall(room, kind, plan);
      return call === undefined ? invalid : lookForWrite(onceOf(room, call, signal));
    }
    case ESCALATE:
      return reconcileEscalation(room, { plan, key: idempotencyKey }, signal);
    case STATUS:
    case SNOOZE:
      return { status: "unclear", detail: { code: kind === SNOOZE ? "repeat" : "cannot-be-asked" } } as const;
  }
}

/** The one part that approvers did not see: which grant it was. */
function granted<B extends BodyOf<typeof NOTE | typeof RESPONDERS>>(body: B, { grantId }: ExecuteRequest): Json {
  const grant = ` granted as ${grantId}`;
  if ("note" in body) return { note: { content: `${body.note.content}${grant}` } };
  return { ...body, message: `${body.message}${grant}` };
}

type Sent = { readonly method: "POST" | "PUT"; readonly path: string; readonly incident: string; readonly body: Json };

async function sendCall(
  { api }: Room,
  { method, path, incident, body }: Sent,
  signal: AbortSignal,
): Promise<StepOutcome> {
  return doneOutcome(incident, await api.ask({ method, path }, body, signal));
}

const MEMBERS = ["note", "responder_request", "status_update", "incident"] as const;

function doneOutcome(incident: string, { status, data, asWrite }: PagerdutyReply): StepOutcome {
  const isDone = (status === 200 || status === 201) && MEMBERS.some((member) => isObject(data?.[member]));
  if (!isDone) return asWrite;
  const { id } = (data?.["note"] ?? data?.["status_update"] ?? {}) as { readonly id?: unknown };
  const made = typeof id === "string" && /^[A-Z0-9]{1,64}$/.test(id) ? id : null;
  return {
    status: "succeeded",
    reference: made === null ? incident : `${incident}/${made}`,
    detail: { incident, made },
  };
}

function isObject(value: Json | undefined): boolean {
  return typeof value === "object" && value !== null;
}

function onceOf(
  { api, writes }: Room,
  { incident, key, path }: IncidentCall<typeof NOTE | typeof RESPONDERS>,
  signal: AbortSignal,
): OneWrite {
  const mark = markOf(key);
  const isMarked = (text: string | null | undefined): boolean => text?.includes(mark) === true;
  const look: OneWrite["look"] = async () => {
    if (path.endsWith("/notes")) {
      const notes = await api.notes(incident, signal);
      if (notes.kind === "not") return notes;
      const note = notes.value.find(({ content }) => isMarked(content));
      const found = note === undefined ? null : { incident, made: note.id, foundBefore: true };
      return { kind: "got", value: found === null ? null : { reference: `${incident}/${found.made}`, detail: found } };
    }
    const got = await api.incident(incident, signal);
    if (got.kind === "not") return got;
    const requests = got.value?.responder_requests;
    // Without them nobody can tell whether it was asked for before.
    if (requests === undefined) return { kind: "not", outcome: UNTOLD };
    const isThere = requests.some(({ message }) => isMarked(message));
    return { kind: "got", value: isThere ? { reference: incident, detail: { incident, foundBefore: true } } : null };
  };
  return { key, writes, look };
}

const UNTOLD: StepOutcome = { status: "failed", code: "look-up-unreliable", detail: null };

/** Only while it is the incident that was planned against: nobody has answered it or passed it on since. */
async function escalate(room: Room, request: ExecuteRequest, signal: AbortSignal): Promise<StepOutcome> {
  const call = readCall(room, ESCALATE, request.plan);
  if (call === undefined) return PLAN_INVALID;
  const key = request.idempotencyKey;
  const read = await room.api.incident(call.incident, signal);
  const isOpen = room.writes.isOpen(key); // no await from here to the write: two calls at once would both pass
  if (isOpen) return { status: "unknown", code: "earlier-attempt-unsettled", detail: null };
  if (read.kind === "not") return read.outcome;
  if (read.value === null) return { status: "failed", code: "target-not-found", detail: null };
  if (fingerprintOf(read.value) !== request.plan.fingerprint) {
    // An earlier attempt of our own may be what moved it: then this is no failure.
    return request.unsettled && isEscalated(read.value, call.body)
      ? { status: "unknown", code: "target-already-changed", detail: null }
      : { status: "failed", code: "target-moved", detail: null };
  }
  return writeOpenly({ key, writes: room.writes }, async () => {
    const { method, path, body } = call;
    const reply = await room.api.ask({ method, path }, body as Json, signal);
    const outcome = doneOutcome(call.incident, reply);
    return outcome.status === "succeeded" ? { ...outcome, left: leftAfter(read.value, call.body) } : outcome;
  });
}

/** What it is left as, where the call says so and where it was left alone. */
function leftAfter(before: PagerdutyIncident | null, { incident }: BodyOf<typeof ESCALATE>): string {
  const { escalation_policy: policy, urgency } = incident;
  const after = { ...before, ...(policy === undefined ? {} : { escalation_policy: policy }) } as PagerdutyIncident;
  return leftOf(urgency === undefined ? after : { ...after, urgency });
}

/** False for a level alone, which PagerDuty does not show. */
function isEscalated(found: PagerdutyIncident, { incident }: BodyOf<typeof ESCALATE>): boolean {
  const { escalation_policy: policy, urgency } = incident;
  if (policy === undefined && urgency === undefined) return false;
  return (
    (policy === undefined || policy.id === found.escalation_policy.id) && (urgency ?? found.urgency) === found.urgency
  );
}

type Escalated = { readonly plan: Plan; readonly key: string };

async function reconcileEscalation(room: Room, { plan, key }: Escalated, signal: AbortSignal): Promise<Reconciliation> {
  const call = readCall(room, ESCALATE, plan);
  if (call === undefined) return { status: "unclear", detail: { code: "plan-invalid" } };
  const remainingMs = room.writes.remainingMs(key);
  const read = await room.api.incident(call.incident, signal);
  if (read.kind === "not") return unaskable(read.outcome);
  if (read.value === null) return { status: "unclear", detail: { code: "target-not-found" } };
  if (fingerprintOf(read.value) === plan.fingerprint) {
    if (remainingMs > 0) return { status: "unclear", detail: { code: "may-still-arrive" }, afterMs: remainingMs };
    return { status: "absent", detail: null };
  }
  if (!isEscalated(read.value, call.body)) return { status: "unclear", detail: { code: "target-moved" } };
  room.writes.settle(key);
  const detail = { incident: call.incident, made: null };
  return { status: "happened", reference: call.incident, detail, left: leftOf(read.value) };
}
