// Exit codes: a closed table that scripts branch on. docs/cli.md is held to it by a test.

import { ENDED_STATUSES } from "../wire/types/action-status.ts";

export const EXIT = {
  ok: 0,
  error: 1,
  usage: 2,
  held: 3,
  refused: 4,
  expired: 5,
  unreachable: 6,
  unverified: 7,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What each status of an action means to a script. Undecided counts as held: nothing may go ahead yet. */
const BY_STATUS: Readonly<Record<string, ExitCode>> = {
  evaluating: EXIT.held,
  held: EXIT.held,
  waiting: EXIT.held,
  granted: EXIT.ok,
  executing: EXIT.ok,
  retrying: EXIT.ok,
  reconciling: EXIT.ok,
  verifying: EXIT.ok,
  succeeded: EXIT.ok,
  advised: EXIT.refused,
  refused: EXIT.refused,
  suppressed: EXIT.refused,
  denied: EXIT.refused,
  cancelled: EXIT.refused,
  expired: EXIT.expired,
  failed: EXIT.error,
  "needs-attention": EXIT.error,
};

/** The exit code of an action's status; an unknown status is an error, never a success. */
export function exitOfStatus(status: string): ExitCode {
  return Object.hasOwn(BY_STATUS, status) ? (BY_STATUS[status] as ExitCode) : EXIT.error;
}

/** True when nothing more happens to an action by itself. */
export function isEnded(status: string): boolean {
  return (ENDED_STATUSES as ReadonlySet<string>).has(status);
}
