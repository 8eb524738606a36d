// How much more, or less, something failed than before, with what chance makes of so many requests.

import type { Count } from "./entry-windows.ts";
import { squareRoot } from "./interval.ts";

/** On either side; of fewer nothing is said. */
export const REQUESTS_MIN = 50;
/** Standard deviations that are hardly ever chance. */
const SURE = 3;

export interface Pair {
  readonly before: Count;
  readonly after: Count;
}

export interface Difference {
  readonly mid: number;
  readonly variance: number;
}

export type CountsBySubject = ReadonlyMap<number, Count>;

const NONE: Count = { count: 0, failed: 0 };

export function pairOf(
  subject: number,
  { before, after }: { readonly before: CountsBySubject; readonly after: CountsBySubject },
): Pair {
  return { before: before.get(subject) ?? NONE, after: after.get(subject) ?? NONE };
}

export function isThin({ before, after }: Pair): boolean {
  return before.count < REQUESTS_MIN || after.count < REQUESTS_MIN;
}

export function pooled(pairs: readonly Pair[]): Pair {
  const sum = (a: Count, b: Count): Count => ({ count: a.count + b.count, failed: a.failed + b.failed });
  return pairs.reduce((all, one) => ({ before: sum(all.before, one.before), after: sum(all.after, one.after) }), {
    before: NONE,
    after: NONE,
  });
}

/** How much larger the part that failed became; one half more failure and success each, so that nothing is ever certain. */
export function differenceOf({ before, after }: Pair): Difference {
  const part = ({ count, failed }: Count): number => (failed + 0.5) / (count + 1);
  const variance = (of: Count): number => (part(of) * (1 - part(of))) / (of.count + 1);
  const mid = after.failed / Math.max(1, after.count) - before.failed / Math.max(1, before.count);
  return { mid, variance: variance(before) + variance(after) };
}

/** How far from its middle it may be by chance: that of both. */
export function reachOf(one: Difference, other: Difference = { mid: 0, variance: 0 }): number {
  return SURE * squareRoot(one.variance + other.variance);
}
