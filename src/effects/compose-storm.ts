// The one page about a storm: which services fire, which incidents they are of, since when, and the runs behind it.

import type { Json, JsonObject } from "../core/json.ts";
import type { Action, State, Storm } from "../kernel/state.ts";

const SERVICES_MAX = 64;
const INCIDENTS_MAX = 32;
const NAMED_MAX = 8;

/** The storm that a triage action is about; undefined for one about an incident, and once the storm is over. */
export function findStorm(state: Readonly<State>, { incident, environment }: Action): Storm | undefined {
  const storm = state.storms.get(environment);
  return storm?.id === incident ? storm : undefined;
}

/** What the pager's executor takes as arguments, as things stand now. */
export function composeStormPage(
  storm: Storm,
  at: { state: Readonly<State>; origin: string; action: string },
): JsonObject {
  const { state, origin, action } = at;
  const begins = `${storm.environment}|`;
  const services = [...state.firingServices.keys()]
    .filter((key) => key.startsWith(begins))
    .map((key) => key.slice(begins.length));
  const incidents = [...state.incidents.values()].filter(
    ({ environment, firing }) => environment === storm.environment && firing.length > 0,
  );
  const named = services.slice(-NAMED_MAX).join(", ");
  const counts = `${services.length} services, ${incidents.length} incidents`;
  return {
    dedupKey: `${origin}/${storm.id}`.slice(0, 255),
    summary: `[storm] ${storm.environment}: ${counts} at once: ${named}`.slice(0, 1_000),
    severity: "high",
    source: `${storm.service} in ${storm.environment}`.slice(0, 255),
    details: {
      justification: { action, storm: storm.id, incidents: incidents.slice(0, INCIDENTS_MAX).map(({ id }) => id) },
      since: new Date(storm.openedAt).toISOString(),
      services: services.slice(-SERVICES_MAX),
      incidents: incidents
        .slice(0, INCIDENTS_MAX)
        .map(
          ({ id, service, services: all, signalCount, lastRun }) =>
            ({ id, service, services: all.length, signals: signalCount, run: lastRun }) satisfies Record<string, Json>,
        ),
      next: "While it lasts every other page waits for review.",
    },
  };
}
