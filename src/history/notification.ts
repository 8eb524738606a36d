// From recorded events to what people are told of them. A pure function of facts; texts are handed in by whoever may read
// them.

import { hash } from "node:crypto";
import type { EvaluationFacts, EventType, KernelEvent } from "../kernel/events.ts";
import type { ActionStatus } from "../wire/types/action-status.ts";
import type {
  Notification,
  NotificationKind,
  NotifiedAction,
  NotifiedAnswer,
  NotifiedBrake,
  NotifiedDomain,
  NotifiedHold,
  NotifiedWait,
} from "../wire/contracts/notifier.ts";
import type { LedgerEvent } from "../wire/types/event.ts";
import { asksText, rolesAsked } from "../approvals/asks.ts";
import { answerOf } from "./answers.ts";
import { isEnd, type Trail } from "./action-log.ts";

/** How waiting for something outside ends with nobody having decided that here. */
const IN_VAIN: ReadonlySet<string> = new Set(["action.expired", "action.refused"]);

/**
 * What an event is to people, null for what concerns nobody: what was never held goes its way unseen, unless it waited, for
 * days perhaps, in vain.
 */
export function noticeOf(
  event: LedgerEvent,
  { held, ended, awaits }: Pick<Trail, "held" | "ended" | "awaits">,
): NotificationKind | null {
  switch (event.type) {
    case "action.held":
      return "hold.opened";
    case "hold.escalated":
    case "hold.frozen":
    case "hold.resumed":
    case "hold.reminded":
    case "brake.applied":
    case "brake.released":
    case "domain.blocked":
    case "domain.released":
      return event.type;
    case "action.approval-given":
      return "hold.approval";
    case "action.approval-withdrawn":
      return "hold.withdrawal";
    case "action.glass-broken":
      return "glass.broken";
    default:
      if (held === null) return awaits !== null && IN_VAIN.has(event.type) ? "wait.ended" : null;
      if (ended === event.seq) return "hold.ended";
      return isEnd(event) ? "action.ended" : null;
  }
}

export type Answered = { readonly event: LedgerEvent; readonly reason: string | null };

/** An event that people are told of, and those that it goes back to, each null where there is none. */
export interface NotificationSources {
  readonly event: LedgerEvent;
  readonly kind: NotificationKind;
  readonly proposed: LedgerEvent | null;
  /** Null where its plan came with its proposal, and where there is none. */
  readonly planned: LedgerEvent | null;
  readonly evaluated: LedgerEvent | null;
  readonly held: LedgerEvent | null;
  /** Whom the hold asked last. */
  readonly asked: LedgerEvent | null;
  /** What its clock came to last. */
  readonly clocked: LedgerEvent | null;
  readonly answers: readonly Answered[];
  /** Since when it waited for something outside, and what was missing there the last time. */
  readonly awaits: LedgerEvent | null;
  readonly missing: LedgerEvent | null;
  /** The one that applied the brake. */
  readonly braked: LedgerEvent | null;
  readonly reason: string | null;
  readonly diff: string | null;
}

export function toNotification(origin: string, sources: NotificationSources): Notification {
  const { event, kind } = sources;
  const { seq, time, actor } = event;
  return {
    id: notificationId(origin, seq),
    kind,
    time,
    actor,
    action: actionPart(sources),
    brake: brakePart(sources),
    domain: domainPart(event),
    ledger: { origin, seq, receipt: `/v1/ledger/events/${seq}/receipt` },
  };
}

/** Plain enough for a header, and none that another log gives. */
function notificationId(origin: string, seq: number): string {
  return `${hash("sha256", origin).slice(0, 16)}_${seq}`;
}

function as<T extends EventType>(type: T, event: LedgerEvent | null): KernelEvent<T> | null {
  return event?.type === type ? (event as unknown as KernelEvent<T>) : null;
}

