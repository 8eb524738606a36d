// Movements: how far each series of a node has left its usual range, in the direction that hurts.

import { doublingsOf } from "../../core/doublings.ts";
import type { Measure, Series } from "./input.ts";
import { quantileOf, reachesAt, sortedOf, USUAL_TOP, usualOf } from "./statistics.ts";

export interface Movement {
  node: string;
  measure: Measure;
  /** Doublings of the usual range that it stands above the usual level: 0 inside the range, 1 at its edge, 5 at 31 times. */
  strength: number;
  /** What it adds for callers: excess times requests, comparable between nodes of one measure; 0 where that is unknown. */
  load: number;
  evidence: string;
}

/** Samples that count as now: their median, or where samples are few and traffic is known, the worst of them. */
const FEW_SAMPLES = 8;

/** Errors are a share of all requests: half a percent more or less of them is never a fault by itself. */
const ERROR_SHARE_MIN = 0.005;

/** The movement of one series; null while it is inside its usual range. */
function findMovement(series: Series): Movement | null {
  const now = sortedOf(series.now);
  if (now.length === 0) return null;
  const isFew = series.requests !== undefined && now.length < FEW_SAMPLES;
  const level = isFew ? (now.at(-1) ?? Number.NaN) : quantileOf(now, 0.5);
  // Most stays within the usual range, which is cheaper to see than what that range is.
  if (reachesAt(series.usual, USUAL_TOP, level)) return null;
  const usual = usualOf(series.usual, series.measure === "errors" ? ERROR_SHARE_MIN : 0);
  if (!usual) return null;
  const ranges = (level - usual.median) / usual.spread;
  if (!(ranges > 1)) return null;
  return {
    node: series.node,
    measure: series.measure,
    strength: doublingsOf(1 + ranges),
    load: loadOf(series, usual.median),
    evidence: `${series.name} of ${series.node}: usually ${round(usual.median)}, now ${round(level)}`,
  };
}

function loadOf({ now, requests }: Series, median: number): number {
  if (!requests) return 0;
  return now.reduce<number>(
    (sum, value, index) => sum + Math.max(0, (value ?? median) - median) * (requests[index] ?? 0),
    0,
  );
}

export function findMovements(series: readonly Series[]): Movement[] {
  return series.flatMap((one) => findMovement(one) ?? []);
}

function round(value: number): string {
  return String(Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 1000) / 1000);
}
