// Reverts: actions that the kernel owes, under grants that were issued with what they take back.

import { AppError } from "../core/errors.ts";
import type { Action } from "./state.ts";

/** In whose name the kernel takes back what failed its checks. No policy, pause or level stands in its way. */
export const REVERT_AGENT = "system:revert";

export function isRevert(action: Pick<Action, "revertOf">): boolean {
  return action.revertOf !== undefined;
}

/** Throws `scope-insufficient`: an agent would keep its own bad change, whatever scopes it has. */
export function checkMayStop(action: Pick<Action, "id" | "revertOf">, actor: string): void {
  if (!isRevert(action) || actor.startsWith("person:")) return;
  throw new AppError("scope-insufficient", "only a person stops what takes something back", { action: action.id });
}

/** Something of it stands, and nothing of it is open: what cannot go on is taken back rather than left half done. */
export function isHalfDone({ phase = 1, unsettled, grant }: Pick<Action, "phase" | "unsettled" | "grant">): boolean {
  return phase > 1 && !unsettled && grant !== null;
}

/**
 * Nothing of it took effect, for certain: not begun, or every attempt came to nothing. The system's own goes on once it
 * began, since an incident counts as paged from the first call on.
 */
export function isUndone({
  attempt,
  phase = 1,
  unsettled,
  agentKind,
}: Pick<Action, "attempt" | "phase" | "unsettled" | "agentKind">): boolean {
  return attempt === 0 || (phase === 1 && !unsettled && agentKind !== "system");
}

/** When a step may begin at the latest: what is left of a grant after that is for checks, and for taking it back. */
export function beginBy({ grant }: Pick<Action, "grant">): number {
  return grant === null ? 0 : (grant.beginBy ?? grant.expiresAt);
}
