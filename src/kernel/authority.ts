// What agents may do: their declarations, and how those of the agents above them narrow them.
//
//   person (owner) ─► agent ─► sub-agent ─► …     each declares no more than the one before, and is held to all of them

import { coversKind } from "../core/kind-pattern.ts";
import type { AgentRegistration, DeclaredRead } from "../wire/types/agent.ts";
import type { Agent } from "./agent.ts";
import type { Action, State } from "./state.ts";

type Reach = Pick<Action, "kind" | "environment" | "service">;
type Agents = Pick<State, "agents">;
type Everybody = Pick<State, "agents" | "rights">;

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

/** Whether a declaration covers what somebody wants to do. */
function permits(declared: AgentRegistration, { kind, environment, service }: Reach): boolean {
  return (
    declared.kinds.some((pattern) => coversKind(pattern, kind)) &&
    names(declared.environments, environment) &&
    names(declared.services, service)
  );
}

function names(allowed: readonly string[], name: string): boolean {
  return allowed.includes("*") || allowed.includes(name);
}

/** Why an agent may not do what it proposes; the codes are those of problems, and of refusals on record. */
export type AuthorityCode =
  | "agent-unregistered"
  | "agent-revoked"
  | "rights-revoked"
  | "signature-missing"
  | "signature-invalid"
  | "model-undeclared"
  | "declaration-exceeded";

type Unsigned = Reach & Pick<Action, "agent" | "agentKind" | "actsFor">;
type Proposed = Unsigned & Pick<Action, "signed">;

/**
 * What keeps an agent from what it proposed, as it and those above it are registered now; null for nothing. Asked when
 * it proposes, and again with fresh state whenever the action is evaluated or begins. Of people it is asked alone
 * whether they have lost their rights: those that they have are the door's to judge.
 */
export function authorityProblem(state: Everybody, proposed: Proposed): AuthorityCode | null {
  const problem = standingProblem(state, proposed);
  const isKnown = problem === null || problem === "declaration-exceeded";
  if (proposed.agentKind !== "agent" || !isKnown) return problem;
  return signatureProblem(state.agents.get(proposed.agent), proposed.signed) ?? problem;
}

/** As much of it as can be said of what nobody has signed: of what is asked about, and not proposed. */
export function standingProblem(
  state: Everybody,
  { agent: id, agentKind, actsFor, ...reach }: Unsigned,
): AuthorityCode | null {
  if (agentKind !== "agent") return state.rights.get(id)?.status === "revoked" ? "rights-revoked" : null;
  if (!state.agents.has(id)) return "agent-unregistered";
  const chain = chainsOf(state, id, actsFor);
  if (chain === null) return "agent-revoked";
  return chain.every((one) => permits(one, reach)) ? null : "declaration-exceeded";
}

function signatureProblem(agent: Agent | undefined, signed: Action["signed"]): AuthorityCode | null {
  if (signed === null) return "signature-missing";
  if (agent?.keys.some(({ thumbprint }) => thumbprint === signed.key) !== true) return "signature-invalid";
  const { name, provider } = signed.model;
  const isDeclared = agent.models.some((model) => model.name === name && model.provider === provider);
  return isDeclared ? null : "model-undeclared";
}

/** The agent, those for whom it acts, and those above each of them; null where one of them is revoked. */
function chainsOf(state: Agents, id: string, actsFor: Action["actsFor"]): readonly Agent[] | null {
  const chain = [...(chainOf(state, id) ?? [])];
  if (chain.length === 0) return null;
  for (const other of agentsAmong(actsFor)) {
    const above = chainOf(state, other);
    if (above === null) return null;
    chain.push(...above);
  }
  return chain;
}

/** The agents among those for whom somebody acts. */
export function agentsAmong(actsFor: Action["actsFor"]): readonly string[] {
  return (actsFor ?? []).map(({ id }) => id).filter((id) => id.startsWith("agent:"));
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
