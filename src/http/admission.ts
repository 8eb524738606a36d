// Who may ask for how much: token buckets by caller for reads, writes, signals, token requests and sign-ins.

import { setImmediate } from "node:timers/promises";
import { AppError } from "../core/errors.ts";
import { TokenBuckets, type BucketTerms } from "./token-bucket.ts";

export type AdmissionTerms = {
  /** Reads of one identity; a long page counts as several. */
  readonly reads: BucketTerms;
  /** Proposals and other writes of one identity. */
  readonly writes: BucketTerms;
  /** Alerts of one source. */
  readonly signals: BucketTerms;
  /** Token requests of one remote address for one client; those that name no registered client share one bucket. */
  readonly tokens: BucketTerms;
  /** Sessions that one person opens. */
  readonly sessions: BucketTerms;
};

type Ask = {
  readonly caller: string;
  readonly kind: keyof AdmissionTerms;
  readonly count: number;
  readonly nowMs: number;
};

export class Admission {
  readonly #buckets: Record<keyof AdmissionTerms, TokenBuckets>;
  /** The last turn that each caller waits for. */
  readonly #turns = new Map<string, Promise<void>>();

  constructor({ reads, writes, signals, tokens, sessions }: AdmissionTerms) {
    this.#buckets = {
      reads: new TokenBuckets(reads),
      writes: new TokenBuckets(writes),
      signals: new TokenBuckets(signals),
      tokens: new TokenBuckets(tokens),
      sessions: new TokenBuckets(sessions),
    };
  }

  /** Throws `rate-limited` with the seconds to wait; for signals `overloaded`, which senders retry. */
  admit(ask: Ask): void {
    const retryAfterS = this.#buckets[ask.kind].take(ask.caller, ask.count, ask.nowMs);
    if (retryAfterS === 0) return;
    // Alertmanager retries 5xx answers only: a 429 would lose the alert.
    const code = ask.kind === "signals" ? "overloaded" : "rate-limited";
    throw new AppError(code, `ask again in ${retryAfterS} s`, { retryAfterS });
  }

  /** Of all that one caller asks for at once, one begins in each turn of the thread; between two everybody else has theirs. */
  async turnOf(caller: string): Promise<void> {
    const turn = (this.#turns.get(caller) ?? Promise.resolve()).then(() => setImmediate());
    this.#turns.set(caller, turn);
    await turn;
    if (this.#turns.get(caller) === turn) this.#turns.delete(caller);
  }
}
