// Is a share of bad requests higher than another one by more than is tolerated? As certain as is asked for, at every look.

import type { HealthResult } from "../../wire/types/health.ts";
import { shareInterval, type Counts } from "./share-interval.ts";

export type Rise = { readonly riseMin: number; readonly riseMax: number };

/**
 * The error is shared between the two: both intervals hold at every look with the confidence that is asked for. Where one
 * had no requests nobody can tell: beside a share that is bad enough already, no share at all would be no rise.
 */
export function judgeRise(
  { one, other }: { readonly one: Counts; readonly other: Counts },
  { maxRise, confidence }: { readonly maxRise: number; readonly confidence: number },
): Rise & { readonly result: HealthResult } {
  const errorEach = (1 - confidence) / 2;
  const [higher, lower] = [shareInterval(one, errorEach), shareInterval(other, errorEach)];
  const riseMin = higher.low - lower.high;
  const riseMax = higher.high - lower.low;
  const isEmpty = one.all === 0 || other.all === 0;
  const result = isEmpty ? "unknown" : riseMax <= maxRise ? "pass" : riseMin > maxRise ? "fail" : "unknown";
  return { riseMin: rounded(riseMin), riseMax: rounded(riseMax), result };
}

function rounded(share: number): number {
  return Math.round(share * 1e6) / 1e6;
}
