// Reducers of agents: who is registered, with what.

import type { KernelEvent } from "../events.ts";
import type { Agent } from "../agent.ts";
import type { State } from "../state.ts";

export function applyRegistered({ agents }: State, event: KernelEvent<"agent.registered">): void {
  const { facts } = event;
  if (facts.forgets !== undefined) agents.delete(facts.forgets);
  const before = agents.get(facts.id);
  agents.set(facts.id, {
    dpop: facts.dpop,
    environments: facts.environments,
    id: facts.id,
    keys: facts.keys,
    kinds: facts.kinds,
    models: facts.models,
    owner: facts.owner,
    parent: facts.parent,
    purposeHash: facts.purposeHash,
    reads: facts.reads,
    roles: facts.roles,
    scopes: facts.scopes,
    services: facts.services,
    volumePerHour: facts.volumePerHour,
    parents: facts.parents,
    registeredAt: event.time,
    action: facts.action,
    status: "active",
    // What it has done still counts, whatever is registered anew.
    volume: before?.volume ?? [],
    refusals: before?.refusals ?? { minute: 0, count: 0 },
    forgottenUntil: before?.forgottenUntil ?? 0,
  });
}

const MINUTE_MS = 60_000;
/** Whole minutes, one more than an hour has: whatever the second, no part of the last hour is left out. */
const VOLUME_MINUTES = 61;

export function minuteOf(timeMs: number): number {
  return Math.floor(timeMs / MINUTE_MS);
}

/** Proposals of about the last hour, the agent's own and those of agents below it. */
export function volumeOf({ volume }: Pick<Agent, "volume">, now: number): number {
  const first = minuteOf(now) - VOLUME_MINUTES + 1;
  return volume.reduce((sum, [minute, count]) => (minute < first ? sum : sum + count), 0);
}

/** Counts a proposal for its agent and for each above it. */
export function countProposal({ agents }: State, { actor, time }: Pick<KernelEvent, "actor" | "time">): void {
  const agent = agents.get(actor);
  if (agent === undefined) return;
  addProposal(agent, minuteOf(time));
  for (const id of agent.parents) {
    const above = agents.get(id);
    if (above !== undefined) addProposal(above, minuteOf(time));
  }
}

function addProposal(agent: Agent, minute: number): void {
  const last = agent.volume.at(-1);
  if (last?.[0] === minute) return void last[1]++;
  const counted = agent.volume.filter(([counts]) => counts > minute - VOLUME_MINUTES);
  agent.volume = [...counted, [minute, 1]];
}

export function applyProposalRefused({ agents }: State, event: KernelEvent<"proposal.refused">): void {
  const agent = agents.get(event.subject);
  if (agent === undefined) return;
  const minute = minuteOf(event.time);
  agent.refusals = { minute, count: agent.refusals.minute === minute ? agent.refusals.count + 1 : 1 };
}

/** Its levels end too: whoever registers it again does not bring them back. */
export function applyRevoked({ agents, levels }: State, event: KernelEvent<"agent.revoked">): void {
  const agent = agents.get(event.subject);
  if (agent !== undefined) agent.status = "revoked";
  levels.delete(event.subject);
}
