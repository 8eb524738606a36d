// What a change really did: requests that failed after it beside those before, entry by entry, against entries that do not
// get to its target at all. What those went through at the same time is not the change's doing.

import type { ImpactOutcome } from "../../wire/types/impact-outcome.ts";
import type { PartInterval } from "../../wire/types/prediction.ts";
import { indexOfSubject, isEdgeSubject, subjectOfEdge, subjectOfNode } from "../names.ts";
import { seedsOf } from "./blast-radius.ts";
import type { Count } from "./entry-windows.ts";
import { squareRoot } from "./interval.ts";
import type { Present } from "./present.ts";

const BEFORE_WINDOWS = 30;
const AFTER_WINDOWS = 10;
const WINDOWS_MIN = 2;
const REQUESTS_MIN = 50;
const ROWS_MAX = 50;
const MILLION = 1_000_000;
/** Of the normal distribution: nine in ten within, and what is hardly ever chance. */
const Z = 1.6448536;
const SURE = 3;
/** The target has to have moved by so much to test who needs it. */
const MOVED_MIN = 0.1;
/** Less than this of what is expected is nothing. */
const NOTHING_PART = 0.25;

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
  /** Edges that it tested: the subject, and whether its needing the target was seen. */
  readonly tested: readonly (readonly [number, "confirmed" | "refuted"])[];
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
    return { outcome: "no-telemetry", actual: null, entries: rowsOf(treated), tested: [] };
  }
  const hasControls = controls.before.count >= REQUESTS_MIN && controls.after.count >= REQUESTS_MIN;
  const drift = hasControls ? differenceOf(controls) : { mid: 0, variance: 0 };
  const total = all.reduce((sum, one) => sum + one.after.count, 0);
  const actual = shareOf(treated, { total, drift });
  const outcome = of.isConcurrent ? "concurrent" : hasControls ? "measured" : "no-controls";
  const moved = nodeMoved(of.target, { before: before.counts, after: after.counts });
  const tested = outcome === "measured" ? testsOf(present, { treated, drift, moved, target: of.target }) : [];
  return { outcome, actual, entries: rowsOf(treated), tested };
}

type Pair = { readonly before: Count; readonly after: Count };
type EntryPair = Pair & { readonly node: number; readonly isTreated: boolean };
type Difference = { readonly mid: number; readonly variance: number };

const NONE: Count = { count: 0, failed: 0 };

/** All entries of the target's environment: those that get to the target, and the others. */
function entriesOf(
  present: Present,
  of: { target: number; before: ReadonlyMap<number, Count>; after: ReadonlyMap<number, Count> },
): readonly EntryPair[] {
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
    const pair = { before: of.before.get(subject) ?? NONE, after: of.after.get(subject) ?? NONE };
    pairs.push({ node, isTreated: reaching.has(node), ...pair });
  }
  return pairs;
}

function pooled(pairs: readonly Pair[]): Pair {
  const sum = (a: Count, b: Count): Count => ({ count: a.count + b.count, failed: a.failed + b.failed });
  return pairs.reduce((all, one) => ({ before: sum(all.before, one.before), after: sum(all.after, one.after) }), {
    before: NONE,
    after: NONE,
  });
}

/** How much larger the part that failed became; one half more failure and success each, so that nothing is ever certain. */
function differenceOf({ before, after }: Pair): Difference {
  const part = ({ count, failed }: Count): number => (failed + 0.5) / (count + 1);
  const variance = (of: Count): number => (part(of) * (1 - part(of))) / (of.count + 1);
  const mid = after.failed / Math.max(1, after.count) - before.failed / Math.max(1, before.count);
  return { mid, variance: variance(before) + variance(after) };
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

function nodeMoved(
  node: number,
  { before, after }: { before: ReadonlyMap<number, Count>; after: ReadonlyMap<number, Count> },
): Difference {
  const subject = subjectOfNode(node);
  return differenceOf({ before: before.get(subject) ?? NONE, after: after.get(subject) ?? NONE });
}

type Testing = {
  readonly treated: readonly EntryPair[];
  readonly drift: Difference;
  readonly moved: Difference;
  readonly target: number;
};

/**
 * The target failed more, or less, than before, for certain: each entry that gets to it should have moved with it, as far
 * as its requests get there. One that did is confirmed, one that surely moved by next to nothing is refuted, and what
 * chance might have done is left as it is.
 */
function testsOf(
  { graph, entries }: Present,
  { treated, drift, moved, target }: Testing,
): readonly (readonly [number, "confirmed" | "refuted"])[] {
  const size = Math.abs(moved.mid);
  if (size < MOVED_MIN || size < SURE * squareRoot(moved.variance)) return [];
  const tested: (readonly [number, "confirmed" | "refuted"])[] = [];
  for (const one of treated) {
    const edge = graph.names.findEdge("reaches", one.node, target);
    const part = entries.get(target)?.find(({ operation }) => operation === one.node)?.part ?? 0;
    if (edge === undefined || one.before.count < REQUESTS_MIN || one.after.count < REQUESTS_MIN) continue;
    const own = differenceOf(one);
    const along = (moved.mid > 0 ? 1 : -1) * (own.mid - drift.mid);
    const reach = SURE * squareRoot(own.variance + drift.variance);
    if (along > reach) tested.push([subjectOfEdge(edge), "confirmed"]);
    else if (along + reach < NOTHING_PART * part * size) tested.push([subjectOfEdge(edge), "refuted"]);
  }
  return tested;
}
