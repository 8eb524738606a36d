// Reducers of reviews of broken glass.

import type { KernelEvent } from "../events.ts";
import type { State } from "../state.ts";

export function applyReviewGiven({ reviews }: State, { subject }: KernelEvent<"review.given">): void {
  reviews.delete(subject);
}

export function applyReviewOverdue({ reviews }: State, { subject }: KernelEvent<"review.overdue">): void {
  const review = reviews.get(subject);
  if (review !== undefined) reviews.set(subject, { ...review, overdue: true });
}
