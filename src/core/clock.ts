// Time as a dependency: pure code receives instants, edges receive a Clock.

export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch, an integer. */
  nowMs(): number;
  /** Monotonic clock, milliseconds from an arbitrary origin; never runs backwards. */
  monotonicMs(): number;
}
