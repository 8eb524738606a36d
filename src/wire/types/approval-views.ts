// What is shown of a hold and of those who answer it. Instants are milliseconds since the epoch.

import type { Approval, Independence, Seats } from "./approvals.ts";

export interface HoldView {
  readonly id: string;
  readonly route: string;
  /** The step that is asked, from 0, and how many the route has. */
  readonly step: number;
  readonly steps: number;
  /** Every role with which somebody may answer. */
  readonly roles: readonly string[];
  /** All that the step asks for, and how much of it is there. */
  readonly needs: readonly NeedView[];
  readonly independentOf: readonly Independence[];
  readonly approvals: readonly Approval[];
  readonly askedAt: number;
  /** While its clock stands still this is not its end: see `frozen`. */
  readonly deadline: number;
  /** A pause stops its clock: since when, what is left of its window, and when the clock goes on at the latest. */
  readonly frozen: { readonly since: number; readonly remainingMs: number; readonly until: number } | null;
  readonly remindAt: number | null;
}

/** `count` approvals of different people, each with one of the roles, or named, or on duty; `have` are there. */
export type NeedView = Seats & { readonly have: number };

/** `lapse`: the approval was found to be of somebody who could not give it any more. */
export type AnswerDecision = "approve" | "deny" | "withdraw" | "lapse";

export interface AnswerView {
  readonly seq: number;
  readonly time: number;
  readonly decision: AnswerDecision;
  readonly actor: string;
  /** Null for an agent that speaks for nobody. */
  readonly person: string | null;
  readonly hold: string;
  /** Null where nothing was answered about a plan. */
  readonly planHash: string | null;
}
