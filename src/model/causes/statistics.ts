// Robust statistics of small samples: what a few wild values cannot move.

/** The finite numbers of a sample, ascending. */
export function sortedOf(values: readonly (number | null | undefined)[]): Float64Array {
  const sorted = new Float64Array(values.length);
  let count = 0;
  for (const value of values) if (typeof value === "number" && Number.isFinite(value)) sorted[count++] = value;
  // Without a function that compares, numbers are sorted as numbers, and fast.
  return sorted.subarray(0, count).sort();
}

/** The value below which this share of an ascending sample lies; NaN for none. */
export function quantileOf(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** Whether `quantileOf` of the sample is at least `level`, without bringing it in order: false for none. */
export function reachesAt(values: readonly (number | null | undefined)[], share: number, level: number): boolean {
  let [count, above] = [0, 0];
  for (const value of values) {
    if (typeof value !== "number" || !Number.isFinite(value)) continue;
    count += 1;
    if (value >= level) above += 1;
  }
  return above > 0 && above >= count - Math.min(count - 1, Math.floor(share * count));
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

/** The upper end of the usual range. */
export const USUAL_TOP = 0.95;
/** A twentieth of the level is the least spread: below it a movement means nothing, however quiet the series was. */
const LEVEL_SHARE = 0.05;

export function usualOf(values: readonly (number | null | undefined)[], spreadMin = 0): Usual | null {
  const sorted = sortedOf(values);
  if (sorted.length === 0) return null;
  const median = quantileOf(sorted, 0.5);
  const reach = quantileOf(sorted, USUAL_TOP) - median;
  const spread = Math.max(reach, Math.abs(median) * LEVEL_SHARE, spreadMin);
  return { median, spread: spread > 0 ? spread : Number.MIN_VALUE, count: sorted.length };
}
