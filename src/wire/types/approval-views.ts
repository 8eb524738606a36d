// What is shown of a hold and of those who answer it. Instants are milliseconds since the epoch.

import type { Approval, BreakGlass, Independence, ReviewOutcome, Seats } from "./approvals.ts";
import type { Document } from "./view-document.ts";

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
  /** The emergency exit of the route, and those who want to take it where it needs several. */
  readonly breakGlass: BreakGlass | null;
  readonly breakers: readonly Approval[];
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
export type AnswerDecision = "approve" | "deny" | "withdraw" | "lapse" | "break-glass";

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

/** Owed for every glass that was broken; `overdue` is owed too. */
export interface ReviewView extends Document {
  readonly status: "owed" | "overdue" | ReviewOutcome;
  readonly action: string;
  readonly kind: string;
  readonly environment: string;
  readonly service: string;
  readonly agent: string;
  readonly brokenAt: number;
  /** Identities that broke it. */
  readonly by: readonly string[];
  /** Who may give it, beside that they had no part in it. */
  readonly roles: readonly string[];
  readonly dueAt: number;
  readonly givenAt: number | null;
  readonly givenBy: string | null;
  readonly person: string | null;
  /** Event whose payload holds what the reviewer wrote. */
  readonly noteSeq: number | null;
}
