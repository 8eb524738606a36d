// Reducers of the levels of agents.

import type { KernelEvent } from "../events.ts";
import type { LevelGrant, State } from "../state.ts";

export function applyLevelGranted(state: State, event: KernelEvent<"level.granted">): void {
  const { action, agent, kinds, environments, services, level, expiresAt } = event.facts;
  const grant: LevelGrant = { id: event.subject, action, kinds, environments, services, level, expiresAt };
  state.levels.set(agent, [...(state.levels.get(agent) ?? []), grant]);
}

export function applyLevelEnded(state: State, event: KernelEvent<"level.revoked" | "level.expired">): void {
  const { agent } = event.facts;
  const left = (state.levels.get(agent) ?? []).filter(({ id }) => id !== event.subject);
  if (left.length === 0) state.levels.delete(agent);
  else state.levels.set(agent, left);
}
