// How somebody decides: how fast, how often yes, how many at once; and whether that looks like rubber-stamping.

import type { Behaviour, Burst, StampReason, TakenDecision } from "../wire/types/approver-views.ts";

/** The latest decisions of one person that are looked at. */
export const MEASURED_MAX = 100;

/** Fewer say nothing about whether somebody reads before they approve. */
const JUDGED_MIN = 10;
const HASTY_MEDIAN_MS = 10_000;
const HURRIED_MS = 5_000;
const BURST_APPROVALS = 5;
const BURST_WITHIN_MS = 10 * 60_000;
/** How long a burst counts, before the newest decision: a measure of recorded times has no other now. */
const BURST_COUNTS_MS = 24 * 60 * 60_000;

/** `decisions` are of one person in the order of their times, at least one and at most `MEASURED_MAX`. */
export function measureBehaviour(decisions: readonly TakenDecision[]): Behaviour {
  const approvals = decisions.filter(({ decision }) => decision === "approve");
  const waits = decisions.map(({ afterMs }) => afterMs).sort((a, b) => a - b);
  const bursts = findBursts(approvals.map(({ at }) => at));
  const measured = {
    measured: decisions.length,
    approvalRate: approvals.length / decisions.length,
    medianMs: medianOf(waits),
    fastestMs: waits[0] ?? 0,
    hurried: waits.filter((afterMs) => afterMs < HURRIED_MS).length,
    bursts: bursts.length,
    lastBurst: bursts.at(-1) ?? null,
  };
  const reasons = reasonsOf(measured, decisions.at(-1)?.at ?? 0);
  return { ...measured, status: reasons.length === 0 ? "clear" : "flagged", reasons };
}

function reasonsOf(
  { measured, approvalRate, medianMs, lastBurst }: Omit<Behaviour, "status" | "reasons">,
  newestAt: number,
): readonly StampReason[] {
  const reasons: StampReason[] = [];
  if (measured >= JUDGED_MIN && approvalRate === 1 && medianMs < HASTY_MEDIAN_MS) reasons.push("hasty");
  if (lastBurst !== null && newestAt - lastBurst.until <= BURST_COUNTS_MS) reasons.push("burst");
  return reasons;
}

/** Of sorted numbers; the middle of the two in the middle, in whole milliseconds. */
function medianOf(sorted: readonly number[]): number {
  const low = sorted[(sorted.length - 1) >> 1] ?? 0;
  const high = sorted[sorted.length >> 1] ?? 0;
  return Math.floor((low + high) / 2);
}

/** Enough approvals within the time, each counted once: what goes on without a pause is one burst. `times` ascend. */
function findBursts(times: readonly number[]): readonly Burst[] {
  const bursts: { from: number; until: number; first: number; last: number }[] = [];
  for (const [last, until] of times.entries()) {
    const first = last - BURST_APPROVALS + 1;
    const from = times[first];
    if (from === undefined || until - from > BURST_WITHIN_MS) continue;
    const before = bursts.at(-1);
    if (before !== undefined && before.last >= first) Object.assign(before, { until, last });
    else bursts.push({ from, until, first, last });
  }
  return bursts.map(({ from, until, first, last }) => ({ from, until, approvals: last - first + 1 }));
}
