// Facts of the events of holds: what is asked, what is given, and what ends the asking.

import type { Approval, Asks, BreakGlass } from "../wire/types/approvals.ts";
import type { EvaluationFacts } from "./events.ts";

/** What a step asks for, and until when. */
type AskedFacts = {
  readonly asks: Asks;
  readonly deadline: number;
  readonly remindEveryMs: number | null;
  readonly remindAt: number | null;
};

/** An approval as it is given: its instant is that of the event. */
export type ApprovalFacts = Omit<Approval, "at">;

export type HeldFacts = {
  readonly evaluation: EvaluationFacts;
  readonly hold: string;
  readonly route: string;
  /** How many steps the route has. */
  readonly steps: number;
  readonly planHash: string;
  /** The emergency exit that the route has. */
  readonly breakGlass: BreakGlass | null;
} & AskedFacts;

export type EscalatedFacts = AskedFacts & {
  readonly hold: string;
  readonly step: number;
  /** Identities whose approvals count for this step too. */
  readonly kept: readonly string[];
};

export type ApprovalGivenFacts = {
  readonly hold: string;
  readonly planHash: string;
  readonly person: string | null;
  readonly approval: ApprovalFacts;
};

export type ApprovalWithdrawnFacts = {
  readonly hold: string;
  readonly identity: string;
  readonly person: string | null;
  readonly code: "withdrawn" | "not-standing";
};

export type ApprovedFacts = {
  readonly hold: string;
  readonly planHash: string;
  /** Of whoever gave the last of the approvals. */
  readonly person: string | null;
  /** All that count, with the roles that their givers had at this moment. */
  readonly approvals: readonly Approval[];
  /** Which of the step's seats each of them takes. */
  readonly takes: readonly (number | null)[];
};

export type GlassBrokenFacts = {
  readonly code: "break-glass";
  readonly hold: string;
  readonly planHash: string;
  readonly person: string | null;
  /** What the exit asks for, and those who took it. */
  readonly asks: Asks;
  readonly approvals: readonly Approval[];
  readonly grantMs: number;
  readonly review: string;
  readonly reviewRoles: readonly string[];
  readonly reviewDueAt: number;
};
