// Commands on agents: registered by an approved action, revoked at once by whoever may.

import { AppError } from "../../core/errors.ts";
import { parseRegistration } from "../../wire/schemas/agents.ts";
import type { AgentRegistration } from "../../wire/types/agent.ts";
import { agentsAmong, widerPart } from "../authority.ts";
import type { Command, Reply } from "../command.ts";
import { revokeGrant } from "../levels.ts";
import { isHalfDone } from "../reverts.ts";
import { LIMITS } from "../limits.ts";
import { endSetsOf } from "./grant-sets.ts";
import { minuteOf } from "../reducers/agents.ts";
import type { Agent } from "../agent.ts";
import type { Action, State } from "../state.ts";
import type { Transaction } from "../transaction.ts";

/** In the commit of the revocation; ticks take the rest, and none of them begins meanwhile. */
const STOPPED_MAX = 1_000;
const STOPPABLE: ReadonlySet<string> = new Set(["evaluating", "held", "waiting", "granted", "retrying"]);

type Problem = { readonly code: "arguments-invalid" | "delegation-exceeded" | "overloaded"; readonly detail: string };
type Asker = { readonly actor: string; readonly person: string | null };

/** Throws for a registration that could not be carried out, before anybody is asked about it. */
export function checkProposedAgent(state: State, operand: string | undefined, asker: Asker): void {
  const wanted = operand === undefined ? null : parseRegistration(operand);
  if (wanted === null) throw new AppError("arguments-invalid", "no registration of an agent");
  const problem = registrationProblem(state, wanted) ?? delegationProblem(state, wanted, asker);
  if (problem !== null) throw new AppError(problem.code, problem.detail, { agent: wanted.id });
}

/** What a granted `agent.register` does; false when it has become impossible since it was proposed. */
export function registerAgent(tx: Transaction, { id: action, operand }: Action): boolean {
  const wanted = operand === null ? null : parseRegistration(operand);
  if (wanted === null || registrationProblem(tx.state, wanted) !== null) return false;
  const parents = parentsOf(tx.state, wanted);
  const isNew = !tx.state.agents.has(wanted.id);
  const forgets = isNew && tx.state.agents.size >= LIMITS.agentsMax ? firstRevoked(tx.state) : undefined;
  const facts = { ...wanted, action, parents };
  tx.emit({
    type: "agent.registered",
    subject: wanted.id,
    facts: forgets === undefined ? facts : { ...facts, forgets },
  });
  return true;
}

function parentsOf({ agents }: State, { parent }: AgentRegistration): readonly string[] {
  return parent === null ? [] : [parent, ...(agents.get(parent)?.parents ?? [])];
}

function registrationProblem(state: State, wanted: AgentRegistration): Problem | null {
  const before = state.agents.get(wanted.id);
  const thumbprints = new Set(wanted.keys.map(({ thumbprint }) => thumbprint));
  for (const other of state.agents.values()) {
    if (other.id !== wanted.id && other.keys.some(({ thumbprint }) => thumbprints.has(thumbprint)))
      return { code: "arguments-invalid", detail: "a key is another agent's" };
  }
  if (before?.status === "active") {
    if (before.parent !== wanted.parent) return exceeded("revoke it first: the agent above it does not change");
    const isOverOthers = [...state.agents.values()].some(
      ({ status, parents }) => status === "active" && parents.includes(wanted.id),
    );
    if (before.owner !== wanted.owner && isOverOthers) return exceeded("the agents below it are of the same owner");
  }
  if (before === undefined && state.agents.size >= LIMITS.agentsMax && firstRevoked(state) === undefined)
    return { code: "overloaded", detail: `at most ${LIMITS.agentsMax} agents; revoke some` };
  return parentProblem(state, wanted);
}

function parentProblem({ agents }: State, wanted: AgentRegistration): Problem | null {
  if (wanted.parent === null) return null;
  const parent = agents.get(wanted.parent);
  if (parent === undefined || parent.status === "revoked") return exceeded("the agent above it is not registered");
  if (parent.id === wanted.id || parent.parents.includes(wanted.id)) return exceeded("it would stand above itself");
  if (parent.parents.length + 1 > LIMITS.delegationMax)
    return exceeded(`at most ${LIMITS.delegationMax} agents above one another`);
  if (parent.owner !== wanted.owner) return exceeded("its owner is that of the agent above it");
  const wider = widerPart(parent, wanted);
  return wider === null ? null : exceeded(`${wider} go beyond those of the agent above it`);
}

