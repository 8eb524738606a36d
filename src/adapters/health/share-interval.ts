// A confidence sequence for a share: valid at every look at once.

export type Counts = { readonly bad: number; readonly all: number };

export type Interval = { readonly low: number; readonly high: number };

/**
 * Every share p at which Robbins' mixture, with a uniform prior, has not reached 1/error:
 * B(bad+1, good+1) / (p^bad (1-p)^good) < 1/error. Over all sample sizes together the true share leaves it with
 * probability `error` at most (Ville's inequality). Requests count as independent.
 */
export function shareInterval({ bad, all }: Counts, error: number): Interval {
  if (all === 0) return { low: 0, high: 1 };
  const good = all - bad;
  const mixture = lnGamma(bad + 1) + lnGamma(good + 1) - lnGamma(all + 2);
  const limit = mixture + Math.log(error);
  /** Within while the likelihood is above the limit; highest at the share that was seen, and falling to both sides. */
  const isWithin = (p: number): boolean => lnPower(p, bad) + lnPower(1 - p, good) > limit;
  const seen = bad / all;
  return {
    low: isWithin(0) ? 0 : border(isWithin, { inside: seen, outside: 0 }),
    high: isWithin(1) ? 1 : border(isWithin, { inside: seen, outside: 1 }),
  };
}

/** ln(p^n), where 0^0 is 1. */
function lnPower(p: number, n: number): number {
  return n === 0 ? 0 : n * Math.log(p);
}

const HALVINGS = 60;

/** On the far side of the border, by less than can be told. */
function border(isWithin: (p: number) => boolean, between: { inside: number; outside: number }): number {
  let { inside, outside } = between;
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (inside + outside) / 2;
    if (isWithin(middle)) inside = middle;
    else outside = middle;
  }
  return outside;
}

/** Stirling's series, from 8 on good to 1e-12; below, by recurrence. */
function lnGamma(x: number): number {
  if (x < 8) return lnGamma(x + 1) - Math.log(x);
  const series = 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5) - 1 / (1680 * x ** 7);
  return (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + series;
}
