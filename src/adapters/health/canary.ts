// A canary beside its baseline: is its share of bad requests higher by more than is tolerated?
//
// Each share has a confidence sequence: an interval that holds the true share at every look at once, however often one
// looks and whenever one stops (H. Robbins, "Statistical methods related to the law of the iterated logarithm", 1970).
// The sampling of a verification is such continuous looking, for which the usual tests are wrong too often.

import type { HealthAnswer } from "../../wire/contracts/health.ts";
import type { CanaryCheck, CountQueries } from "../../wire/types/health.ts";
import { unknown, type Get } from "./asking.ts";
import { queryAt } from "./prometheus.ts";
import type { Counts } from "./share-interval.ts";
import { judgeRise } from "./share-rise.ts";

type Asked = { readonly check: CanaryCheck; readonly sinceMs: number };

export async function askCanary({ check, sinceMs }: Asked, get: Get, signal: AbortSignal): Promise<HealthAnswer> {
  const seconds = Math.max(1, Math.ceil(sinceMs / 1_000));
  const count = async ({ bad, all }: CountQueries): Promise<Counts | string> => {
    const ask = (query: string) =>
      queryAt({ endpoint: check.endpoint, query: query.replaceAll("$window", `${seconds}s`) }, null, get, signal);
    const [some, total] = await Promise.all([ask(bad), ask(all)]);
    if (typeof some !== "number") return some.code;
    if (typeof total !== "number") return total.code;
    return some < 0 || total < 0 ? "no-value" : countsOf(some, total);
  };
  const [canary, baseline] = await Promise.all([count(check.canary), count(check.baseline)]);
  if (typeof canary === "string") return unknown(canary);
  if (typeof baseline === "string") return unknown(`baseline-${baseline}`);
  return judge(check, { canary, baseline });
}

/** Prometheus extrapolates: counts come as fractions, and more may seem bad than there were. */
function countsOf(bad: number, all: number): Counts {
  const whole = Math.round(all);
  return { bad: Math.min(Math.round(bad), whole), all: whole };
}

type Seen = { readonly canary: Counts; readonly baseline: Counts };

function judge({ maxRise, confidence }: CanaryCheck, { canary, baseline }: Seen): HealthAnswer {
  const { result, ...rise } = judgeRise({ one: canary, other: baseline }, { maxRise, confidence });
  return { result, evidence: { canary, baseline, ...rise, maxRise, confidence } };
}
