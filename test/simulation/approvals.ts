// What must hold of approvals in every ledger: counted here by trying every seating, not as the kernel counts.

import type { EventFacts, KernelEvent } from "../../src/kernel/events.ts";
import type { Answerer, Approval, Asks, Seats } from "../../src/wire/types/approvals.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";

type Held = {
  asks: Asks;
  deadline: number;
  /** What is left of its window while a pause covers it, and nobody may answer; null while none does. */
  leftMs: number | null;
  planHash: string;
  given: Answerer[];
};

type Followed = {
  readonly person: string | null;
  readonly agent: string;
  hold: Held | null;
  /** What was approved, until the first step begins. */
  consent: Consented | null;
};

type Consented = { readonly asks: Asks; readonly by: readonly Answerer[] };

/** No grant of what was held without its quorum at that moment, nor a first step; nobody counts twice or for themselves. */
export function checkApprovals(events: readonly LedgerEvent[]): string[] {
  const broken: string[] = [];
  const sets = new Map<string, Consented>();
  const actions = new Map<string, Followed>();
  for (const event of events) {
    if (event.type === "action.proposed") {
      const { person } = event.facts as unknown as EventFacts["action.proposed"];
      actions.set(event.subject, { person, agent: event.actor, hold: null, consent: null });
    }
    if (event.type === "grant.created") {
      const { asks, approvals } = (event as unknown as KernelEvent<"grant.created">).facts;
      sets.set(event.subject, { asks, by: approvals });
    }
    const action = actions.get(event.subject);
    const { under } = event.facts as Partial<KernelEvent<"action.granted">["facts"]>;
    if (action !== undefined && event.type === "action.granted" && under !== undefined)
      action.consent = sets.get(under.grant) ?? null;
    if (action !== undefined) broken.push(...follow(action, event as KernelEvent));
  }
  return [...broken, ...checkReviews(events)];
}

function follow(action: Followed, event: KernelEvent): string[] {
  const say = (what: string): string[] => [`${event.subject} [${event.seq}]: ${what}`];
  const { hold } = action;
  switch (event.type) {
    case "action.held": {
      const { asks, deadline, planHash } = (event as KernelEvent<"action.held">).facts;
      action.hold = { asks, deadline, planHash, given: [], leftMs: null };
      action.consent = null;
      return [];
    }
    case "hold.escalated": {
      if (hold === null) return say("escalated without a hold");
      const { asks, deadline, kept } = (event as KernelEvent<"hold.escalated">).facts;
      const isEarly = hold.leftMs !== null || event.time < hold.deadline;
      const early = isEarly ? say("escalated before its time") : [];
      action.hold = { ...hold, asks, deadline, given: hold.given.filter(({ id }) => kept.includes(id)) };
      return isSeated(asks, action.hold.given) ? [...early, ...say("approved by the end of a window")] : early;
    }
    case "hold.frozen":
      if (hold === null) return say("frozen without a hold");
      action.hold = { ...hold, leftMs: hold.deadline - event.time };
      return [];
    case "hold.resumed":
      if (hold === null || hold.leftMs === null) return say("resumed though it was not frozen");
      action.hold = { ...hold, deadline: event.time + hold.leftMs, leftMs: null };
      return [];
    case "action.approval-withdrawn":
      if (hold === null) return say("withdrawn without a hold");
      hold.given = hold.given.filter(
        ({ id }) => id !== (event as KernelEvent<"action.approval-withdrawn">).facts.identity,
      );
      return [];
    case "action.approval-given":
    case "action.approved":
      return hold === null ? say("approved without a hold") : approved(action, hold, event).flatMap(say);
    case "action.glass-broken":
      return broken(action, event as KernelEvent<"action.glass-broken">).flatMap(say);
    case "action.granted":
      return granted(action, event as KernelEvent<"action.granted">).flatMap(say);
    case "step.started":
      return started(action, event as KernelEvent<"step.started">).flatMap(say);
    default:
      return [];
  }
}

type Input = { readonly answerer: Answerer; readonly planHash: string; readonly present: readonly Answerer[] };

