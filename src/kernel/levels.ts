// Levels of agents: which is in force for an action, what it leaves of a decision, and what ends when it is lost.
//
//   never granted ─► 0      granted ──expires or revoked──► the highest of what is left, 0 where nothing is
//
// A level only takes away: what policy refuses stays refused, what policy holds waits at least for the same people.

import { assert } from "../core/assert.ts";
import { coversKind } from "../core/kind-pattern.ts";
import { LEVEL_MAX, type Level } from "../wire/types/level.ts";
import type { Payload } from "../wire/types/event.ts";
import type { Evaluation, Verdict, VerdictKind } from "../wire/types/verdict.ts";
import { agentsAmong } from "./authority.ts";
import type { EventFacts } from "./events.ts";
import { isHalfDone } from "./reverts.ts";
import type { Action, LevelGrant, State } from "./state.ts";
import type { ActivePolicy, Transaction } from "./transaction.ts";

type Granted = Pick<State, "levels" | "agents">;
type Asked = Pick<Action, "agent" | "agentKind" | "kind" | "environment" | "service" | "actsFor">;

/** The level in force, and the grant that gives it; null for people, the system's own, and where none was granted. */
export type Standing = { readonly level: Level; readonly grant: LevelGrant | null };

const EVERY_LEVEL: Standing = { level: LEVEL_MAX, grant: null };
const NO_LEVEL: Standing = { level: 0, grant: null };

/** That of the agent, and no higher than that of any agent above it or for which it acts. */
export function levelOf(state: Granted, now: number, asked: Asked): Standing {
  if (asked.agentKind !== "agent") return EVERY_LEVEL;
  let standing = ownLevel(state, now, { asked, agent: asked.agent });
  const delegators = agentsAmong(asked.actsFor);
  const parentsOf = (id: string): readonly string[] => state.agents.get(id)?.parents ?? [];
  for (const agent of [...parentsOf(asked.agent), ...delegators, ...delegators.flatMap(parentsOf)]) {
    const above = ownLevel(state, now, { asked, agent });
    if (above.level < standing.level) standing = above;
  }
  return standing;
}

/** The highest live grant that covers the action; at its last instant a grant has no effect any more. */
function ownLevel({ levels }: Granted, now: number, { asked, agent }: { asked: Asked; agent: string }): Standing {
  let standing = NO_LEVEL;
  for (const grant of levels.get(agent) ?? []) {
    if (now >= grant.expiresAt || !isCovered(grant, asked)) continue;
    if (standing.grant === null || grant.level > standing.level) standing = { level: grant.level, grant };
  }
  return standing;
}

function isCovered({ kinds, environments, services }: LevelGrant, { kind, environment, service }: Asked): boolean {
  if (environments !== null && !environments.includes(environment)) return false;
  if (services !== null && !services.includes(service)) return false;
  return kinds.some((pattern) => coversKind(pattern, kind));
}

/** `advised`: nothing is to happen, and nobody is asked; `result` then says what would have been. */
export type Limited = { readonly result: Evaluation; readonly advised: boolean };

type At = { readonly state: Granted; readonly now: number; readonly policy: Pick<ActivePolicy, "ladder"> };

/**
 * What is left of a decision at the agent's level. People, the system's own, and what policy refuses pass through. At 0
 * the action is advice. At 1 what policy allows waits for a person, who may have been asked already, also by breaking
 * glass. What changes Holdpoint itself is the guardrails' concern, whatever the level.
 */
