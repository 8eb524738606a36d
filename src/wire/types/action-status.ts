// How an action stands: the words that the kernel, the views and the command line share.

export const ACTION_STATUSES = [
  "evaluating",
  "held",
  "waiting",
  "granted",
  "executing",
  "retrying",
  "reconciling",
  "verifying",
  "reverting",
  "advised",
  "refused",
  "suppressed",
  "denied",
  "cancelled",
  "expired",
  "succeeded",
  "reverted",
  "failed",
  "needs-attention",
] as const;
export type ActionStatus = (typeof ACTION_STATUSES)[number];

/** Nothing more happens by itself to an action that stands so. */
export const ENDED_STATUSES: ReadonlySet<ActionStatus> = new Set([
  "advised",
  "refused",
  "suppressed",
  "denied",
  "cancelled",
  "expired",
  "succeeded",
  "reverted",
  "failed",
  "needs-attention",
]);
