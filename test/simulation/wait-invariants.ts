// What must hold of windows and of turns, over the whole ledger of a simulated life.

import type { KernelEvent } from "../../src/kernel/events.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";

type Proposed = KernelEvent<"action.proposed">["facts"];

/** No step begins outside its window, and nothing waits for people, or for anything, beyond it. */
export function checkWindows(events: readonly LedgerEvent[]): string[] {
  const broken: string[] = [];
  const windows = new Map<string, NonNullable<Proposed["window"]>>();
  for (const { type, subject, time, facts } of events) {
    const { window } = facts as unknown as Proposed;
    if (type === "action.proposed" && window !== undefined) windows.set(subject, window);
    const own = windows.get(subject);
    if (own === undefined) continue;
    const isEarly = type === "step.started" && time < (own.notBefore ?? 0);
    const isLate = ASKS.has(type) && time >= own.notAfter;
    if (isEarly || isLate) broken.push(`${subject}: ${type} outside its window`);
    if (facts["code"] === "window-over" && time < own.notAfter) broken.push(`${subject}: its window was not over`);
  }
  return broken;
}

const ASKS: ReadonlySet<string> = new Set(["step.started", "action.granted", "action.held", "action.waiting"]);

const ENDS = /^action\.(refused|cancelled|expired|suppressed|denied|completed|verified|reverted|advised)$/;

/**
 * Where the model's policy lets one at a time (production, what is measured and payments apart) no two different requests are granted on one
 * service at once, and of two that waited the first goes first.
 */
export function checkTurns(events: readonly LedgerEvent[]): string[] {
  const broken: string[] = [];
  const concerned = new Map<string, Proposed>();
  const granted = new Set<string>();
  for (const { type, subject, facts } of events) {
    if (type === "action.proposed" && isInTurn(facts as unknown as Proposed))
      concerned.set(subject, facts as unknown as Proposed);
    const own = concerned.get(subject);
    if (own === undefined) continue;
    // Under a dry-run brake the grant is the end of it: nothing begins.
    if (type === "action.granted" && facts["completed"] === null) {
      for (const other of granted) {
        const with_ = concerned.get(other);
        const isOther = with_?.service === own.service && with_.requestHash !== own.requestHash;
        if (isOther) broken.push(`${subject}: granted beside ${other}`);
      }
      granted.add(subject);
    }
    if (isOverBy(type, facts)) granted.delete(subject);
  }
  return broken;
}

/**
 * Beside what is measured nothing else is under way in its neighbourhood, as its last prediction named it; of what could not
 * be predicted, or only from old telemetry, people say whether it goes.
 */
export function checkConcurrency(events: readonly LedgerEvent[]): string[] {
  const broken: string[] = [];
  const proposed = new Map<string, Proposed>();
  const around = new Map<string, readonly string[]>();
  const blind = new Set<string>();
  const underWay = new Set<string>();
  for (const { type, subject, facts } of events) {
    if (type === "action.proposed") proposed.set(subject, facts as unknown as Proposed);
    if (type === "action.predicted") {
      const { neighbourhood, code, isStale } = (facts as KernelEvent<"action.predicted">["facts"]).prediction;
      around.set(subject, neighbourhood);
      if (code !== "" || isStale) blind.add(subject);
      else blind.delete(subject);
    }
    const own = proposed.get(subject);
    if (own === undefined || !isCounted(own)) continue;
    if (type === "action.granted" && facts["completed"] === null) {
      const near = [...underWay].filter((other) =>
        isNear({ one: own, around: around.get(subject) }, { one: proposed.get(other), around: around.get(other) }),
      );
      const isLimited = own.service === "search" && !blind.has(subject);
      if (isLimited && near.length >= 1) broken.push(`${subject}: granted beside ${near.join(" and ")}`);
      underWay.add(subject);
    }
    if (isOverBy(type, facts)) underWay.delete(subject);
  }
  return broken;
}

type Placed = { readonly one: Proposed | undefined; readonly around: readonly string[] | undefined };

function isNear(own: Placed, other: Placed): boolean {
  const named = (place: Placed, of: Placed): boolean =>
    place.around?.includes(`service:production:${of.one?.service}`) ?? false;
  return own.one?.service === other.one?.service || named(own, other) || named(other, own);
}

function isCounted({ kind, environment, revertOf, agentKind }: Proposed): boolean {
  return kind.startsWith("model.") && environment === "production" && revertOf === undefined && agentKind !== "system";
}

function isOverBy(type: string, facts: LedgerEvent["facts"]): boolean {
  const said = (facts["action"] ?? facts["status"]) as string | undefined;
  return ENDS.test(type) || (said !== undefined && ENDED.has(said) && type !== "health.sampled");
}

const ENDED: ReadonlySet<string> = new Set(["succeeded", "failed", "cancelled", "needs-attention"]);

function isInTurn({ kind, environment, service, revertOf }: Proposed): boolean {
  const isAsked = kind.startsWith("model.") && environment === "production" && service === "cart";
  return isAsked && revertOf === undefined;
}
