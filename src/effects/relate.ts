// The consult of the runtime model about a run's incident: which other open ones are of the same cause.

import { isAppError } from "../core/errors.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { nearIncidents } from "../kernel/commands/relations.ts";
import { incidentOf } from "../kernel/incident-index.ts";
import type { Relater } from "../wire/contracts/predictor.ts";
import { RELATED_SERVICES_MAX, type Relations } from "../wire/types/relation.ts";
import { untilAborted } from "./abandon.ts";

export type RelateParts = {
  readonly kernel: Kernel;
  readonly relater: Relater;
  /** The time for one answer, from now: the run waits for it. */
  readonly relateTimeout: () => AbortSignal;
};

/** Half of the room is for the run's own incident. */
const OWN_SERVICES_MAX = RELATED_SERVICES_MAX / 2;

/** A model that is gone, late or without telemetry keeps nobody waiting: the incidents stay as they are. */
export async function relateRun(parts: RelateParts, run: string, nowMs: number): Promise<void> {
  const asked = askFor(parts.kernel, run, nowMs);
  if (asked === null) return;
  const timeUp = parts.relateTimeout();
  let told: Relations;
  try {
    told = await untilAborted(timeUp, parts.relater.relate(asked));
  } catch {
    return;
  }
  if (told.relations.length === 0) return;
  try {
    await parts.kernel.submit({ type: "relate-incidents", actor: "system:effects", input: { run, ...told } });
  } catch (error) {
    // The kernel takes nothing now (its clock, its load): what comes next says so itself.
    if (!isAppError(error)) throw error;
  }
}

/** The services to ask about, those heard of last first; null where nothing else is open near it. */
function askFor({ state }: Kernel, run: string, nowMs: number): { environment: string; services: string[] } | null {
  const incident = incidentOf(state, state.runs.get(run)?.incident ?? null);
  if (incident === undefined) return null;
  const near = nearIncidents(state, incident, nowMs).toSorted((a, b) => b.lastSignalAt - a.lastSignalAt);
  if (near.length === 0) return null;
  const others = near.flatMap(({ services }) => services.slice(0, OWN_SERVICES_MAX));
  const services = new Set([...incident.services.slice(0, OWN_SERVICES_MAX), ...others]);
  return { environment: incident.environment, services: [...services].slice(0, RELATED_SERVICES_MAX) };
}
