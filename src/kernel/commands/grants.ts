// Grants taken back by people, or given up by the agent that has them: at once, calls under way included.

import { AppError } from "../../core/errors.ts";
import type { Command, Reply } from "../command.ts";
import { MAY_BEGIN, isUnderWay, revokeGrant } from "../levels.ts";
import { checkMayStop } from "../reverts.ts";
import type { Action, State } from "../state.ts";
import { revokeSet } from "./grant-sets.ts";
import type { Transaction } from "../transaction.ts";

/**
 * Nothing begins under it any more. What is under way is stopped, and its end is asked for; what it did already is still
 * checked, and taken back where that is owed. Answers the status of the action.
 */
export function revokeGrantById(tx: Transaction, { actor, input, content }: Command<"revoke-grant">): Reply {
  const payload = content === undefined ? undefined : ({ retention: "evidence", body: content } as const);
  const set = tx.state.sets.get(input.grant);
  if (set !== undefined) {
    revokeSet(tx, set, { code: set.agent === actor ? "given-up" : "by-request", payload });
    return { subject: set.id, result: "revoked", repeated: false };
  }
  const action = grantedUnder(tx.state, input.grant);
  const { grant = null } = action ?? {};
  if (action === undefined || grant === null || !(MAY_BEGIN.has(action.status) || isUnderWay(action)))
    throw new AppError("grant-ended", "nothing begins under it any more", { grant: input.grant });
  checkMayStop(action, actor);
  const { id: subject, status } = action;
  if (grant.revoked) return { subject, result: status, repeated: true };
  const isOwn = action.agentKind === "agent" && action.agent === actor;
  revokeGrant(tx, action, { code: isOwn ? "given-up" : "by-request", payload });
  return { subject, result: tx.state.actions.get(subject)?.status ?? action.status, repeated: false };
}

function grantedUnder({ actions }: State, grant: string): Action | undefined {
  for (const action of actions.values()) if (action.grant?.id === grant) return action;
  return undefined;
}
