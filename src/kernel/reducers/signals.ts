// Reducers of signals, incidents and triage runs.

import { assert } from "../../core/assert.ts";
import { setBounded } from "../bounded.ts";
import type { KernelEvent } from "../events.ts";
import { LIMITS } from "../limits.ts";
import { incidentKey, type Incident, type State } from "../state.ts";

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
  setBounded(state.deliveries, { key: facts.deliveryKey, value: event.subject, max: LIMITS.deliveryKeysMax });
  const incident = facts.incident === null ? undefined : state.incidents.get(facts.incident);
  if (incident === undefined) return;
  touch(state, incident);
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
    incident.signals.push({ id: event.subject, source: facts.source, detector: facts.detector });
  }
  noteFiring(incident, firing);
}

function noteFiring({ firing }: Incident, key: string): void {
  const entry = firing.length < FIRING_MAX ? key : FIRING_MORE;
  if (!firing.includes(key) && !firing.includes(entry)) firing.push(entry);
}

/** Keeps the map in order of the last touch, so that the idle ones come first. */
function touch(state: State, incident: Incident): void {
  state.incidents.delete(incident.id);
  state.incidents.set(incident.id, incident);
}

export function applySignalQuarantined(state: State, event: KernelEvent<"signal.quarantined">): void {
  const entry = { key: event.facts.deliveryKey, value: event.subject, max: LIMITS.deliveryKeysMax };
  setBounded(state.deliveries, entry);
}

export function applyIncidentOpened(state: State, event: KernelEvent<"incident.opened">): void {
  const { environment, service, signature } = event.facts;
  state.incidents.set(event.subject, {
    id: event.subject,
    environment,
    service,
    signature,
    openedAt: event.time,
    lastSignalAt: event.time,
    lastRunAt: 0,
    lastRun: null,
    claimedSeverity: "none",
    signals: [],
    signalCount: 0,
    firing: [],
    retriageAt: null,
    paged: false,
    review: null,
  });
  state.incidentByKey.set(incidentKey(event.facts), event.subject);
}

export function applyIncidentResolved(state: State, event: KernelEvent<"incident.resolved">): void {
  const incident = state.incidents.get(event.subject);
  assert(incident !== undefined, `incident ${event.subject} is open`);
  state.incidents.delete(event.subject);
  state.incidentByKey.delete(incidentKey(incident));
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
