// What is shown of how people answer holds. Instants are milliseconds since the epoch.

import type { Document } from "./view-document.ts";

export type TakenDecision = {
  readonly action: string;
  readonly decision: "approve" | "deny";
  readonly at: number;
  /** Since the step was asked. */
  readonly afterMs: number;
};

/** Five approvals or more of one person within ten minutes. */
export type Burst = { readonly from: number; readonly until: number; readonly approvals: number };

/** `hasty`: every decision an approval, and quick. `burst`: one within the last day of decisions. */
export type StampReason = "hasty" | "burst";

/** Of the latest decisions, at most a hundred. */
export type Behaviour = {
  /** `flagged`: it looks like rubber-stamping, for these reasons. */
  readonly status: "clear" | "flagged";
  readonly reasons: readonly StampReason[];
  /** How many decisions that is. */
  readonly measured: number;
  /** From 0 to 1. */
  readonly approvalRate: number;
  readonly medianMs: number;
  readonly fastestMs: number;
  /** Decided in less time than it takes to read what is asked. */
  readonly hurried: number;
  readonly bursts: number;
  readonly lastBurst: Burst | null;
};

/** One of each person who decided anything, by the person's id. */
export interface ApproverView extends Document, Behaviour {
  /** Of all time. */
  readonly decisions: number;
  readonly approvals: number;
  readonly denials: number;
  readonly firstAt: number;
  readonly lastAt: number;
  /** What is measured, the newest last. */
  readonly recent: readonly TakenDecision[];
}
