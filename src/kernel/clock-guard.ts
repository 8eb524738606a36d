// Stamps for events: small clock steps never stop anything, large ones never slip in.

import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";

/** A wall clock further behind the ledger than this means that this machine must not write. */
const BEHIND_MAX_MS = 5_000;
/** A forward jump of the wall clock against the monotonic one beyond this waits for a person. */
const JUMP_MAX_MS = 60_000;

export class ClockGuard {
  readonly #clock: Clock;
  /** The furthest that the wall clock has been ahead of the monotonic one: coming back to it is no jump. */
  #aheadMs: number;
  #suspect = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#aheadMs = clock.nowMs() - clock.monotonicMs();
  }

  /**
   * The instant for the next event: the later of the wall clock and `lastEventMs`. Throws `clock-behind` when the wall
   * clock is over 5 s behind the log, and `clock-suspect` after a forward jump of over 60 s, until `confirm`.
   */
  stamp(lastEventMs: number): number {
    const wallMs = this.#clock.nowMs();
    const aheadMs = wallMs - this.#clock.monotonicMs();
    if (aheadMs - this.#aheadMs > JUMP_MAX_MS) this.#suspect = true;
    if (this.#suspect) throw new AppError("clock-suspect", "the wall clock jumped forward; confirm it to go on");
    this.#aheadMs = Math.max(this.#aheadMs, aheadMs);
    if (wallMs < lastEventMs - BEHIND_MAX_MS) {
      throw new AppError("clock-behind", "the wall clock is behind the ledger", { behindMs: lastEventMs - wallMs });
    }
    return wallMs > lastEventMs ? wallMs : lastEventMs;
  }

  get suspect(): boolean {
    return this.#suspect;
  }

  /** A person says that the clock is right. */
  confirm(): void {
    this.#suspect = false;
    this.#aheadMs = this.#clock.nowMs() - this.#clock.monotonicMs();
  }
}
