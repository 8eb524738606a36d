// Admission per caller: what one identity or source may ask for, so that nobody fills the log for free.

import { RecentMap } from "../core/recent-map.ts";

export type BucketTerms = {
  /** Tokens that may be used at once. */
  readonly burst: number;
  readonly perSecond: number;
};

const CALLERS_MAX = 10_000;

type Bucket = { tokens: number; atMs: number };

/** Token buckets by caller; the one unused for longest leaves when there are too many. */
export class TokenBuckets {
  readonly #terms: BucketTerms;
  readonly #buckets = new RecentMap<Bucket>(CALLERS_MAX);

  constructor(terms: BucketTerms) {
    this.#terms = terms;
  }

  /** Takes `count` tokens: 0 when they were there, else the seconds after which to ask again. */
  take(caller: string, count: number, nowMs: number): number {
    const { burst, perSecond } = this.#terms;
    const bucket = this.#buckets.get(caller) ?? this.#open(caller, nowMs);
    const gained = (Math.max(0, nowMs - bucket.atMs) / 1000) * perSecond;
    bucket.tokens = Math.min(burst, bucket.tokens + gained);
    bucket.atMs = nowMs;
    // More than fits at once passes when the bucket is full: it goes into debt and pays it back.
    if (bucket.tokens < Math.min(count, burst)) return Math.max(1, Math.ceil((count - bucket.tokens) / perSecond));
    bucket.tokens -= count;
    return 0;
  }

  #open(caller: string, nowMs: number): Bucket {
    const bucket = { tokens: this.#terms.burst, atMs: nowMs };
    this.#buckets.set(caller, bucket);
    return bucket;
  }
}
