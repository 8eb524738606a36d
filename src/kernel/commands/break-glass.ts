// Breaking the glass: what waits for people goes at once, loudly, under a short grant, and a review is owed.

import { checkApproval, stillStanding } from "../../approvals/eligibility.ts";
import { countQuorum } from "../../approvals/quorum.ts";
import { AppError } from "../../core/errors.ts";
import { idFromSeq } from "../../core/ids.ts";
import type { Asks, BreakGlass } from "../../wire/types/approvals.ts";
import type { Command, Reply } from "../command.ts";
import { approvalNow, proposerOf } from "../holds.ts";
import { LIMITS } from "../limits.ts";
import { checkConfirmed } from "../signature.ts";
import type { Transaction } from "../transaction.ts";
import { checkUnpaused, evidence, heldAction, ineligible, release, type HeldAction } from "./holds.ts";

/**
 * It stands for the quorum of the hold and for nothing else: what policy refuses stays refused, a pause stays a pause,
 * nobody lets their own action go, and what changes the rules themselves waits for its approval.
 */
export function breakGlass(tx: Transaction, command: Command<"break-glass">): Reply {
  const { action: id, answerer, planHash, present } = command.input;
  const action = heldAction(tx, id);
  if (answerer.id !== command.actor) throw ineligible("not-eligible", action);
  const glass = glassOf(tx, action);
  const asks = glassAsks(glass);
  const approval = approvalNow(tx, { asks }, answerer);
  const standing = stillStanding(action.hold.breakers, present).filter(({ roles }) => hasRole(roles, glass));
  const proposer = proposerOf(tx.state, action, command.input.proposer);
  const problem = checkApproval({ asks, proposer, approvals: standing }, approval);
  if (problem !== null) throw ineligible(problem, action, asks);
  if (planHash !== action.planHash) {
    throw new AppError("plan-mismatch", "read the action again: the plan on hold is another", { action: id });
  }
  checkConfirmed(action, command.input.confirm);
  checkUnpaused(tx, action);
  if (tx.state.reviews.size >= LIMITS.reviewsOwedMax) {
    throw new AppError("overloaded", "too many reviews of broken glass are owed; give some first");
  }
  const approvals = [...standing, approval];
  const given = { hold: action.hold.id, person: approval.person, planHash };
  if (!countQuorum(asks, approvals).met) {
    const { at: _at, ...facts } = approval;
    tx.emit({ type: "action.glass-asked", subject: id, facts: { ...given, approval: facts }, ...evidence(command) });
    return { subject: id, result: "held", repeated: false };
  }
  const review = { review: idFromSeq("rev", tx.nextSeq), reviewRoles: glass.reviewRoles };
  const terms = { grantMs: glass.withinMs, reviewDueAt: tx.now + glass.reviewWithinMs, ...review };
  const facts = { ...given, ...terms, approvals, asks, code: "break-glass" } as const;
  return release(tx, action, { type: "action.glass-broken", subject: id, facts, ...evidence(command) });
}

function glassAsks({ roles, people }: BreakGlass): Asks {
  return { independentOf: [], seats: [{ agents: false, count: people, people: [], roles, schedules: [] }] };
}

function hasRole(roles: readonly string[], glass: BreakGlass): boolean {
  return roles.some((role) => glass.roles.includes(role));
}

/** The exit of the route as it is now. */
function glassOf({ state, engine }: Transaction, { id, hold, effect }: HeldAction): BreakGlass {
  const policy = state.bundleHash === null ? undefined : engine.policy(state.bundleHash);
  const glass = policy?.routes.get(hold.route)?.breakGlass ?? null;
  if (glass === null || effect === "kernel") {
    const why = effect === "kernel" ? "what changes the rules is never hurried" : "its route has none";
    throw new AppError("break-glass-unavailable", why, { action: id, route: hold.route });
  }
  return glass;
}
