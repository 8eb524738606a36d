// What became of what a pause found in flight, recorded step by step and summed up once all of it is known.
//
//   brake.applied ── each step in flight ends (step.finished, step.reconciled) ──► brake.reported
//                 └─ released, or five minutes passed, with some of it still open ──► brake.reported

import type { BrakeScope, StepStatus, StopCounts, StopEnd, StopFact } from "./events.ts";
import { LIMITS } from "./limits.ts";
import type { Action, Brake, State } from "./state.ts";
import { countStops, stopsOf, type Stop } from "./stops.ts";
import type { Transaction } from "./transaction.ts";

/** What the event of a brake states about what it found: everything counted, the first of each listed. */
export function foundBy(
  state: Readonly<State>,
  scope: BrakeScope,
): { counts: StopCounts; inFlight: readonly string[]; waiting: readonly string[] } {
  const stops = stopsOf(state, scope);
  const idsOf = (isMeant: (stop: Stop) => boolean): readonly string[] =>
    stops
      .filter((stop) => isMeant(stop) && state.actions.has(stop.id))
      .slice(0, LIMITS.stopsListedMax)
      .map(({ id }) => id);
  return {
    counts: countStops(stops),
    inFlight: idsOf(({ stage }) => stage === "in-flight"),
    waiting: idsOf(({ stage }) => stage === "granted" || stage === "scheduled"),
  };
}

/** How an attempt ended, as a stop sees it; null while nobody knows and somebody is still asking. */
export function endOfStep(
  action: Action,
  { status, isAsking }: { status: StepStatus; isAsking: boolean },
): StopEnd | null {
  switch (status) {
    case "succeeded":
      return "finished";
    case "failed":
    case "retry":
      return action.unsettled ? "unconfirmed" : "stopped"; // this attempt had no effect; one before may have had
    case "partial":
      return "partial";
    case "unknown":
      return isAsking ? null : "unconfirmed";
  }
}

type Ended = { readonly end: StopEnd | null; readonly sinceMs: number | undefined };

/**
 * What the end of an action's step tells the brakes that found it in flight. `sinceMs` is the time since the brake was
 * pulled, by the clock that never jumps; without it, after a restart, the times of the events have to do.
 */
export function stopFacts({ state, now }: Transaction, action: Action, { end, sinceMs }: Ended): readonly StopFact[] {
  const facts: StopFact[] = [];
  if (end === null) return facts;
  for (const id of action.foundBy) {
    const brake = state.brakes.get(id);
    if (brake === undefined) continue;
    if (sinceMs === undefined) facts.push({ brake: id, end, afterMs: now - brake.appliedAt, clock: "ledger" });
    else facts.push({ brake: id, end, afterMs: sinceMs, clock: "monotonic" });
  }
  return facts;
}

export function brakesOf(stops: readonly StopFact[]): readonly string[] {
  return stops.map(({ brake }) => brake);
}

/** Reports of brakes that now know of everything they found. */
export function reportWhole(tx: Transaction, brakes: readonly string[]): void {
  for (const id of brakes) {
    const brake = tx.state.brakes.get(id);
    if (brake?.report?.open === 0) report(tx, brake);
  }
}

/** Sums up what is known now. Each pause is reported once; what is told later stands on its action. */
export function report(tx: Transaction, { id, report: known }: Brake): void {
  if (known === null) return;
  const { ends, open, propagationMs, clock } = known;
  const facts = { brake: id, ends, open, propagationMs: open > 0 ? null : propagationMs, clock };
  tx.emit({ type: "brake.reported", subject: id, facts });
}

/** Somebody waits for the report: it is given with what is known by then. */
export function isReportDue({ report: known }: Brake, now: number): boolean {
  return known !== null && now >= known.dueAt;
}