function actionPart(sources: NotificationSources): NotifiedAction | null {
  const proposed = as("action.proposed", sources.proposed);
  if (proposed === null) return null;
  const { event, evaluated, reason, diff } = sources;
  const { kind, environment, service, resource, agentKind, person, incident, reversible } = proposed.facts;
  const planned = as("action.planned", sources.planned);
  const { inverse, findings = null } = (planned ?? proposed).facts;
  const held = as("action.held", sources.held);
  const { code } = event.facts;
  return {
    id: proposed.subject,
    kind,
    environment,
    service,
    resource,
    agent: proposed.actor,
    agentKind,
    person,
    incident,
    reversible: planned === null ? reversible : inverse !== undefined,
    undoneBy: inverse?.kind ?? null,
    findings,
    planHash: held?.facts.planHash ?? proposed.facts.planHash,
    proposedAt: proposed.time,
    status: statusAfter(event),
    code: typeof code === "string" && code !== "" ? code : null,
    verdicts: (evaluated?.facts["evaluation"] as EvaluationFacts | undefined)?.verdicts ?? [],
    hold: holdPart(held, sources),
    awaited: awaitedPart(sources),
    reason,
    diff,
  };
}

const STATUS: { readonly [T in EventType]?: ActionStatus | "approved" } = {
  "action.held": "held",
  "hold.escalated": "held",
  "hold.frozen": "held",
  "hold.resumed": "held",
  "hold.reminded": "held",
  "action.approval-given": "held",
  "action.approval-withdrawn": "held",
  "action.approved": "approved",
  "action.glass-broken": "approved",
  "action.denied": "denied",
  "action.advised": "advised",
  "action.refused": "refused",
  "action.suppressed": "suppressed",
  "action.cancelled": "cancelled",
  "action.expired": "expired",
  "action.granted": "succeeded",
  "action.verified": "succeeded",
  "action.reverted": "reverted",
};

/** `action.granted` is an end only where the grant completed it. */
function statusAfter({ type, facts }: LedgerEvent): string {
  if (type === "action.glass-broken") return "approved";
  const isSaid = type === "action.completed" || type === "action.grant-revoked";
  const said = isSaid ? facts["status"] : facts["action"];
  return STATUS[type as EventType] ?? (typeof said === "string" ? said : "");
}

function holdPart(
  held: KernelEvent<"action.held"> | null,
  { asked, clocked, answers }: Pick<NotificationSources, "asked" | "clocked" | "answers">,
): NotifiedHold | null {
  if (held === null) return null;
  const { hold: id, route } = held.facts;
  const later = as("hold.escalated", asked)?.facts;
  const { asks, deadline } = later ?? held.facts;
  return {
    id,
    route,
    step: later?.step ?? 0,
    asks: asksText(asks),
    roles: rolesAsked(asks),
    deadline: as("hold.resumed", clocked)?.facts.deadline ?? deadline,
    isFrozen: clocked?.type === "hold.frozen",
    answers: answers.map(answerPart),
  };
}

function awaitedPart({ awaits, missing }: Pick<NotificationSources, "awaits" | "missing">): NotifiedWait | null {
  if (awaits === null) return null;
  return { since: awaits.time, missing: as("action.still-waiting", missing)?.facts.because ?? null };
}

function answerPart({ event, reason }: Answered): NotifiedAnswer {
  const { person } = event.facts;
  const decision = answerOf(event as KernelEvent)?.decision ?? "approve";
  return { decision, person: typeof person === "string" ? person : event.actor, time: event.time, reason };
}

function domainPart(event: LedgerEvent): NotifiedDomain | null {
  const blocked = as("domain.blocked", event)?.facts;
  if (blocked !== undefined) {
    return { environment: blocked.environment, service: blocked.service, because: blocked.action };
  }
  const released = as("domain.released", event)?.facts;
  if (released === undefined) return null;
  const [environment = null, service = null] = released.domain === "*" ? [] : released.domain.split("|");
  return { environment, service, because: null };
}

function brakePart({ braked }: NotificationSources): NotifiedBrake | null {
  const applied = as("brake.applied", braked);
  if (applied === null) return null;
  const { mode, scope } = applied.facts;
  const named = Object.entries(scope).map(([name, value]): [string, string] => [name, [value].flat().join(", ")]);
  return { id: applied.subject, mode, scope: Object.fromEntries(named) };
}
