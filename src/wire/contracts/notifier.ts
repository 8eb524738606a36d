// What people are told: one notification for each thing that happens to a hold or to the kill switch, and who takes it.

import type { PlanFindings } from "../types/risk.ts";
import type { Verdict } from "../types/verdict.ts";

export const NOTIFICATION_KINDS = [
  "hold.opened",
  "hold.escalated",
  "hold.frozen",
  "hold.resumed",
  "hold.reminded",
  "hold.approval",
  "hold.withdrawal",
  "hold.ended",
  "glass.broken",
  "action.ended",
  "wait.ended",
  "brake.applied",
  "brake.released",
  "domain.blocked",
  "domain.released",
] as const;

/**
 * `hold.approval` is one of several that are asked for, `hold.withdrawal` one that counts no more, `glass.broken` an action
 * that goes at once without the rest. `action.ended` is the end of an action that people were asked about: what became of
 * what they approved. `wait.ended` is that of one that nobody was asked about, and that waited for something outside in vain.
 */
export type NotificationKind = (typeof NOTIFICATION_KINDS)[number];

export interface NotifiedAnswer {
  /** `lapse`: the approval was found to be of somebody who could not give it any more. */
  readonly decision: "approve" | "deny" | "withdraw" | "lapse" | "break-glass";
  readonly person: string;
  readonly time: number;
  /** Erasable: null where there is none, or none any more. */
  readonly reason: string | null;
}

export interface NotifiedHold {
  readonly id: string;
  readonly route: string;
  readonly step: number;
  /** All that the step asks for, in words: `1 of database-owner and 2 of sre`. */
  readonly asks: string;
  /** Every role with which somebody may answer. */
  readonly roles: readonly string[];
  readonly deadline: number;
  /** A pause covers what it asks about: its clock stands still, and nobody may answer. */
  readonly isFrozen: boolean;
  readonly answers: readonly NotifiedAnswer[];
}

/** Something outside that it waited for as it ended, such as somebody's approval of its change. */
export interface NotifiedWait {
  readonly since: number;
  /** What was missing when that was asked last, in the code of whoever was asked; null where nobody was. */
  readonly missing: string | null;
}

export interface NotifiedAction {
  readonly id: string;
  readonly kind: string;
  readonly environment: string;
  readonly service: string;
  readonly resource: string | null;
  readonly agent: string;
  readonly agentKind: string;
  /** Who stands behind the proposer and never answers. */
  readonly person: string | null;
  readonly incident: string | null;
  readonly reversible: boolean;
  /** The kind of action that takes it back: by itself, and without asking again, where its checks fail. Null for none. */
  readonly undoneBy: string | null;
  /** What its plan puts at risk; null where nothing was found. */
  readonly findings: PlanFindings | null;
  readonly planHash: string | null;
  readonly proposedAt: number;
  /** After this event: `held`, `approved`, `denied`, `expired`, `cancelled`, `succeeded`, … */
  readonly status: string;
  readonly code: string | null;
  readonly verdicts: readonly Verdict[];
  readonly hold: NotifiedHold | null;
  /** Null for what did not wait for anything outside. */
  readonly awaited: NotifiedWait | null;
  /** Erasable texts of the proposal, null unless configured or once erased: why, and what would change. */
  readonly reason: string | null;
  readonly diff: string | null;
}

export interface NotifiedBrake {
  readonly id: string;
  readonly mode: "pause" | "dry-run";
  readonly scope: Readonly<Record<string, string>>;
}

/** What a failed revert closed; both names null when everything is closed. */
export interface NotifiedDomain {
  readonly environment: string | null;
  readonly service: string | null;
  /** The action that could not be taken back; null where the domain opens again. */
  readonly because: string | null;
}

/** Made of recorded facts as of one event. Instants are milliseconds since the epoch. */
export interface Notification {
  /** The same however often it is sent, and in every log another: `0f3a9c41d2e85b67_42`. */
  readonly id: string;
  readonly kind: NotificationKind;
  readonly time: number;
  readonly actor: string;
  readonly action: NotifiedAction | null;
  readonly brake: NotifiedBrake | null;
  readonly domain: NotifiedDomain | null;
  readonly ledger: {
    readonly origin: string;
    readonly seq: number;
    /** Where the API gives the event's receipt. */
    readonly receipt: string;
  };
}

/**
 * What became of telling. `refused`: this one is not taken, and sending it again would not help. `failed`: nobody can say
 * that it is there, so it comes again; `retryAfterMs` is what the receiver asked for.
 */
export type Told =
  | { readonly kind: "told"; readonly memo: string | null }
  | { readonly kind: "refused"; readonly code: string }
  | { readonly kind: "failed"; readonly code: string; readonly retryAfterMs: number | null };

/** One way to people. It may be given the same notification again, and gets them in ledger order. */
export interface Notifier {
  /** `memo` is what it wanted remembered with the last one that it told. Never throws for what the receiver did. */
  notify(notification: Notification, memo: string | null, signal: AbortSignal): Promise<Told>;
}
