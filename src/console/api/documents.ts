// What the API answers with, where wire/types has no name for it.

import type { ReviewView } from "../../wire/types/approval-views.ts";
import type { LabelView } from "../../wire/types/label.ts";
import type { ClosedDomain } from "../../wire/types/closed-domain.ts";
import type { RiskDomain } from "../../wire/types/risk.ts";
import type { ActionView, AgentView, BrakeScopeView, BrakeView, TimelineEntry } from "../../wire/types/views.ts";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
export type JsonRecord = { readonly [name: string]: Json };

export type Page<T> = { readonly items: readonly T[]; readonly cursor: string | null };

export type Session = {
  readonly identity: string;
  readonly person: string | null;
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
  readonly expiresAt: number;
};

/** An action read alone: with its timeline and, for those who may read contents, what was proposed and planned. */
export type ActionDocument = Omit<ActionView, "events" | "eventsOmitted" | "labels"> & {
  readonly labels: readonly (LabelView & { readonly reason?: string })[];
  readonly timeline: readonly TimelineEntry[];
  readonly timelineOmitted: number;
  /** What it bears on, and what the action that takes it back does. */
  readonly domains: readonly RiskDomain[];
  readonly undoDomains: readonly RiskDomain[];
  readonly content?: ActionContent;
};

export type ActionContent = {
  readonly args?: JsonRecord;
  readonly reason?: string | null;
  /** What is wrong with its arguments. */
  readonly detail?: string;
  readonly plan?: PlanContent;
  /** What takes it back, as it was planned without an effect once the action was done. */
  readonly inversePlan?: PlanContent;
  /** What its newest step did, as its executor or its target said. */
  readonly outcome?: { readonly seq: number; readonly reference: string | null; readonly detail: Json };
  /** What whoever proposed it says that it rests on. */
  readonly evidence?: readonly { readonly kind: "signal" | "run" | "incident" | "action"; readonly id: string }[];
  readonly context?: JsonRecord;
  /** The code that says why a part cannot be read. */
  readonly missing?: string;
  readonly [name: string]: unknown;
};

export type PlanContent = {
  readonly kind: string;
  readonly calls: readonly Json[];
  readonly diff: Json;
  readonly inverse: Json;
  readonly reversible: boolean;
  readonly fingerprint: string | null;
};

export type Decision = { readonly id: string; readonly status: string; readonly repeated: boolean };

export type Brake = {
  readonly id: string;
  readonly mode: "pause" | "dry-run";
  readonly scope: BrakeScopeView;
  readonly command: BrakeView["command"];
};

export type Killswitch = {
  readonly mode: "run" | "pause" | "dry-run";
  readonly flagged: boolean;
  readonly brakes: readonly Brake[];
  readonly closed: readonly ClosedDomain[];
};

export type Stop = {
  readonly id: string;
  readonly stage: string;
  readonly kind: string;
  readonly environment: string;
  readonly service: string;
  readonly agent: string;
};

export type StopReport = Omit<BrakeView, "seq">;

export type StopReportDocument = StopReport & {
  /** Nothing of it is open any more. */
  readonly complete: boolean;
  readonly propagationMs: number | null;
  readonly items: readonly StopReportItem[];
};

export type StopReportItem = {
  readonly id: string;
  readonly kind: string;
  readonly environment: string;
  readonly service: string;
  readonly agent: string;
  readonly was: string;
  readonly end: string | null;
  readonly afterMs: number | null;
  readonly status: string;
};

export type AgentDocument = AgentView & { readonly purpose: string | null };

/** A review read alone: with what was written, for those who may read contents. */
export type ReviewDocument = ReviewView & { readonly content?: { readonly note?: string } | null };

/** Of the outcome what pages show: what each check saw of the action, as far as somebody may read it. */
export type Explanation = {
  readonly text: string;
  readonly outcome: {
    readonly samples: readonly {
      readonly seq: number;
      readonly afterMs: number | null;
      readonly result: string;
      readonly checks: readonly SeenCheck[] | null;
    }[];
  } | null;
};

export type SeenCheck = { readonly name: string; readonly result: string; readonly evidence: JsonRecord };

export type SignInProviders = { readonly items: readonly { readonly name: string; readonly url: string }[] };

export type StopPreview = { readonly counts: Readonly<Record<string, number>>; readonly wouldStop: readonly Stop[] };

export type StageDocument = { readonly stage: string; readonly hasEnded: boolean };
export type PoliciesDocument = { readonly active: { readonly hash: string | null; readonly mode: string } };

export type LedgerKeys = { readonly origin: string; readonly root: string };

export type LedgerEvent = {
  readonly seq: number;
  readonly time: number;
  readonly type: string;
  readonly version: number;
  readonly actor: string;
  readonly subject: string;
  readonly command: number;
  readonly facts: JsonRecord;
};

export type LedgerPage = { readonly items: readonly LedgerEvent[]; readonly next: number | null };

/** A durable event as the stream tells of it. */
export type Told = { readonly seq: number; readonly time: number; readonly type: string; readonly subject: string };
