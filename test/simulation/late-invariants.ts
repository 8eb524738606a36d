// What was granted in time and begins too late: not at all, as long as nothing of it has an effect yet.

import type { LedgerEvent } from "../../src/wire/types/event.ts";
import { apply } from "../../src/kernel/apply.ts";
import { emptyState, type Action, type State } from "../../src/kernel/state.ts";

/**
 * Where a revert failed, and in the minutes in which the model's staging is closed, no step starts of what has done nothing
 * for certain, whichever attempt it would be. The system's own, an alert above all, goes on.
 */
export function checkLate(events: readonly LedgerEvent[]): string[] {
  const state = emptyState();
  const broken: string[] = [];
  const maybeDone = new Set<string>();
  for (const event of events) {
    const { type, subject, time } = event;
    const action = state.actions.get(subject);
    if (type === "step.started" && action !== undefined && !maybeDone.has(subject)) {
      const why = action.agentKind === "system" ? null : whyClosed(state, action, time);
      if (why !== null) broken.push(`${subject}: a step started ${why}`);
    }
    if (type === "step.finished" && event.facts["status"] !== "retry") maybeDone.add(subject);
    if (type === "step.reconciled" && event.facts["status"] !== "absent") maybeDone.add(subject);
    if (type === "step.reconciled" && event.facts["status"] === "absent") maybeDone.delete(subject);
    apply(state, event);
  }
  return broken;
}

function whyClosed({ blocked }: State, { environment, service, kind }: Action, time: number): string | null {
  if (blocked.has(`${environment}|${service}`)) return "where a revert had failed";
  const minute = Math.floor(time / 60_000) % (24 * 60);
  const isClosed = minute >= 14 * 60 + 15 && minute < 14 * 60 + 17;
  return isClosed && environment === "staging" && kind.startsWith("model.") ? "outside its window" : null;
}
