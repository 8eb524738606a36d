// Reviews of broken glass: given by somebody who had no part in it, and overdue when nobody has.

import { isSame } from "../../approvals/eligibility.ts";
import { AppError } from "../../core/errors.ts";
import type { Command, Reply } from "../command.ts";
import type { State } from "../state.ts";
import type { Transaction } from "../transaction.ts";
import { evidence } from "./holds.ts";

export function giveReview(tx: Transaction, command: Command<"give-review">): Reply {
  const { review: id, outcome, answerer } = command.input;
  const review = tx.state.reviews.get(id);
  if (review === undefined) throw new AppError("review-closed", "no review of that id is owed", { review: id });
  const { action, by, proposer, roles } = review;
  if (answerer.id !== command.actor || answerer.kind !== "person") throw notEligible(id, roles);
  if ([proposer, ...by].some((one) => isSame(one, answerer))) {
    throw new AppError("self-approval", "somebody who had no part in it gives the review", { review: id });
  }
  if (!answerer.roles.some((role) => roles.includes(role))) throw notEligible(id, roles);
  const facts = { action, outcome, person: answerer.person };
  tx.emit({ type: "review.given", subject: id, facts, ...evidence(command) });
  return { subject: id, result: outcome, repeated: false };
}

function notEligible(review: string, roles: readonly string[]): AppError {
  return new AppError("not-eligible", `the review asks for one of: ${roles.join(", ")}`, { review });
}

/** True when a review is late and that is still to be recorded. */
export function isReviewDue({ reviews }: Readonly<State>, now: number): boolean {
  for (const { dueAt, overdue } of reviews.values()) if (!overdue && now >= dueAt) return true;
  return false;
}

export function tickReviews(tx: Transaction): void {
  for (const { id, action, dueAt, overdue } of [...tx.state.reviews.values()]) {
    if (!overdue && tx.now >= dueAt) tx.emit({ type: "review.overdue", subject: id, facts: { action } });
  }
}
