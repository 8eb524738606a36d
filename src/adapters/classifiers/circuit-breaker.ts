// Leaves a provider alone that fails again and again, or that asked for time; then lets one call try.

import type { Clock } from "../../core/clock.ts";
import type { ModelConfig } from "../../wire/schemas/classifier-config.ts";

/**
 * Closed: calls pass, failures in a row are counted. Open after too many, until a time; then half open: one call passes,
 * and its end closes the circuit or opens it again. Beside that, nobody calls before a time that the provider named.
 */
export class CircuitBreaker {
  readonly #terms: ModelConfig["circuit"];
  readonly #clock: Clock;
  #failures = 0;
  /** Null while closed. */
  #openUntilMs: number | null = null;
  #heldUntilMs = -Infinity;
  #isTrying = false;

  constructor(terms: ModelConfig["circuit"], clock: Clock) {
    this.#terms = terms;
    this.#clock = clock;
  }

  /** Whether a call may start. Each that may must end in `succeeded`, `failed` or `ended`. */
  admit(): boolean {
    const now = this.#clock.monotonicMs();
    if (now < this.#heldUntilMs) return false;
    if (this.#openUntilMs === null) return true;
    if (this.#isTrying || now < this.#openUntilMs) return false;
    this.#isTrying = true;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openUntilMs = null;
    this.#isTrying = false;
  }

  /** `holdMs`: how long the provider asked to be left alone, 0 when it did not. */
  failed(holdMs: number): void {
    const now = this.#clock.monotonicMs();
    this.#heldUntilMs = Math.max(this.#heldUntilMs, now + holdMs);
    this.#failures++;
    if (this.#isTrying || this.#failures >= this.#terms.failures) this.#openUntilMs = now + this.#terms.openMs;
    this.#isTrying = false;
  }

  /** The call ended without a word about the provider. */
  ended(): void {
    this.#isTrying = false;
  }
}
