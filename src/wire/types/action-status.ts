// How an action stands: the words that the kernel, the views and the command line share.

export type ActionStatus =
  | "evaluating"
  | "held"
  | "granted"
  | "executing"
  | "retrying"
  | "reconciling"
  | "refused"
  | "suppressed"
  | "denied"
  | "cancelled"
  | "expired"
  | "succeeded"
  | "failed"
  | "needs-attention";

/** Nothing more happens by itself to an action that stands so. */
export const ENDED_STATUSES: ReadonlySet<ActionStatus> = new Set([
  "refused",
  "suppressed",
  "denied",
  "cancelled",
  "expired",
  "succeeded",
  "failed",
  "needs-attention",
]);
