// Numbers that are known within bounds: how sure a measured part of one is, and how bounds go on along a path.

import type { PartInterval } from "../../wire/types/prediction.ts";

/** `low` and `high` hold nine times in ten; `mid` is what is expected. */
export interface Interval {
  readonly low: number;
  readonly mid: number;
  readonly high: number;
}

export const NEVER: Interval = { low: 0, mid: 0, high: 0 };

/** Of the normal distribution, for nine in ten. */
const Z = 1.6448536;
const ROUNDS = 4;
/** What is believed before anything was seen counts as much as so many observations. */
const PRIOR_WEIGHT = 2;

/**
 * The part of `of` that `part` stands for, with Wilson's score interval (Wilson 1927); `expected` is what other measured
 * things of the kind did. Nothing seen says nothing: from 0 to 1.
 */
export function measuredPart(part: number, of: number, expected: number): Interval {
  if (of <= 0) return { low: 0, mid: expected, high: 1 };
  const ratio = part / of;
  const z2 = Z * Z;
  const middle = (ratio + z2 / (2 * of)) / (1 + z2 / of);
  const reach = (Z / (1 + z2 / of)) * squareRoot((ratio * (1 - ratio)) / of + z2 / (4 * of * of));
  const low = Math.max(0, middle - reach);
  const high = Math.min(1, middle + reach);
  const mid = (part + PRIOR_WEIGHT * expected) / (of + PRIOR_WEIGHT);
  return { low, mid: Math.min(high, Math.max(low, mid)), high };
}

/** Newton's method in plain arithmetic from a near beginning, so that every machine gives the same digits. */
export function squareRoot(value: number): number {
  if (!(value > 0)) return 0;
  let scale = 1;
  let rest = value;
  // Into the part of the numbers in which a few rounds are enough.
  for (; rest < 0.25; rest *= 4) scale /= 2;
  for (; rest > 1; rest /= 4) scale *= 2;
  let root = 0.3333333 + 0.6666667 * rest;
  for (let round = 0; round < ROUNDS; round++) root = (root + rest / root) / 2;
  return root * scale;
}

/**
 * Of two that were measured apart from each other: what is not known of both adds up as errors do, by squares, and never
 * beyond both ends together.
 */
export function product(a: Interval, b: Interval): Interval {
  const mid = a.mid * b.mid;
  const down = together(b.mid * (a.mid - a.low), a.mid * (b.mid - b.low));
  const up = together(b.mid * (a.high - a.mid), a.mid * (b.high - b.mid));
  return { low: Math.max(a.low * b.low, mid - down), mid, high: Math.min(a.high * b.high, mid + up) };
}

/** Either of two, taken as independent. */
export function either(a: Interval, b: Interval): Interval {
  return opposite(product(opposite(a), opposite(b)));
}

function opposite({ low, mid, high }: Interval): Interval {
  return { low: 1 - high, mid: 1 - mid, high: 1 - low };
}

/** The sum of parts, each with its weight. */
export function weighted(parts: readonly { readonly part: Interval; readonly weight: number }[]): Interval {
  let [mid, down, up] = [0, 0, 0];
  for (const { part, weight } of parts) {
    mid += part.mid * weight;
    down = together(down, (part.mid - part.low) * weight);
    up = together(up, (part.high - part.mid) * weight);
  }
  return { low: Math.max(0, mid - down), mid: Math.min(1, mid), high: Math.min(1, mid + up) };
}

function together(a: number, b: number): number {
  return squareRoot(a * a + b * b);
}

const MILLION = 1_000_000;

/** Outwards, so that rounding never makes a bound look safer than it is. */
export function inMillionths({ low, mid, high }: Interval): PartInterval {
  return {
    low: Math.floor(low * MILLION),
    mid: Math.round(mid * MILLION),
    high: Math.min(MILLION, Math.ceil(high * MILLION)),
  };
}

/** An interval as walks carry it: what is not known below and above, in squares, which add up without roots. */
export interface Spread {
  readonly mid: number;
  readonly down2: number;
  readonly up2: number;
}

export function spreadOf({ low, mid, high }: Interval): Spread {
  return { mid, down2: (mid - low) * (mid - low), up2: (high - mid) * (high - mid) };
}

export function intervalOf({ mid, down2, up2 }: Spread): Interval {
  return { low: Math.max(0, mid - squareRoot(down2)), mid, high: Math.min(1, mid + squareRoot(up2)) };
}

export function rounded({ low, mid, high }: Interval): Interval {
  const digits = (value: number): number => Math.round(value * 1e6) / 1e6;
  return { low: digits(low), mid: digits(mid), high: digits(high) };
}
