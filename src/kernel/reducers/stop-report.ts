// Reducers of a pause's report: what it found in flight, and how each of that ended.

import type { KernelEvent, StopFact } from "../events.ts";
import { TERMS } from "../limits.ts";
import type { Action, Brake, State, StopReport } from "../state.ts";
import { stopsOf } from "../stops.ts";

/** The report that a pause begins with. Everything in flight owes it an end, also what its event does not list. */
export function beginReport(state: State, brake: Pick<Brake, "id" | "scope" | "appliedAt">): StopReport {
  const found = stopsOf(state, brake.scope).filter(({ stage }) => stage === "in-flight");
  for (const { id } of found) {
    const action = state.actions.get(id);
    if (action !== undefined) action.foundBy = [...action.foundBy, brake.id];
  }
  const ends = { stopped: 0, finished: 0, partial: 0, unconfirmed: 0 };
  const dueAt = brake.appliedAt + TERMS.stopReportMs;
  return { open: found.length, ends, propagationMs: 0, clock: "monotonic", dueAt };
}

/** The end of a step is told to each brake that found it in flight. */
export function noteStops(state: State, action: Action, stops: readonly StopFact[] | undefined): void {
  if (stops === undefined) return;
  action.foundBy = [];
  for (const { brake: id, end, afterMs, clock } of stops) {
    const brake = state.brakes.get(id);
    if (brake?.report == null) continue;
    const { open, ends, propagationMs, clock: before, dueAt } = brake.report;
    brake.report = {
      open: open - 1,
      ends: { ...ends, [end]: ends[end] + 1 },
      propagationMs: Math.max(propagationMs, afterMs),
      clock: clock === "ledger" ? clock : before,
      dueAt,
    };
  }
}

export function applyReported(state: State, event: KernelEvent<"brake.reported">): void {
  const brake = state.brakes.get(event.facts.brake);
  if (brake !== undefined) brake.report = null;
}
