// What is remembered of a node or an edge from window to window, and when that is worth a record.

import type { Measured } from "../../wire/types/model-views.ts";
import { addHistogram, newHistogram, quantileMs, type Histogram } from "./histogram.ts";
import type { Sample } from "./samples.ts";

/** Counts over one window, or over many. */
export class Counts {
  count = 0;
  hits = 0;
  /** What shares are parts of. */
  base = 0;
  failed = 0;
  seconds = 0;
  durations: Histogram | null = null;

  static of({ count, hits, failed, durations }: Sample, base: number, seconds: number): Counts {
    return Object.assign(new Counts(), { count, hits, failed, durations, base, seconds });
  }

  add(other: Counts): void {
    this.count += other.count;
    this.hits += other.hits;
    this.base += other.base;
    this.failed += other.failed;
    this.seconds += other.seconds;
    if (other.durations === null) return;
    this.durations ??= newHistogram();
    addHistogram(this.durations, other.durations);
  }

  /** So that what is new counts for more than what is old. */
  halve(): void {
    for (const name of ["count", "hits", "base", "failed", "seconds"] as const) this[name] /= 2;
    if (this.durations !== null) for (const [i, count] of this.durations.entries()) this.durations[i] = count / 2;
  }

  measured(): Omit<Measured, "failures" | "spread"> {
    return {
      perSecond: round(this.count / Math.max(1, this.seconds)),
      share: round(this.base === 0 ? 0 : this.hits / this.base),
      errorRatio: round(this.count === 0 ? 0 : this.failed / this.count),
      p50Ms: round(this.durations === null ? 0 : quantileMs(this.durations, 0.5)),
      p95Ms: round(this.durations === null ? 0 : quantileMs(this.durations, 0.95)),
    };
  }
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}

/** Four standard deviations: among hundreds of thousands of comparisons a day few are moved by chance. */
const SIGMAS_SQUARED = 16;
const SHARE_NOTABLE = 0.05;
const ERRORS_NOTABLE = 0.01;
const SLOWER_NOTABLE = 1.5;
const RATE_NOTABLE = 2;
const COUNT_NOTABLE = 50;
/** So many times more seen than the record was made of: what is known better is said better. */
const REFINE_FACTOR = 1.25;
const REFINED = 0.02;
const DAY_S = 86_400;

/** The record that a version holds, with how much it was made of. */
type Recorded = Measured & { readonly base: number; readonly count: number };

export class Track {
  isPresent = false;
  /** Seconds since 1970: the end of the last window that showed it. */
  lastS: number;
  /** The same in seconds in which telemetry came at all. */
  lastFlowS: number;
  longestGapS = 0;
  failures = 0;
  spread = 0;
  #recorded: Recorded | null = null;
  #total = new Counts();

  constructor(lastS: number, lastFlowS: number) {
    this.lastS = lastS;
    this.lastFlowS = lastFlowS;
  }

  /** One that a version shows, from before this process. */
  static resumed(measured: Measured, lastS: number): Track {
    const track = new Track(lastS, 0);
    track.isPresent = true;
    track.failures = measured.failures;
    track.spread = measured.spread;
    track.#recorded = { ...measured, base: COUNT_NOTABLE, count: COUNT_NOTABLE };
    return track;
  }

  /** What to record after one more window; null where it shows nothing that is not recorded. */
  take(window: Counts): Measured | null {
    const { failures, spread } = this;
    this.#total.add(window);
    if (this.#total.seconds > DAY_S) this.#total.halve();
    const before = this.#recorded;
    if (before === null || !this.isPresent || isAbrupt(window, before)) {
      this.#total = new Counts();
      this.#total.add(window);
      return this.#record(window.measured(), window);
    }
    const total = this.#total.measured();
    const isMore = this.#total.count >= REFINE_FACTOR * before.count;
    const hasFailures = failures >= before.failures * 1.5 + 3;
    if (!hasFailures && !isDrifted(this.#total, before) && !(isMore && isFiner(total, before))) return null;
    return { ...this.#record(total, this.#total), failures, spread };
  }

  #record(measured: Omit<Measured, "failures" | "spread">, { base, count }: Counts): Measured {
    const recorded = { ...measured, failures: this.failures, spread: this.spread };
    this.#recorded = { ...recorded, base, count };
    return recorded;
  }
}

/** One window that shows something else than what is recorded. */
function isAbrupt(window: Counts, before: Recorded): boolean {
  if (isMoved(window, before)) return true;
  if (window.count < COUNT_NOTABLE) return false;
  const { perSecond, p50Ms, p95Ms } = window.measured();
  const isBeyond = (a: number, b: number, factor: number): boolean => Math.max(a, b) > Math.min(a, b) * factor;
  return (
    isBeyond(perSecond, before.perSecond, RATE_NOTABLE) ||
    isBeyond(p50Ms, before.p50Ms, SLOWER_NOTABLE) ||
    isBeyond(p95Ms, before.p95Ms, 2 * SLOWER_NOTABLE)
  );
}

/** Many windows together that do. */
function isDrifted(total: Counts, before: Recorded): boolean {
  return isMoved(total, before);
}

/** Whether share or errors differ by more than chance makes them, and by enough to be told. */
function isMoved(counts: Counts, before: Recorded): boolean {
  const { share, errorRatio } = counts.measured();
  const shareVariance = variance(share, counts.base) + variance(before.share, before.base);
  if (isApart(share, before.share, { variance: shareVariance, atLeast: SHARE_NOTABLE * before.share })) return true;
  const errorVariance = variance(errorRatio, counts.count) + variance(before.errorRatio, before.count);
  return isApart(errorRatio, before.errorRatio, { variance: errorVariance, atLeast: ERRORS_NOTABLE });
}

/** As of counts that vary as Poisson's do; of nothing seen as of one. */
function variance(ratio: number, base: number): number {
  const of = Math.max(1, base);
  return (ratio + 1 / of) / of;
}

function isApart(a: number, b: number, by: { variance: number; atLeast: number }): boolean {
  const apart = Math.abs(a - b);
  return apart > by.atLeast && apart * apart > SIGMAS_SQUARED * by.variance;
}

function isFiner(total: Omit<Measured, "failures" | "spread">, before: Recorded): boolean {
  const isOff = (name: "share" | "perSecond" | "errorRatio"): boolean =>
    Math.abs(total[name] - before[name]) > REFINED * Math.max(total[name], before[name]);
  return isOff("share") || isOff("perSecond") || isOff("errorRatio") || total.p50Ms !== before.p50Ms;
}
