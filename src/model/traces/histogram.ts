// Durations counted in buckets four to an octave: a quantile is right within a tenth.

const PER_OCTAVE = 4;
const OCTAVES = 30; // up to eighteen minutes in microseconds
const BUCKETS = PER_OCTAVE * OCTAVES;
/** Beginnings of the quarters of an octave: the fourth roots of two, to twelve digits. */
const QUARTERS = [1, 1.189207115, 1.414213562373, 1.681792830507] as const;

export type Histogram = Uint32Array;

export function newHistogram(): Histogram {
  return new Uint32Array(BUCKETS);
}

export function countDuration(histogram: Histogram, durationUs: number): void {
  countDurations(histogram, durationUs, 1);
}

/** So many of one duration. */
export function countDurations(histogram: Histogram, durationUs: number, count: number): void {
  const bucket = bucketOf(durationUs);
  histogram[bucket] = (histogram[bucket] as number) + count;
}

function bucketOf(durationUs: number): number {
  const whole = Math.min(Math.max(1, Math.floor(durationUs)), 2 ** OCTAVES - 1);
  const octave = 31 - Math.clz32(whole);
  const part = durationUs < 1 ? 1 : Math.min(durationUs, 2 ** OCTAVES) / 2 ** octave;
  let quarter = PER_OCTAVE - 1;
  while (quarter > 0 && part < (QUARTERS[quarter] as number)) quarter--;
  return octave * PER_OCTAVE + quarter;
}

export function addHistogram(into: Histogram, other: Histogram): void {
  for (let i = 0; i < BUCKETS; i++) into[i] = (into[i] as number) + (other[i] as number);
}

/** The middle of the bucket in which the quantile lies, in milliseconds; 0 for none counted. */
export function quantileMs(histogram: Histogram, quantile: number): number {
  let total = 0;
  for (let i = 0; i < BUCKETS; i++) total += histogram[i] as number;
  if (total === 0) return 0;
  let left = Math.ceil(total * quantile);
  for (let i = 0; i < BUCKETS; i++) {
    left -= histogram[i] as number;
    if (left <= 0) return middleUs(i) / 1000;
  }
  return middleUs(BUCKETS - 1) / 1000;
}

function middleUs(bucket: number): number {
  const quarter = bucket % PER_OCTAVE;
  const octave = 2 ** Math.floor(bucket / PER_OCTAVE);
  const next = quarter === PER_OCTAVE - 1 ? 2 : (QUARTERS[quarter + 1] as number);
  return (octave * ((QUARTERS[quarter] as number) + next)) / 2;
}
