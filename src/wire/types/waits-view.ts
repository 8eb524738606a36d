// What an action waits for that nobody here is asked about.

/** Its window, something that has to come from outside (an approved change, a review), or other actions on its target. */
export const WAIT_CODES = ["window", "outside", "conflict"] as const;
export type WaitCode = (typeof WAIT_CODES)[number];

export interface WaitsView {
  readonly code: WaitCode;
  /** At the latest. */
  readonly until: number;
  /** The actions that it waits for; none where it waits for something else. */
  readonly behind: readonly string[];
  /** Of what has to come from outside: why it had not when it was asked about last; absent before that. */
  readonly because?: string;
}