function approved(action: Followed, hold: Held, event: KernelEvent): string[] {
  const broken: string[] = [];
  const { approval, approvals, planHash } = event.facts as unknown as {
    approval?: Answerer;
    approvals?: readonly Approval[];
    planHash: string;
  };
  const newest = approval ?? approvals?.at(-1);
  if (newest === undefined) return ["approved by nobody"];
  if (hold.leftMs !== null) broken.push("approved under a pause");
  else if (event.time >= hold.deadline) broken.push("approved too late");
  if (planHash !== hold.planHash) broken.push("another plan was approved");
  if (newest.id === action.agent || (newest.person !== null && newest.person === action.person)) {
    broken.push("approved by whoever proposed it");
  }
  hold.given = [...hold.given, newest];
  const humans = hold.given.map(({ id, person }) => person ?? id);
  if (new Set(humans).size < humans.length) broken.push("one human approved twice");
  if (event.type !== "action.approved") {
    if (isSeated(hold.asks, hold.given)) broken.push("not approved though every seat is taken");
    return broken;
  }
  const counted = approvals ?? [];
  const strangers = counted.filter(({ id }) => !hold.given.some((one) => one.id === id));
  if (strangers.length > 0) broken.push("an approval counts that was not given");
  if (!isSeated(hold.asks, counted)) broken.push("approved without its quorum");
  action.consent = { asks: hold.asks, by: counted };
  action.hold = null;
  return broken;
}

/** By so many different people with the role, none of them the proposer, of the plan on hold and in time. */
function broken(action: Followed, { facts, time }: KernelEvent<"action.glass-broken">): string[] {
  const { hold } = action;
  const { asks, approvals, planHash } = facts;
  const humans = new Set(approvals.map(({ id, person }) => person ?? id));
  const problems = [
    hold === null || hold.leftMs !== null || time >= hold.deadline ? "the glass was broken too late" : "",
    hold !== null && planHash !== hold.planHash ? "the glass was broken for another plan" : "",
    humans.size < approvals.length || approvals.some(({ kind }) => kind === "agent") ? "one broke it twice" : "",
    isSeated(asks, approvals) ? "" : "the glass was broken by too few",
    action.person !== null && humans.has(action.person) ? "the proposer broke the glass" : "",
  ];
  action.consent = { asks, by: approvals };
  action.hold = null;
  return problems.filter((problem) => problem !== "");
}

/** Every broken glass owes one review, which is given once, by somebody who had no part in it, or is overdue in time. */
function checkReviews(events: readonly LedgerEvent[]): string[] {
  const broken: string[] = [];
  const owed = new Map<string, { readonly by: ReadonlySet<string>; readonly dueAt: number; late: boolean }>();
  for (const event of events) {
    const review = owed.get(event.subject);
    if (event.type === "action.glass-broken") {
      const { facts } = event as KernelEvent<"action.glass-broken">;
      const by = new Set(facts.approvals.map(({ id, person }) => person ?? id));
      owed.set(facts.review, { by, dueAt: facts.reviewDueAt, late: false });
    }
    if (event.type === "review.given") {
      const { person } = (event as KernelEvent<"review.given">).facts;
      if (review === undefined || person === null || review.by.has(person)) {
        broken.push(`${event.subject}: reviewed twice, or by whoever broke the glass`);
      }
      owed.delete(event.subject);
    }
    if (event.type === "review.overdue") {
      if (review === undefined || review.late || event.time < review.dueAt)
        broken.push(`${event.subject}: not overdue`);
      if (review !== undefined) review.late = true;
    }
  }
  return broken;
}

/** The roles that were registered when it was decided on: an input, recorded with it. */
function standing(by: readonly Answerer[], present: readonly Answerer[]): readonly Answerer[] {
  return by.filter(({ id }) => present.some((one) => one.id === id));
}

function granted(action: Followed, { facts }: KernelEvent<"action.granted">): string[] {
  if (facts.dryRun || facts.evaluation.decision !== "hold") return [];
  return action.consent === null ? ["granted what was held, without its quorum"] : [];
}

function started(action: Followed, event: KernelEvent<"step.started">): string[] {
  const { consent } = action;
  if (consent === null || event.facts.attempt > 1) return [];
  const { present = [] } = (event.facts.input ?? {}) as unknown as Partial<Input>;
  action.consent = null;
  return isSeated(consent.asks, standing(consent.by, present)) ? [] : ["begun though an approver is gone"];
}

/** Tries everybody on every seat. */
export function isSeated({ seats }: Asks, by: readonly Answerer[]): boolean {
  const each = seats.flatMap((one) => Array.from({ length: one.count }, () => one));
  return each.length > 0 && seat(each, by);
}

function seat([first, ...rest]: readonly Seats[], by: readonly Answerer[]): boolean {
  if (first === undefined) return true;
  return by.some((one, i) => mayTake(first, one) && seat(rest, by.toSpliced(i, 1)));
}

function mayTake(seats: Seats, { kind, roles }: Answerer): boolean {
  return roles.some((role) => seats.roles.includes(role)) && (kind === "person" || seats.agents);
}
