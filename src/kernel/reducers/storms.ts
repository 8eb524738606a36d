// Reducers of storms: which services fire, and the environments in which too many do at once.

import type { Severity } from "../../wire/types/classification.ts";
import { closeMarks } from "../counters.ts";
import type { SignalFacts } from "../signal-facts.ts";
import type { KernelEvent } from "../events.ts";
import { LIMITS, TERMS } from "../limits.ts";
import type { Action, State, Storm } from "../state.ts";
import type { ActionStatus } from "../../wire/types/action-status.ts";

/** Storms are paged about as what nobody classified is. */
const SEVERITY: Severity = "high";

/** When each service of an environment fired last within the window, the latest last. */
export function firingServices(state: State, environment: string, now: number): readonly number[] {
  const begins = `${environment}|`;
  const times: number[] = [];
  for (const [key, at] of state.firingServices) {
    if (now - at < TERMS.stormWindowMs && key.startsWith(begins)) times.push(at);
  }
  return times;
}

/** Notes that a service fires; while a storm lasts, until when its window is as wide as a storm's at least. */
export function noteServiceFires(state: State, facts: Pick<SignalFacts, "environment" | "service">, at: number): void {
  const { environment, service } = facts;
  const key = `${environment}|${service}`;
  state.firingServices.delete(key);
  state.firingServices.set(key, at);
  for (const [oldest, last] of state.firingServices) {
    if (at - last < TERMS.stormWindowMs && state.firingServices.size <= LIMITS.firingServicesMax) break;
    state.firingServices.delete(oldest);
  }
  const storm = state.storms.get(environment);
  if (storm !== undefined) widen(state, storm, at);
}

/** The window stays as wide until the oldest of the services that make it so is out of it. */
function widen(state: State, storm: Storm, at: number): void {
  const enough = firingServices(state, storm.environment, at).at(-LIMITS.stormServices);
  if (enough !== undefined) storm.wideUntil = enough + TERMS.stormWindowMs;
}

export function applyStormOpened(state: State, event: KernelEvent<"storm.opened">): void {
  const { environment, service } = event.facts;
  const { subject: id, time } = event;
  const storm: Storm = { id, environment, service, openedAt: time, wideUntil: time, page: null, pageDueAt: null };
  state.storms.set(environment, storm);
  widen(state, storm, time);
}

export function applyStormEnded(state: State, event: KernelEvent<"storm.ended">): void {
  const { environment } = event.facts;
  const page = state.storms.get(environment)?.page ?? null;
  if (page !== null) closeMarks(state, page);
  state.storms.delete(environment);
}

function stormOf({ storms }: State, { incident, environment }: Action): Storm | undefined {
  const storm = storms.get(environment);
  return storm?.id === incident ? storm : undefined;
}

export function notePageBegun(state: State, action: Action): void {
  const storm = action.kind === "pagerduty.trigger" ? stormOf(state, action) : undefined;
  if (storm === undefined) return;
  storm.page = {
    action: action.id,
    of: storm.id,
    severity: SEVERITY,
    duplicateKeys: action.grant?.duplicateKeys ?? [],
    at: action.stepStartedAt,
  };
}

const CAME_TO_NOTHING: ReadonlySet<ActionStatus> = new Set(["refused", "expired", "failed"]);

/** A storm of which nobody was told is told again: nothing else goes out while it lasts. */
export function notePageEnd(state: State, action: Action, { status, at }: { status: ActionStatus; at: number }): void {
  const storm = action.kind === "pagerduty.trigger" ? stormOf(state, action) : undefined;
  if (storm === undefined || !CAME_TO_NOTHING.has(status)) return;
  storm.pageDueAt = at + TERMS.stormPageAgainMs;
}

export function notePageAsked(state: State, action: Action): void {
  const storm = action.kind === "pagerduty.trigger" ? stormOf(state, action) : undefined;
  if (storm !== undefined) storm.pageDueAt = null;
}
