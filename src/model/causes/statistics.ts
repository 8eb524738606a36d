// Robust statistics of small samples: what a few wild values cannot move.

/** The finite numbers of a sample, ascending. */
export function sortedOf(values: readonly (number | null | undefined)[]): number[] {
  return values
    .filter((value): value is number => typeof value === "number" && Number.isFinite(value))
    .toSorted((a, b) => a - b);
}

/** The value below which this share of an ascending sample lies; NaN for none. */
export function quantileOf(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function medianOf(values: readonly (number | null | undefined)[]): number {
  return quantileOf(sortedOf(values), 0.5);
}

/** Median and upper range of a sample: `spread` is how far above the median its usual values reach. */
export interface Usual {
  median: number;
  spread: number;
  count: number;
}

/** A twentieth of the level is the least spread: below it a movement means nothing, however quiet the series was. */
const LEVEL_SHARE = 0.05;

export function usualOf(values: readonly (number | null | undefined)[], spreadMin = 0): Usual | null {
  const sorted = sortedOf(values);
  if (sorted.length === 0) return null;
  const median = quantileOf(sorted, 0.5);
  const reach = quantileOf(sorted, 0.95) - median;
  const spread = Math.max(reach, Math.abs(median) * LEVEL_SHARE, spreadMin);
  return { median, spread: spread > 0 ? spread : Number.MIN_VALUE, count: sorted.length };
}
