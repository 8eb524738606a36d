// Reducers of agents: who is registered, with what.

import type { KernelEvent } from "../events.ts";
import type { State } from "../state.ts";

export function applyRegistered({ agents }: State, event: KernelEvent<"agent.registered">): void {
  const { facts } = event;
  if (facts.forgets !== undefined) agents.delete(facts.forgets);
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
  });
}

export function applyRevoked({ agents }: State, event: KernelEvent<"agent.revoked">): void {
  const agent = agents.get(event.subject);
  if (agent !== undefined) agent.status = "revoked";
}
