// The binary logarithm, the same to the last bit on every machine: the standard leaves that of Math.log2 open.

const FRACTION_BITS = 20;

/** How many times 1 must be doubled to give this ratio: 0 for 1, 3 for 8, -1 for 0.5. Exact to about a millionth. */
export function doublingsOf(ratio: number): number {
  if (!(ratio > 0)) return Number.NEGATIVE_INFINITY;
  if (ratio === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
  let whole = 0;
  let rest = ratio;
  while (rest >= 2) {
    rest /= 2;
    whole += 1;
  }
  while (rest < 1) {
    rest *= 2;
    whole -= 1;
  }
  // Squaring doubles the logarithm, so each turn brings out one more binary digit.
  let fraction = 0;
  for (let bit = 0.5, turn = 0; turn < FRACTION_BITS; turn += 1, bit /= 2) {
    rest *= rest;
    if (rest < 2) continue;
    rest /= 2;
    fraction += bit;
  }
  return whole + fraction;
}
