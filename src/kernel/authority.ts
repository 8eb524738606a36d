// What agents may do: their declarations, and how those of the agents above them narrow them.
//
//   person (owner) ─► agent ─► sub-agent ─► …     each declares no more than the one before, and is held to all of them

import { coversKind } from "../core/kind-pattern.ts";
import type { AgentRegistration, DeclaredRead } from "../wire/types/agent.ts";
import type { Agent, State } from "./state.ts";

type Agents = Pick<State, "agents">;

/** The agent and those above it, itself first; null unless all of them are registered and none is revoked. */
export function chainOf({ agents }: Agents, id: string): readonly Agent[] | null {
  const agent = agents.get(id);
  if (agent === undefined) return null;
  const chain = [agent];
  for (const parent of agent.parents) {
    const above = agents.get(parent);
    if (above === undefined) return null;
    chain.push(above);
  }
  return chain.every(({ status }) => status === "active") ? chain : null;
}

function names(allowed: readonly string[], name: string): boolean {
  return allowed.includes("*") || allowed.includes(name);
}

/** The first part in which a sub-agent would have more than the agent above it; null when it has no more. */
export function widerPart(parent: AgentRegistration, child: AgentRegistration): string | null {
  if (!child.kinds.every((kind) => parent.kinds.some((pattern) => coversKind(pattern, kind)))) return "kinds";
  if (!child.environments.every((name) => names(parent.environments, name))) return "environments";
  if (!child.services.every((name) => names(parent.services, name))) return "services";
  if (child.volumePerHour > parent.volumePerHour) return "volumePerHour";
  if (!child.scopes.every((scope) => parent.scopes.includes(scope))) return "scopes";
  if (!child.roles.every((role) => parent.roles.includes(role))) return "roles";
  if (!child.reads.every((read) => isRead(parent.reads, read))) return "reads";
  if (parent.dpop && !child.dpop) return "dpop";
  return null;
}

function isRead(reads: readonly DeclaredRead[], { source, classes }: DeclaredRead): boolean {
  const above = reads.find((read) => read.source === source);
  return above !== undefined && classes.every((one) => above.classes.includes(one));
}
