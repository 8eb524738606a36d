// What must hold of incidents: where alerts are, when one ends, and what a snapshot finds.

import { isDeepStrictEqual } from "node:util";
import { apply } from "../../src/kernel/apply.ts";
import { parseState, serializeState } from "../../src/kernel/snapshot.ts";
import { emptyState } from "../../src/kernel/state.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";

/**
 * Nothing fires in two incidents at once, none ends while it fires, only what lapsed counts as over without its end, and a
 * snapshot finds everything that signals do.
 */
export function checkIncidents(events: readonly LedgerEvent[]): string[] {
  const state = emptyState();
  const broken: string[] = [];
  for (const event of events) {
    const alerts = state.incidents.get(event.subject)?.firing ?? [];
    const firing = alerts.length;
    const { code } = event.facts;
    if (event.type === "incident.lapsed") {
      const lapsed = alerts.filter(({ lapsesAt = Infinity }) => lapsesAt <= event.time).length;
      if (lapsed === 0 || lapsed !== event.facts["alerts"]) broken.push(`${event.subject}: lapsed before its time`);
    }
    if (event.type === "incident.resolved" && (code === "all-clear" || code === "quiet") && firing > 0) {
      broken.push(`${event.subject}: ended while ${firing} alerts fire`);
    }
    apply(state, event);
  }
  const held = [...state.incidents.values()].flatMap(({ environment, holds }) => holds.map((one) => environment + one));
  if (new Set(held).size !== held.length) broken.push("two open incidents hold the same failure");
  const { joins } = parseState(serializeState(state));
  if (!isDeepStrictEqual(joins, state.joins)) broken.push("a snapshot finds other incidents");
  return broken;
}
