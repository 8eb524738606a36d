// What a change really did: requests that failed after it beside those before, entry by entry, against entries that do not
// get to its target at all. What those went through at the same time is not the change's doing.

import type { ImpactOutcome } from "../../wire/types/impact-outcome.ts";
import type { PartInterval } from "../../wire/types/prediction.ts";
import { indexOfSubject, isEdgeSubject } from "../names.ts";
import { seedsOf } from "./blast-radius.ts";
import { differenceOf, pairOf, pooled, REQUESTS_MIN, type Difference } from "./difference.ts";
import { squareRoot } from "./interval.ts";
import type { Present } from "./present.ts";
import { testEdges, type Counted, type EntryCounts, type Tested } from "./test-edges.ts";

const BEFORE_WINDOWS = 30;
const AFTER_WINDOWS = 10;
const WINDOWS_MIN = 2;
const ROWS_MAX = 50;
const MILLION = 1_000_000;
/** Of the normal distribution: nine in ten within. */
const Z = 1.6448536;

export interface Terms {
  readonly windowS: number;
  /** How long spans wait before they are counted. */
  readonly holdS: number;
}

export interface Measuring {
  readonly target: number;
  /** Seconds since 1970: when it began to be made, and when it was. */
  readonly fromS: number;
  readonly toS: number;
  /** Until when it stood; it was taken back then. */
  readonly untilS?: number | undefined;
  /** Something else was changed at the time. */
  readonly isConcurrent: boolean;
}

export interface MeasuredImpact {
  readonly outcome: ImpactOutcome;
  /** Of all requests from outside; null where nothing can be said. */
  readonly actual: PartInterval | null;
  /** Rows of an entry's node, requests and failures before, requests and failures after. */
  readonly entries: readonly number[];
  /** Edges of needing that it tested. */
  readonly tested: readonly Tested[];
  /** How entries moved that do not get to the target; null where there are too few. */
  readonly drift: Difference | null;
}

/** When all of it has been counted. */
export function measurableAtS({ toS }: Pick<Measuring, "toS">, { windowS, holdS }: Terms): number {
  return toS + (AFTER_WINDOWS + 2) * windowS + holdS;
}

/** Around a change: another one in there makes it impossible to tell whose doing anything is. */
export function touches({ fromS, toS }: Pick<Measuring, "fromS" | "toS">, atS: number, { windowS }: Terms): boolean {
  return atS >= fromS - AFTER_WINDOWS * windowS && atS <= toS + (AFTER_WINDOWS + 1) * windowS;
}

export function measureImpact(
  present: Present,
  { terms, ...of }: Measuring & { readonly terms: Terms },
): MeasuredImpact {
  const { windowS, holdS } = terms;
  const { windows } = present.graph;
  const before = windows.sum({ fromS: of.fromS - BEFORE_WINDOWS * windowS, toS: of.fromS });
  const end = Math.min(of.untilS ?? Infinity, of.toS + holdS + (AFTER_WINDOWS + 1) * windowS);
  const after = windows.sum({ fromS: of.toS + holdS, toS: end });
  const all = entriesOf(present, { target: of.target, before: before.counts, after: after.counts });
  const treated = all.filter(({ isTreated }) => isTreated);
  const controls = pooled(all.filter(({ isTreated }) => !isTreated));
  const seen = pooled(treated);
  const isThin = seen.before.count < REQUESTS_MIN || seen.after.count < REQUESTS_MIN;
  if (before.windows < WINDOWS_MIN || after.windows < WINDOWS_MIN || isThin) {
    return { outcome: "no-telemetry", actual: null, entries: rowsOf(treated), tested: [], drift: null };
  }
  const hasControls = controls.before.count >= REQUESTS_MIN && controls.after.count >= REQUESTS_MIN;
  const drift = hasControls ? differenceOf(controls) : { mid: 0, variance: 0 };
  const total = all.reduce((sum, one) => sum + one.after.count, 0);
  const actual = shareOf(treated, { total, drift });
  const outcome = of.isConcurrent ? "concurrent" : hasControls ? "measured" : "no-controls";
  const counted = { before: before.counts, after: after.counts, drift, target: of.target };
  const tested = outcome === "measured" ? testEdges(present, { ...counted, entries: treated }) : [];
  return { outcome, actual, entries: rowsOf(treated), tested, drift: hasControls ? drift : null };
}

type EntryPair = EntryCounts & { readonly isTreated: boolean };
type Counts = Pick<Counted, "before" | "after">;

/** All entries of the target's environment: those that get to the target, and the others. */
function entriesOf(present: Present, of: Counts & { readonly target: number }): readonly EntryPair[] {
  const { names } = present.graph;
  const reaching = new Set<number>();
  for (const seed of seedsOf(present, of.target)) {
    for (const { operation } of present.entries.get(seed) ?? []) reaching.add(operation);
  }
  const { environment } = names.refOf(of.target);
  const pairs: EntryPair[] = [];
  for (const subject of new Set([...of.before.keys(), ...of.after.keys()])) {
    if (isEdgeSubject(subject)) continue;
    const node = indexOfSubject(subject);
    const ref = names.refOf(node);
    if (ref.kind !== "operation" || (environment !== null && ref.environment !== environment)) continue;
    const pair = pairOf(subject, of);
    pairs.push({ node, isTreated: reaching.has(node), ...pair });
  }
  return pairs;
}

/** Of all requests after it, with what chance makes of so many. An entry that nobody came in by before tells nothing. */
function shareOf(treated: readonly EntryPair[], of: { total: number; drift: Difference }): PartInterval {
  let [mid, variance, weights] = [0, 0, 0];
  for (const one of treated) {
    if (one.before.count === 0 || one.after.count === 0) continue;
    const weight = one.after.count / of.total;
    const own = differenceOf(one);
    mid += weight * (own.mid - of.drift.mid);
    variance += weight * weight * own.variance;
    weights += weight;
  }
  const reach = Z * squareRoot(variance + weights * weights * of.drift.variance);
  const part = (value: number): number => Math.round(Math.min(1, Math.max(0, value)) * MILLION);
  return { low: part(mid - reach), mid: part(mid), high: part(mid + reach) };
}

function rowsOf(treated: readonly EntryPair[]): readonly number[] {
  return treated
    .toSorted((a, b) => b.after.count - a.after.count)
    .slice(0, ROWS_MAX)
    .flatMap(({ node, before, after }) => [node, before.count, before.failed, after.count, after.failed]);
}
