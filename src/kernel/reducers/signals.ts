// Reducers of signals, incidents and triage runs.

import { assert } from "../../core/assert.ts";
import { addShare, dropShare } from "../bounded.ts";
import { closeMarks } from "../counters.ts";
import type { KernelEvent } from "../events.ts";
import { LIMITS } from "../limits.ts";
import { incidentKey, incidentOwner, type Incident, type State } from "../state.ts";

const FIRING_MAX = 1_000;
/** Stands for those that fire beyond the bound. No delivery ends it: who fills the list never makes an end for others. */
const FIRING_MORE = "more";

const SEVERITY_RANK = ["none", "low", "medium", "high", "sev1"];

export function isWorse(severity: string, than: string): boolean {
  return SEVERITY_RANK.indexOf(severity) > SEVERITY_RANK.indexOf(than);
}

/** True when a signal of the same source and detector is among those that the incident names. */
export function isNamed(incident: Incident, signal: { source: string; detector: string }): boolean {
  return incident.signals.some(({ source, detector }) => source === signal.source && detector === signal.detector);
}

export function applySignalReceived(state: State, event: KernelEvent<"signal.received">): void {
  const facts = event.facts;
  noteDelivery(state, event);
  const incident = facts.incident === null ? undefined : state.incidents.get(facts.incident);
  if (incident === undefined) return;
  touch(state, incident, facts.source);
  incident.lastSignalAt = event.time;
  const firing = facts.deliveryKey.replace(/:(firing|resolved)$/, "");
  if (facts.status === "resolved") {
    incident.firing = incident.firing.filter((key) => key !== firing);
    return;
  }
  incident.signalCount++;
  if (isWorse(facts.claimedSeverity, incident.claimedSeverity)) incident.claimedSeverity = facts.claimedSeverity;
  const max = isNamed(incident, facts) ? LIMITS.incidentRepeatsMax : LIMITS.incidentSignalsMax;
  if (incident.signals.length < max) {
    const { source, detector, derived } = facts;
    incident.signals.push({ id: event.subject, source, detector, ...(derived === true ? { derived } : {}) });
  }
  noteFiring(incident, firing);
}

function noteFiring({ firing }: Incident, key: string): void {
  const entry = firing.length < FIRING_MAX ? key : FIRING_MORE;
  if (!firing.includes(key) && !firing.includes(entry)) firing.push(entry);
}

/** Keeps the map, and the share, in order of the last touch, so that the idle ones come first. */
function touch(state: State, incident: Incident, source: string): void {
  state.incidents.delete(incident.id);
  state.incidents.set(incident.id, incident);
  dropShare(state.shares.incidents, incidentOwner(incident), incident.id);
  if (incident.signalCount === 0) incident.source = source;
  else if (incident.source !== source) incident.source = null;
  addShare(state.shares.incidents, incidentOwner(incident), incident.id);
}

function noteDelivery(state: State, event: KernelEvent<"signal.received" | "signal.quarantined">): void {
  const { deliveryKey: key, source, forgets } = event.facts;
  forgetDelivery(state, key);
  if (forgets !== undefined) forgetDelivery(state, forgets);
  const at = event.type === "signal.quarantined" ? 0 : event.time;
  state.deliveries.set(key, { signal: event.subject, source, at });
  addShare(state.shares.deliveries, source, key);
}

function forgetDelivery(state: State, key: string): void {
  const known = state.deliveries.get(key);
  if (known === undefined) return;
  state.deliveries.delete(key);
  dropShare(state.shares.deliveries, known.source, key);
}

export function applySignalQuarantined(state: State, event: KernelEvent<"signal.quarantined">): void {
  noteDelivery(state, event);
}

export function applyIncidentOpened(state: State, event: KernelEvent<"incident.opened">): void {
  const { environment, service, signature } = event.facts;
  state.incidents.set(event.subject, {
    id: event.subject,
    environment,
    service,
    signature,
    openedAt: event.time,
    source: null,
    lastSignalAt: event.time,
    lastRunAt: 0,
    lastRun: null,
    claimedSeverity: "none",
    signals: [],
    signalCount: 0,
    firing: [],
    retriageAt: null,
    page: null,
    review: null,
    covered: [],
  });
  addShare(state.shares.incidents, "", event.subject);
  state.incidentByKey.set(incidentKey(event.facts), event.subject);
}

export function applyIncidentResolved(state: State, event: KernelEvent<"incident.resolved">): void {
  const incident = state.incidents.get(event.subject);
  assert(incident !== undefined, `incident ${event.subject} is open`);
  state.incidents.delete(event.subject);
  state.incidentByKey.delete(incidentKey(incident));
  dropShare(state.shares.incidents, incidentOwner(incident), event.subject);
  if (event.facts.code === "all-clear" && incident.page !== null) closeMarks(state, incident.page);
}

export function applyRunOpened(state: State, event: KernelEvent<"run.opened">): void {
  const { incident: incidentId, signal, deadline } = event.facts;
  state.runs.set(event.subject, { id: event.subject, incident: incidentId, signal, deadline });
  const incident = state.incidents.get(incidentId);
  if (incident === undefined) return;
  incident.lastRunAt = event.time;
  incident.lastRun = event.subject;
  incident.retriageAt = null;
}

export function applyRunEnded(state: State, event: KernelEvent): void {
  state.runs.delete(event.subject);
}
