// Reducers of incidents: opened, opened again, merged, split, ended.

import { assert } from "../../core/assert.ts";
import { addShare, dropShare } from "../bounded.ts";
import { closeMarks } from "../counters.ts";
import type { KernelEvent } from "../events.ts";
import { indexOpen, indexResolved, unindexOpen, unindexResolved } from "../incident-index.ts";
import { LIMITS, TERMS } from "../limits.ts";
import { isMoreUrgent } from "../triage-kinds.ts";
import { incidentOwner, type Incident, type State } from "../state.ts";
import type { Firing } from "../tables.ts";

/** Stands for those that fire beyond the bound. No delivery ends it: who fills the list never makes an end for others. */
const FIRING_MORE = "more";

const SEVERITY_RANK = ["none", "low", "medium", "high", "sev1"];

export function isWorse(severity: string, than: string): boolean {
  return SEVERITY_RANK.indexOf(severity) > SEVERITY_RANK.indexOf(than);
}

function openIncident(state: State, id: string): Incident {
  const incident = state.incidents.get(id);
  assert(incident !== undefined, `incident ${id} is open`);
  return incident;
}

export function applyOpened(state: State, event: KernelEvent<"incident.opened">): void {
  const { environment, service, signature } = event.facts;
  const holds = [`${service}|${signature}`];
  open(state, newIncident({ id: event.subject, environment, service, signature, holds, at: event.time }));
}

type Opening = Pick<Incident, "id" | "environment" | "service" | "signature" | "holds"> & { readonly at: number };

function newIncident({ id, environment, service, signature, holds, at }: Opening): Incident {
  return {
    id,
    environment,
    service,
    signature,
    openedAt: at,
    services: [service],
    failures: [],
    holds,
    absorbed: [],
    apart: [],
    reopenedAt: [],
    flapping: false,
    source: null,
    lastSignalAt: at,
    lastRunAt: 0,
    lastRun: null,
    claimedSeverity: "none",
    signals: [],
    signalCount: 0,
    firing: [],
    lapsesAt: null,
    retriageAt: null,
    page: null,
    ticket: null,
    stands: {},
    review: null,
    covered: [],
  };
}

function open(state: State, incident: Incident): void {
  state.incidents.set(incident.id, incident);
  indexOpen(state, incident);
  addShare(state.shares.incidents, incidentOwner(incident), incident.id);
}

function close(state: State, incident: Incident): void {
  state.incidents.delete(incident.id);
  unindexOpen(state, incident);
  dropShare(state.shares.incidents, incidentOwner(incident), incident.id);
}

/** What it was before speaks for nothing that happens now, but for what it names. */
export function applyReopened(state: State, event: KernelEvent<"incident.reopened">): void {
  const ended = state.resolved.get(event.subject);
  assert(ended !== undefined, `incident ${event.subject} ended not long ago`);
  state.resolved.delete(event.subject);
  unindexResolved(state, ended.incident);
  const { explained: _explained, ...incident } = ended.incident;
  const recent = incident.reopenedAt.filter((at) => event.time - at < TERMS.reopenMs);
  open(state, { ...incident, lastSignalAt: event.time, reopenedAt: [...recent, event.time] });
}

export function applyFlapping(state: State, event: KernelEvent<"incident.flapping">): void {
  openIncident(state, event.subject).flapping = true;
}

/** The survivor names, from now on, all that the absorbed one named, as far as there is room. */
export function applyMerged(state: State, event: KernelEvent<"incident.merged">): void {
  const absorbed = openIncident(state, event.subject);
  const into = openIncident(state, event.facts.into);
  close(state, absorbed);
  close(state, into);
  into.stands = standsOfBoth(into, absorbed);
  // Its page is being closed, or is the survivor's own from now on.
  if (into.page === null) into.page = absorbed.page;
  else if (absorbed.page !== null) closeMarks(state, absorbed.page);
  into.ticket ??= absorbed.ticket;
  into.services = union(into.services, absorbed.services, LIMITS.incidentServicesMax);
  into.failures = union(into.failures, absorbed.failures, LIMITS.incidentFailuresMax);
  into.holds = union(into.holds, absorbed.holds, LIMITS.incidentHoldsMax);
  into.absorbed = union(into.absorbed, [absorbed.id, ...absorbed.absorbed], LIMITS.incidentAbsorbedMax);
  into.apart = union(into.apart, absorbed.apart, LIMITS.incidentApartMax);
  into.source = into.source === absorbed.source ? into.source : null;
  into.lastSignalAt = Math.max(into.lastSignalAt, absorbed.lastSignalAt);
  into.lastRunAt = Math.max(into.lastRunAt, absorbed.lastRunAt);
  into.lastRun ??= absorbed.lastRun;
  if (isWorse(absorbed.claimedSeverity, into.claimedSeverity)) into.claimedSeverity = absorbed.claimedSeverity;
  into.signals = [...into.signals, ...absorbed.signals].slice(0, LIMITS.incidentSignalsMax);
  into.signalCount += absorbed.signalCount;
  for (const firing of absorbed.firing) noteFiring(into, firing);
  into.retriageAt = earlier(into.retriageAt, absorbed.retriageAt);
  into.review = moreUrgent(state, into.review, absorbed.review);
  into.covered = [...new Map([...absorbed.covered, ...into.covered].map((one) => [one.kind, one])).values()];
  into.flapping ||= absorbed.flapping;
  open(state, into);
}

