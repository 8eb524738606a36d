// Writes that may still take effect: a call whose end nobody saw can be at work at the target for a while.

import type { Clock } from "../../core/clock.ts";

const WRITES_MAX = 10_000;

/**
 * Tells how long a look-up cannot prove that a write never happened: until `settleMs` after the last moment at which it
 * may have been sent. A process that started anew knows nothing of its predecessor's writes, so at first it trusts no
 * absence at all. Single writer: nobody else sends these.
 */
export class UnsettledWrites {
  readonly #clock: Clock;
  readonly #settleMs: number;
  readonly #lastSentMs = new Map<string, number>();
  /** No write that is not in the map can have been sent after this. */
  #floorMs: number;

  constructor({ clock, settleMs }: { clock: Clock; settleMs: number }) {
    this.#clock = clock;
    this.#settleMs = settleMs;
    this.#floorMs = clock.monotonicMs();
  }

  /** The write under `key` may have been sent up to now: called before it is sent, and again when nobody saw its end. */
  open(key: string): void {
    this.#lastSentMs.delete(key);
    this.#lastSentMs.set(key, this.#clock.monotonicMs());
    const [oldest] = this.#lastSentMs;
    if (this.#lastSentMs.size <= WRITES_MAX || oldest === undefined) return;
    this.#lastSentMs.delete(oldest[0]);
    this.#floorMs = Math.max(this.#floorMs, oldest[1]);
  }

  /** The write ended for certain. */
  settle(key: string): void {
    this.#lastSentMs.delete(key);
  }

  /** True while an earlier call of this process under `key` may still take effect. */
  isOpen(key: string): boolean {
    const sentMs = this.#lastSentMs.get(key);
    return sentMs !== undefined && this.#remainingSince(sentMs) > 0;
  }

  /** Milliseconds until a look-up under `key` can prove absence; 0 when it can. */
  remainingMs(key: string): number {
    return this.#remainingSince(this.#lastSentMs.get(key) ?? this.#floorMs);
  }

  #remainingSince(sentMs: number): number {
    return Math.max(0, sentMs + this.#settleMs - this.#clock.monotonicMs());
  }
}
