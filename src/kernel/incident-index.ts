// What incidents are found by: what they hold, the services and failures they name, the incidents they absorbed.

import { addShare, dropShare } from "./bounded.ts";
import type { Incident, State } from "./state.ts";

type Place = { readonly environment: string; readonly service: string };

/** Puts an open incident, and all that it names, into the derived indexes. */
export function indexOpen(state: State, incident: Incident): void {
  const { id, environment } = incident;
  for (const held of incident.holds) state.incidentByKey.set(`${environment}|${held}`, id);
  for (const service of incident.services) addShare(state.joins.services, `${environment}|${service}`, id);
  for (const failure of incident.failures) addShare(state.joins.failures, `${environment}|${failure}`, id);
  for (const absorbed of incident.absorbed) state.joins.absorbed.set(absorbed, id);
}

export function unindexOpen(state: State, incident: Incident): void {
  const { id, environment } = incident;
  for (const held of incident.holds) state.incidentByKey.delete(`${environment}|${held}`);
  for (const service of incident.services) dropShare(state.joins.services, `${environment}|${service}`, id);
  for (const failure of incident.failures) dropShare(state.joins.failures, `${environment}|${failure}`, id);
  for (const absorbed of incident.absorbed) state.joins.absorbed.delete(absorbed);
}

export function indexResolved(state: State, { id, environment, holds }: Incident): void {
  for (const held of holds) addShare(state.joins.resolved, `${environment}|${held}`, id);
}

export function unindexResolved(state: State, { id, environment, holds }: Incident): void {
  for (const held of holds) dropShare(state.joins.resolved, `${environment}|${held}`, id);
}

/** The open incident of that id, or the one that absorbed it. */
export function incidentOf({ incidents, joins }: Readonly<State>, id: string | null): Incident | undefined {
  if (id === null) return undefined;
  return incidents.get(id) ?? incidents.get(joins.absorbed.get(id) ?? "");
}

/** True for the incident's own id and those that it absorbed. */
export function isKnownAs({ id, absorbed }: Incident, name: string | null): boolean {
  return name === id || (name !== null && absorbed.includes(name));
}

export function openNamingService({ incidents, joins }: State, { environment, service }: Place): Incident[] {
  return openOf(incidents, joins.services.get(`${environment}|${service}`));
}

export function openNamingFailure(
  { incidents, joins }: State,
  { environment, failure }: { environment: string; failure: string },
): Incident[] {
  return openOf(incidents, joins.failures.get(`${environment}|${failure}`));
}

function openOf(incidents: State["incidents"], ids: ReadonlySet<string> | undefined): Incident[] {
  return [...(ids ?? [])].flatMap((id) => incidents.get(id) ?? []);
}

/** The one that had a signal last; of several the oldest, so that a replay finds the same in any order. */
export function latest(incidents: readonly Incident[]): Incident | undefined {
  let found: Incident | undefined;
  for (const one of incidents) {
    if (found === undefined || one.lastSignalAt > found.lastSignalAt) found = one;
    else if (one.lastSignalAt === found.lastSignalAt && one.id < found.id) found = one;
  }
  return found;
}

/** True when people split the one from the other. */
export function isApart(a: Incident, b: Incident): boolean {
  return a.apart.some((id) => isKnownAs(b, id)) || b.apart.some((id) => isKnownAs(a, id));
}