function exceeded(detail: string): Problem {
  return { code: "delegation-exceeded", detail };
}

/** Authority is handed on by whoever has it: the agent above, one above that, or the person who owns them. */
function delegationProblem({ agents }: State, { parent: id, owner }: AgentRegistration, asker: Asker): Problem | null {
  const parent = id === null ? undefined : agents.get(id);
  if (parent === undefined) return null;
  const isOwner = asker.actor === owner || `person:${asker.person ?? ""}` === owner;
  if (isOwner || asker.actor === parent.id || parent.parents.includes(asker.actor)) return null;
  return exceeded("only the agent above it, or their owner, delegates that authority");
}

/** Revoked and no longer above anybody. */
function firstRevoked({ agents }: State): string | undefined {
  const above = new Set([...agents.values()].flatMap(({ parents }) => parents));
  for (const { id, status } of agents.values()) if (status === "revoked" && !above.has(id)) return id;
  return undefined;
}

/** Counted at the door as every refusal; of a registered agent's the first of each minute are events too. */
export function refuseProposal(tx: Transaction, { input, actor }: Command<"refuse-proposal">): Reply {
  const agent = tx.state.agents.get(actor);
  const { minute, count } = agent?.refusals ?? { minute: 0, count: 0 };
  const isFull = minute === minuteOf(tx.now) && count >= LIMITS.refusedProposalsPerMinute;
  if (agent === undefined || isFull) return { subject: actor, result: "counted", repeated: false };
  tx.emit({ type: "proposal.refused", subject: actor, facts: input });
  return { subject: actor, result: "recorded", repeated: false };
}

/** Takes no approval: an agent stops, with all below it, and so does what of theirs has not begun. */
export function revokeAgent(tx: Transaction, { input, content }: Command<"revoke-agent">): Reply {
  const agent = tx.state.agents.get(input.agent);
  if (agent === undefined) throw new AppError("agent-not-found", "no agent of that id is registered", input);
  if (agent.status === "revoked") return { subject: agent.id, result: "revoked", repeated: true };
  const below = withThoseBelow(tx.state, agent);
  for (const one of below) {
    const isFirst = one === agent.id && content !== undefined;
    const payload = isFirst ? { payload: { retention: "evidence", body: content } as const } : {};
    const levels = (tx.state.levels.get(one) ?? []).map(({ id }) => id);
    const facts = levels.length === 0 ? { of: agent.id } : { levels, of: agent.id };
    tx.emit({ type: "agent.revoked", subject: one, facts, ...payload });
  }
  for (const one of below) endSetsOf(tx, one);
  let stopped = 0;
  for (const action of [...tx.state.actions.values()]) {
    if (isToStop(tx.state, action) && stopped++ < STOPPED_MAX) stopAction(tx, action);
    else if (isToAbort(tx.state, action)) revokeGrant(tx, action, { code: "agent-revoked" });
  }
  return { subject: agent.id, result: "revoked", repeated: false };
}

/** An action of a revoked agent, or for one, of which no step is under way. */
export function isToStop(state: State, action: Action): boolean {
  return STOPPABLE.has(action.status) && isOfRevoked(state, action);
}

function isOfRevoked({ agents }: State, { agent, agentKind, actsFor }: Action): boolean {
  if (agentKind !== "agent") return false;
  return [agent, ...agentsAmong(actsFor)].some((id) => agents.get(id)?.status === "revoked");
}

/** A call of it may be under way: it is ended, and asked about; nothing begins again under its grant. */
function isToAbort(state: State, action: Action): boolean {
  const { grant, status } = action;
  const isUnderWay = status === "executing" || status === "reconciling";
  return isUnderWay && grant?.revoked === false && isOfRevoked(state, action);
}

/** What never took effect is cancelled; what may have is for people to look at. */
export function stopAction(tx: Transaction, action: Action, code = "agent-revoked"): void {
  const { id: subject, unsettled } = action;
  if (isHalfDone(action))
    return action.grant?.revoked === true ? undefined : revokeGrant(tx, action, { code: "agent-revoked" });
  if (!unsettled) return tx.emit({ type: "action.cancelled", subject, facts: { code } });
  tx.emit({ type: "action.completed", subject, facts: { code: "unsettled", status: "needs-attention" } });
}

function withThoseBelow({ agents }: State, { id }: Agent): readonly string[] {
  const below = [...agents.values()].filter(({ status, parents }) => status === "active" && parents.includes(id));
  return [id, ...below.map((agent) => agent.id)];
}