export function limitByLevel(at: At, action: Action, result: Evaluation): Limited {
  const isExempt = action.agentKind !== "agent" || action.effect === "kernel";
  if (isExempt || result.decision === "refuse") return { result, advised: false };
  const isAsked = action.consent !== null;
  const { level, grant } = levelOf(at.state, at.now, action);
  const verdict = (kind: VerdictKind, code: string): Verdict => ({
    code,
    evidence: grant === null ? { level } : { expiresAt: grant.expiresAt, grant: grant.id, level },
    gate: `level/${level}`,
    verdict: kind,
  });
  if (level === 0) return { result: withVerdict(result, verdict("refuse", "advised")), advised: true };
  if (level === 1 && result.decision === "allow" && !isAsked) {
    return { result: holdFor(at, result, verdict("hold", "assisted")), advised: false };
  }
  return { result: withVerdict(result, verdict("pass", "within-level")), advised: false };
}

function holdFor({ policy }: At, result: Evaluation, verdict: Verdict): Evaluation {
  const route = result.draftRoute ?? policy.ladder?.route ?? null;
  return { ...withVerdict(result, verdict), decision: "hold", route, draftRoute: null };
}

function withVerdict(result: Evaluation, verdict: Verdict): Evaluation {
  return { ...result, verdicts: [...result.verdicts, verdict] };
}

/** The level without which the grant of this action is worth nothing; 0 where levels do not apply. */
export function levelNeeded(
  action: Action,
  { minimumLevel, isAsked }: Pick<Evaluation, "minimumLevel"> & { readonly isAsked: boolean },
): number {
  if (action.agentKind !== "agent" || action.effect === "kernel") return 0;
  return isAsked || action.consent !== null ? 1 : Math.max(2, minimumLevel);
}

/** True when the agent no longer has the level that the action was granted at. */
export function hasLostLevel(state: Granted, now: number, action: Action): boolean {
  const needed = action.grant?.levelNeeded ?? 0;
  return needed > 0 && levelOf(state, now, action).level < needed;
}

/** True when the end of a grant of level is still to be recorded. */
export function isLevelOver({ levels }: Granted, now: number): boolean {
  for (const grants of levels.values()) for (const grant of grants) if (now >= grant.expiresAt) return true;
  return false;
}

type Lost = { readonly agent: string; readonly code: "level-revoked" | "level-expired"; readonly inFlight: boolean };

/** What is done is still verified, and taken back where it is owed: less authority is no reason to leave it broken. */
export const MAY_BEGIN: ReadonlySet<string> = new Set(["granted", "retrying"]);

/** Takes back the grants of actions that were granted at a level which is gone; `inFlight`: also of calls under way. */
export function revokeUncovered(tx: Transaction, { agent, code, inFlight }: Lost): void {
  for (const action of [...tx.state.actions.values()]) {
    const isConcerned = action.agent === agent || isAbove(tx.state, agent, action);
    if (!isConcerned || action.grant === null || action.grant.revoked) continue;
    if (!MAY_BEGIN.has(action.status) && !(inFlight && isUnderWay(action))) continue;
    if (!hasLostLevel(tx.state, tx.now, action)) continue;
    revokeGrant(tx, action, { code });
  }
}

function isAbove({ agents }: State, agent: string, action: Action): boolean {
  return agents.get(action.agent)?.parents.includes(agent) === true;
}

type RevokedCode = EventFacts["action.grant-revoked"]["code"];

type Revocation = { readonly code: RevokedCode; readonly payload?: Payload | undefined };

/** The action must have a grant. What is under way goes on to its end, which is asked for; the rest ends here. */
export function revokeGrant(tx: Transaction, action: Action, { code, payload }: Revocation): void {
  assert(action.grant !== null, "only a grant is taken back");
  const ended = action.unsettled ? "needs-attention" : "cancelled";
  // What is half done stays, without a grant to go on, until it is taken back.
  const status = isUnderWay(action) || isHalfDone(action) ? action.status : ended;
  const facts = { code, grant: action.grant.id, status };
  tx.emit({ type: "action.grant-revoked", subject: action.id, facts, ...(payload === undefined ? {} : { payload }) });
}

/** A call of it may be going on, or nobody knows how one ended. */
export function isUnderWay({ status }: Action): boolean {
  return status === "executing" || status === "reconciling";
}
