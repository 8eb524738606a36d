// Reducers of the triage agent's stage.

import type { KernelEvent } from "../events.ts";
import type { State } from "../state.ts";

export function applyStageGranted(state: State, event: KernelEvent<"stage.granted">): void {
  const { stage, expiresAt } = event.facts;
  state.stage = { id: event.subject, stage, expiresAt, expired: false };
}

export function applyStageExpired(state: State): void {
  if (state.stage !== null) state.stage = { ...state.stage, expired: true };
}
