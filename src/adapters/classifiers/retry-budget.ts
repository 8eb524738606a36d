// Retries of all calls to one model share a budget over time: an outage is not answered with twice the load.

import type { Clock } from "../../core/clock.ts";
import type { ModelConfig } from "../../wire/schemas/classifier-config.ts";

export class RetryBudget {
  readonly #terms: ModelConfig["retries"];
  readonly #clock: Clock;
  #left: number;
  #countedAtMs: number;

  /** Starts full. */
  constructor(terms: ModelConfig["retries"], clock: Clock) {
    this.#terms = terms;
    this.#clock = clock;
    this.#left = terms.burst;
    this.#countedAtMs = clock.monotonicMs();
  }

  /** Takes one retry; false when there is none left. */
  take(): boolean {
    const now = this.#clock.monotonicMs();
    const earned = ((now - this.#countedAtMs) / 60_000) * this.#terms.perMinute;
    this.#left = Math.min(this.#terms.burst, this.#left + earned);
    this.#countedAtMs = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
