// Verdicts, decisions and the facts that policy reads.

export type VerdictKind = "pass" | "hold" | "refuse";
export type DecisionKind = "allow" | "hold" | "refuse";

export interface Verdict {
  /** `policy/rule` or `policy/rule#gate`. */
  readonly gate: string;
  readonly verdict: VerdictKind;
  /** A code a machine can read: `rate-limited`, `duplicate`, `condition-error`, `no-rule`. */
  readonly code: string;
  /** Numbers and ids only; no free text. */
  readonly evidence: Readonly<Record<string, string | number | boolean>>;
}

/** How much a granted action does, and on what. */
export type ReservedImpact = {
  readonly size: number;
  readonly target: string;
  /** Where neighbourhoods are told apart: the target's node in the runtime model. Absent: it is in every one of them. */
  readonly node?: string;
  /** Where shares are counted: of the traffic from outside, in millionths. */
  readonly share?: number;
};

/** A counter to take from when the action is granted: reserved at grant, exact. */
export interface Reservation {
  /** Which limit, over which key: `pager/confident-and-serious#0|service=cart`. */
  readonly counter: string;
  readonly windowMs: number;
  readonly max: number;
  /** Of a counter that adds up impact. */
  readonly impact?: ReservedImpact;
}

export interface Evaluation {
  readonly decision: DecisionKind;
  readonly verdicts: readonly Verdict[];
  /** Route to hold on; set when the decision is hold. */
  readonly route: string | null;
  /** Where people would be asked were it not allowed: the first route of what allows it, null when it names none. */
  readonly draftRoute: string | null;
  /** Present when the refusal is a duplicate: the action is suppressed, not refused. */
  readonly duplicateOf: string | null;
  /** Of every limit that counts the action, also where a hold stands for one without room; empty when refused. */
  readonly reservations: readonly Reservation[];
  /** Keys of duplicate gates that passed: marked when the action is granted, read by CounterReader.lastPassed. */
  readonly duplicateKeys: readonly string[];
  /** The least level that an agent must have to do it alone, of every rule that spoke; 0 where none says. */
  readonly minimumLevel: number;
  readonly bundleHash: string;
  /** What would have to be asked for first: the decision is the one without it. Absent where nothing is missing. */
  readonly awaits?: "prediction";
  /** What is in the way of it for now, and for how long it waits for that; absent where nothing is. */
  readonly waits?: { readonly forMs: number; readonly behind: readonly string[] };
}
