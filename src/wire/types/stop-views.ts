// What brakes found, as documents show it.

/** What a brake found of an action, and how that ended. */
export interface StopView {
  readonly brake: string;
  readonly was: "in-flight" | "waiting";
  /** As in StopFact; null while nobody knows, and for what did not run. */
  readonly end: "stopped" | "finished" | "partial" | "unconfirmed" | null;
  readonly afterMs: number | null;
  readonly clock: "monotonic" | "ledger" | null;
}
