// What state keeps of a grant, and of the checks that come with it.

import type { VerifyTerms } from "./events.ts";
import type { Spent } from "./grant-sets.ts";

export type Grant = {
  readonly id: string;
  readonly at: number;
  readonly expiresAt: number;
  /** What it took, given back when no step of it ever began, or it is refused: names of counters and keys of duplicate gates. */
  readonly counters: readonly string[];
  readonly duplicateKeys: readonly string[];
  /** What is left of it after that is for checks and for taking it back; absent where nothing is checked. */
  readonly beginBy?: number;
  readonly verify?: VerifyTerms;
  /** Under which it is taken back. */
  readonly revert?: string;
  /** What it took of a bounded grant. */
  readonly under?: Spent;
  /** The level without which it is worth nothing; 0 where levels do not apply. */
  readonly levelNeeded: number;
  /** It was taken back while a call was under way: nothing begins under it any more. */
  readonly revoked: boolean;
};

/** How far the samples of health are. */
export type Verifying = {
  readonly sample: number;
  /** In a row. */
  readonly passes: number;
  readonly failures: number;
  readonly nextAt: number;
};
