// Reducers of signals and triage runs.

import { addShare, dropShare } from "../bounded.ts";
import type { EventFacts, KernelEvent } from "../events.ts";
import { incidentOf, indexOpen } from "../incident-index.ts";
import { LIMITS } from "../limits.ts";
import { incidentOwner, type Incident, type State } from "../state.ts";
import { isWorse, noteFiring } from "./incidents.ts";
import { noteServiceFires } from "./storms.ts";

/** True when a signal of the same source and detector is among those that the incident names. */
export function isNamed(incident: Incident, signal: { source: string; detector: string }): boolean {
  return incident.signals.some(({ source, detector }) => source === signal.source && detector === signal.detector);
}

/** The identity of an alert: that of its delivery, whatever it says. */
export function alertKey(deliveryKey: string): string {
  return deliveryKey.replace(/:(firing|resolved)$/, "");
}

export function applySignalReceived(state: State, event: KernelEvent<"signal.received">): void {
  const { facts } = event;
  noteDelivery(state, event, event.facts.occurredAt);
  const incident = facts.incident === null ? undefined : state.incidents.get(facts.incident);
  if (incident === undefined) return;
  touch(state, incident, facts.source);
  incident.lastSignalAt = event.time;
  const key = alertKey(facts.deliveryKey);
  if (facts.status === "resolved") {
    incident.firing = incident.firing.filter((one) => one.key !== key);
    return;
  }
  incident.signalCount++;
  if (isWorse(facts.claimedSeverity, incident.claimedSeverity)) incident.claimedSeverity = facts.claimedSeverity;
  const max = isNamed(incident, facts) ? LIMITS.incidentRepeatsMax : LIMITS.incidentSignalsMax;
  if (incident.signals.length < max) {
    const { service, source, detector, derived } = facts;
    incident.signals.push({ id: event.subject, service, source, detector, ...(derived === true ? { derived } : {}) });
  }
  noteServiceFires(state, facts, event.time);
  noteFiring(incident, { key, service: facts.service });
  nameIn(state, incident, facts);
}

/** The incident names what befell what, each once and as far as there is room. */
function nameIn(state: State, incident: Incident, facts: EventFacts["signal.received"]): void {
  const { service, signature, failure } = facts;
  const held = `${service}|${signature}`;
  const isKnown = incident.holds.includes(held) && incident.failures.includes(failure);
  if (isKnown && incident.services.includes(service)) return;
  pushBounded(incident.services, service, LIMITS.incidentServicesMax);
  pushBounded(incident.failures, failure, LIMITS.incidentFailuresMax);
  pushBounded(incident.holds, held, LIMITS.incidentHoldsMax);
  indexOpen(state, incident);
}

function pushBounded(names: string[], name: string, max: number): void {
  if (names.length < max && !names.includes(name)) names.push(name);
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

function noteDelivery(
  state: State,
  event: KernelEvent<"signal.received" | "signal.quarantined">,
  occurredAt?: number,
): void {
  const { deliveryKey: key, source, forgets } = event.facts;
  forgetDelivery(state, key);
  if (forgets !== undefined) forgetDelivery(state, forgets);
  const at = event.type === "signal.quarantined" ? 0 : event.time;
  const delivery = { signal: event.subject, source, at };
  state.deliveries.set(key, occurredAt === undefined ? delivery : { ...delivery, occurredAt });
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

export function applyRunOpened(state: State, event: KernelEvent<"run.opened">): void {
  const { incident: incidentId, signal, deadline } = event.facts;
  state.runs.set(event.subject, { id: event.subject, incident: incidentId, signal, deadline });
  const incident = incidentOf(state, incidentId);
  if (incident === undefined) return;
  incident.lastRunAt = event.time;
  incident.lastRun = event.subject;
  incident.retriageAt = null;
}

export function applyRunEnded(state: State, event: KernelEvent): void {
  state.runs.delete(event.subject);
}
