// Reducers of what pagers and trackers say about our own incidents.

import { refreshMarks } from "../counters.ts";
import type { KernelEvent } from "../events.ts";
import { incidentOf } from "../incident-index.ts";
import { TERMS } from "../limits.ts";
import { latestWord } from "../words.ts";
import type { Incident, State } from "../state.ts";
import { noteDelivery } from "./deliveries.ts";

export function applyNoted(state: State, event: KernelEvent<"incident.noted">): void {
  noteDelivery(state, event);
  const { subject, facts, time } = event;
  const incident = incidentOf(state, subject);
  if (incident === undefined || facts.aside === true) return;
  const { system } = facts;
  const before = incident.stands[system];
  const word = latestWord(before, facts, time);
  incident.stands = { ...incident.stands, [system]: word };
  const isResolved = system === "pagerduty" && word !== before && word.state === "resolved";
  if (isResolved && incident.page?.of === subject && word.at >= incident.page.at) leaveAlone(state, incident, time);
}

/**
 * Somebody resolved the page though the alert still fires: they know. Nobody is paged about it for as long as a page
 * would make another a duplicate, unless it gets worse; what fires even then is triaged again.
 */
function leaveAlone(state: State, incident: Incident, at: number): void {
  if (incident.page === null || incident.firing.length === 0) return;
  refreshMarks(state, incident.page, at);
  incident.retriageAt = at + TERMS.suppressRunMs;
}
