// Time as a dependency: pure code receives instants, edges receive a Clock.

export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch, an integer. */
  nowMs(): number;
  /** Monotonic clock, milliseconds from an arbitrary origin; never runs backwards. */
  monotonicMs(): number;
}

/** Timers as a dependency, so that a simulation can own them. */
export interface Timers {
  /** Calls `task` once after at least `delayMs`; returns its cancellation. */
  after(delayMs: number, task: () => void): () => void;
}
