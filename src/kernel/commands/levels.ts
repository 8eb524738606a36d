// Levels given, taken back and run out. People and agents ask by the actions `level.grant` and `level.revoke`.

import { idFromSeq } from "../../core/ids.ts";
import { readLevelGrant } from "../../wire/schemas/level-grant.ts";
import { isLevelOver, revokeUncovered } from "../levels.ts";
import { LIMITS, TERMS } from "../limits.ts";
import type { Action, LevelGrant, State } from "../state.ts";
import type { Transaction } from "../transaction.ts";

/**
 * Why an action on levels is not even asked about: an agent asks for itself alone, it is registered, an end lies ahead
 * and within its term, and there is room. Null where nothing speaks against it.
 */
export function whyLevelRefused(state: State, now: number, action: Action): string | null {
  const { kind, agent, agentKind, operand } = action;
  if (kind === "level.revoke") {
    const found = findLevel(state, operand ?? "");
    if (found === undefined) return "level-unknown";
    return agentKind === "agent" && found.agent !== agent ? "not-own" : null;
  }
  if (kind !== "level.grant") return null;
  const scope = readLevelGrant(operand ?? "");
  if (scope === undefined) return "arguments-invalid";
  if (agentKind === "agent" && scope.agent !== agent) return "not-own";
  const status = state.agents.get(scope.agent)?.status;
  if (status !== "active") return status === "revoked" ? "agent-revoked" : "agent-unregistered";
  if (scope.expiresAt <= now || scope.expiresAt > now + TERMS.levelMs) return "level-term";
  return (state.levels.get(scope.agent)?.length ?? 0) < LIMITS.levelsPerAgentMax ? null : "levels-full";
}

/** What a granted `level.grant` does; false when it has become impossible since. */
export function grantLevel(tx: Transaction, action: Action): boolean {
  if (whyLevelRefused(tx.state, tx.now, action) !== null) return false;
  const scope = readLevelGrant(action.operand ?? "");
  if (scope === undefined) return false;
  tx.emit({ type: "level.granted", subject: idFromSeq("lvl", tx.nextSeq), facts: { action: action.id, ...scope } });
  return true;
}

/** What a granted `level.revoke` does, at once also to calls under way; false for one that has ended. */
export function revokeLevel(tx: Transaction, { action, grant }: { action: string; grant: string }): boolean {
  const found = findLevel(tx.state, grant);
  if (found === undefined) return false;
  const { agent } = found;
  tx.emit({ type: "level.revoked", subject: grant, facts: { action, agent } });
  revokeUncovered(tx, { agent, code: "level-revoked", inFlight: true });
  return true;
}

/** From its last instant on a grant has no effect; this puts the end on record, and that of what it carried. */
export function endLevels(tx: Transaction): void {
  if (!isLevelOver(tx.state, tx.now)) return;
  for (const [agent, grants] of [...tx.state.levels]) {
    const over = grants.filter(({ expiresAt }) => tx.now >= expiresAt);
    for (const { id } of over) tx.emit({ type: "level.expired", subject: id, facts: { agent } });
    if (over.length > 0) revokeUncovered(tx, { agent, code: "level-expired", inFlight: false });
  }
}

function findLevel({ levels }: State, id: string): { agent: string; grant: LevelGrant } | undefined {
  for (const [agent, grants] of levels) {
    const grant = grants.find((one) => one.id === id);
    if (grant !== undefined) return { agent, grant };
  }
  return undefined;
}
