// Who may send how much: token buckets by caller for writes, signals and token requests and sign-ins.

import { AppError } from "../core/errors.ts";
import { TokenBuckets, type BucketTerms } from "./token-bucket.ts";

export type AdmissionTerms = {
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

  constructor({ writes, signals, tokens, sessions }: AdmissionTerms) {
    this.#buckets = {
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
}
