// Reducers of signals and triage runs.

import { addShare, dropShare } from "../bounded.ts";
import type { KernelEvent } from "../events.ts";
import { incidentOf, indexOpen } from "../incident-index.ts";
import { LIMITS, TERMS } from "../limits.ts";
import { incidentOwner, type Incident, type SilencedAlert, type State } from "../state.ts";
import { isWorse, noteFiring, setFiring } from "./incidents.ts";
import { noteDelivery } from "./deliveries.ts";
import { forgetSilenced, noteSilenced } from "./silences.ts";
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
  const key = alertKey(facts.deliveryKey);
  if (facts.silence !== undefined || state.silenced.has(key)) noteSilenced(state, key, event);
  const incident = facts.incident === null ? undefined : state.incidents.get(facts.incident);
  if (incident === undefined) return;
  if (facts.status === "firing") return noteFires(state, incident, { ...facts, id: event.subject, at: event.time });
  touch(state, incident, facts.source);
  incident.lastSignalAt = event.time;
  setFiring(
    incident,
    incident.firing.filter((one) => one.key !== key),
  );
}

/** The alert is its incident's from now on, as what was received then said. */
export function applySignalReleased(state: State, event: KernelEvent<"signal.released">): void {
  const { alert: key, incident: id } = event.facts;
  const [alert, incident] = [state.silenced.get(key), state.incidents.get(id)];
  if (alert === undefined || incident === undefined) return;
  forgetSilenced(state, key);
  noteFires(state, incident, { ...alert, id: event.subject, at: event.time });
}

type Fires = Omit<SilencedAlert, "silence" | "signal"> & { readonly id: string };

function noteFires(state: State, incident: Incident, alert: Fires): void {
  const { id, at, service, source, detector, derived, claimedSeverity, deliveryKey } = alert;
  touch(state, incident, source);
  incident.lastSignalAt = at;
  incident.signalCount++;
  if (isWorse(claimedSeverity, incident.claimedSeverity)) incident.claimedSeverity = claimedSeverity;
  const max = isNamed(incident, alert) ? LIMITS.incidentRepeatsMax : LIMITS.incidentSignalsMax;
  if (incident.signals.length < max) {
    incident.signals.push({ id, service, source, detector, ...(derived === true ? { derived } : {}) });
  }
  noteServiceFires(state, alert, at);
  const lapse = alert.endless === true ? { lapsesAt: at + TERMS.lapseMs } : {};
  noteFiring(incident, { key: alertKey(deliveryKey), service, ...lapse });
  nameIn(state, incident, alert);
}

/** The incident names what befell what, each once and as far as there is room. */
function nameIn(state: State, incident: Incident, facts: Pick<Fires, "service" | "signature" | "failure">): void {
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
  // What somebody resolved at the pager is asked about again at its time, whatever is asked before.
  const isLeftAlone = incident.stands.pagerduty?.state === "resolved" && (incident.retriageAt ?? 0) > event.time;
  if (!isLeftAlone) incident.retriageAt = null;
}

export function applyRunClassified(state: State, event: KernelEvent<"run.classified">): void {
  const run = state.runs.get(event.subject);
  applyRunEnded(state, event);
  const incident = incidentOf(state, run?.incident ?? null);
  if (run === undefined || incident === undefined || incident.ticket === null) return;
  const { id, signal } = run;
  incident.ticket = { ...incident.ticket, news: { run: id, signal, classification: event.facts.classification } };
}

export function applyRunEnded(state: State, event: KernelEvent): void {
  state.runs.delete(event.subject);
}
