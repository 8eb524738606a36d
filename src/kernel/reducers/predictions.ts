// Reducers of predictions: one is asked for, one has come.

import type { KernelEvent } from "../events.ts";
import type { State } from "../state.ts";
import { actionOf } from "./actions.ts";

export function applyPredictionAsked(state: State, event: KernelEvent<"action.prediction-asked">): void {
  const action = actionOf(state, event.subject);
  action.predicting = event.seq;
  if (action.status === "waiting") action.status = "evaluating"; // its place is kept
  action.dueAt = event.facts.deadline;
}

export function applyPredicted(state: State, event: KernelEvent<"action.predicted">): void {
  const action = actionOf(state, event.subject);
  delete action.predicting;
  action.prediction = { ...event.facts.prediction, at: event.time };
  action.dueAt = null;
}
