// Reducers of real impacts: an action that took effect waits for its measurement, is taken back meanwhile, is measured.

import type { KernelEvent } from "../events.ts";
import { LIMITS } from "../limits.ts";
import type { Action, State } from "../state.ts";

/** Of what the model predicted; a full table takes no more, and decides nothing. */
export function awaitImpact(state: State, action: Action, doneAt: number): void {
  const { id, kind, environment, service, prediction, stepStartedAt: beganAt } = action;
  if (prediction === undefined || prediction.code !== "" || state.measuring.size >= LIMITS.measuringMax) return;
  const { exposure, share: stated, measurableAfterMs } = prediction;
  const at = { beganAt, doneAt, dueAt: doneAt + measurableAfterMs };
  state.measuring.set(id, { kind, environment, service, exposure, stated, ...at });
}

/** What follows from here on is not the action's doing any more. */
export function endImpact(state: State, action: string, untilAt: number): void {
  const known = state.measuring.get(action);
  if (known !== undefined) state.measuring.set(action, { ...known, untilAt });
}

export function applyImpactMeasured(state: State, { subject }: KernelEvent<"impact.measured">): void {
  state.measuring.delete(subject);
}