/** How the page and the ticket stand that go on. */
function standsOfBoth(into: Incident, absorbed: Incident): Incident["stands"] {
  const { pagerduty, servicenow, ...others } = absorbed.stands;
  return {
    ...others,
    ...(into.page === null && pagerduty !== undefined ? { pagerduty } : {}),
    ...(into.ticket === null && servicenow !== undefined ? { servicenow } : {}),
    ...into.stands,
  };
}

/** One review for both: of equally urgent ones the survivor's. */
function moreUrgent({ actions }: State, own: string | null, other: string | null): string | null {
  const [kept, asked] = [actions.get(own ?? ""), actions.get(other ?? "")];
  if (kept === undefined || asked === undefined) return own ?? other;
  return isMoreUrgent(asked.kind, kept.kind) ? other : own;
}

function union(first: readonly string[], second: readonly string[], max: number): string[] {
  return [...new Set([...first, ...second])].slice(0, max);
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

/** The alerts, signals and signatures of these services leave for an incident of their own; the page stays. */
export function applySplit(state: State, event: KernelEvent<"incident.split">): void {
  const from = openIncident(state, event.subject);
  const { into: id, services } = event.facts;
  const isTaken = ({ service }: { service: string }): boolean => services.includes(service);
  const taken = from.holds.filter((held) => isTaken({ service: serviceOf(held) }));
  const { environment } = from;
  const service = services[0] as string;
  const signature = taken.find((held) => serviceOf(held) === service)?.slice(service.length + 1) ?? from.signature;
  const made = newIncident({ id, environment, service, signature, holds: taken, at: event.time });
  unindexOpen(state, from);
  made.services = [...services];
  made.failures = [...from.failures];
  made.source = from.source;
  made.claimedSeverity = from.claimedSeverity;
  made.signals = from.signals.filter(isTaken);
  made.signalCount = made.signals.length;
  setFiring(made, from.firing.filter(isTaken));
  made.apart = union([from.id], from.apart, LIMITS.incidentApartMax);
  from.services = from.services.filter((one) => !services.includes(one));
  from.holds = from.holds.filter((held) => !taken.includes(held));
  from.signals = from.signals.filter((one) => !isTaken(one));
  setFiring(
    from,
    from.firing.filter((one) => !isTaken(one)),
  );
  indexOpen(state, from);
  open(state, made);
}

function serviceOf(held: string): string {
  return held.slice(0, held.indexOf("|"));
}

/** What fires of an incident; beyond the bound one entry stands for all the others, and never lapses. */
export function noteFiring(incident: Incident, alert: Firing): void {
  const { firing } = incident;
  const known = firing.findIndex(({ key }) => key === alert.key);
  if (known >= 0) firing[known] = alert;
  else if (firing.length < LIMITS.incidentFiringMax) firing.push(alert);
  else if (firing.every(({ key }) => key !== FIRING_MORE)) firing.push({ key: FIRING_MORE, service: "" });
  setFiring(incident, firing);
}

export function setFiring(incident: Incident, firing: Firing[]): void {
  incident.firing = firing;
  incident.lapsesAt = null;
  for (const { lapsesAt } of firing) {
    if (lapsesAt !== undefined) incident.lapsesAt = earlier(incident.lapsesAt, lapsesAt);
  }
}

export function applyLapsed(state: State, event: KernelEvent<"incident.lapsed">): void {
  const incident = openIncident(state, event.subject);
  setFiring(
    incident,
    incident.firing.filter(({ lapsesAt }) => lapsesAt === undefined || lapsesAt > event.time),
  );
}

export function applyResolved(state: State, event: KernelEvent<"incident.resolved">): void {
  const incident = openIncident(state, event.subject);
  close(state, incident);
  if (event.facts.code !== "all-clear" && event.facts.code !== "quiet") return;
  if (incident.page !== null) closeMarks(state, incident.page);
  keepForReopening(state, incident, event.time);
}

export function applyExplained(state: State, event: KernelEvent<"incident.explained">): void {
  const ended = state.resolved.get(event.subject);
  if (ended !== undefined) ended.incident.explained = true;
}

function keepForReopening(state: State, incident: Incident, at: number): void {
  for (const [id, ended] of state.resolved) {
    if (at - ended.resolvedAt < TERMS.reopenMs && state.resolved.size < LIMITS.resolvedIncidentsMax) break;
    state.resolved.delete(id);
    unindexResolved(state, ended.incident);
  }
  const closing = incident.page?.of ?? null;
  const bare: Incident = {
    ...incident,
    flapping: false,
    lastRun: null,
    claimedSeverity: "none",
    signals: [],
    firing: [],
    lapsesAt: null,
    retriageAt: null,
    page: null,
    stands: {},
    review: null,
    covered: [],
  };
  state.resolved.set(incident.id, { incident: bare, resolvedAt: at, closing });
  indexResolved(state, bare);
}
