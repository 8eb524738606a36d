// Which needing of the target, on the ways that a prediction takes, what was measured has tested: entries that get to it, and calls.

import type { EdgeKind } from "../../wire/types/model.ts";
import { subjectOfEdge, subjectOfNode } from "../names.ts";
import {
  differenceOf,
  isThin,
  pairOf,
  reachOf,
  type CountsBySubject,
  type Difference,
  type Pair,
} from "./difference.ts";
import type { Present } from "./present.ts";

/** Something has to have moved by so much to test who needs it. */
const MOVED_MIN = 0.1;
/** Less than this of what is expected is nothing. */
const NOTHING_PART = 0.25;
const TESTED_MAX = 200;
const NEEDING: readonly EdgeKind[] = ["calls", "reads", "writes"];

export type TestResult = "confirmed" | "refuted";
/** A subject, and whether its needing was seen. */
export type Tested = readonly [number, TestResult];

export interface Counted {
  readonly target: number;
  readonly before: CountsBySubject;
  readonly after: CountsBySubject;
  /** How entries moved that do not get to the target. */
  readonly drift: Difference;
}

export type EntryCounts = Pair & { readonly node: number };

/**
 * The target failed more, or less, than before, for certain: whoever needs it should have moved with it, as far as its
 * requests get there. One that did is confirmed, one that surely moved by next to nothing is refuted, and what chance might
 * have done is left as it is.
 */
export function testEdges(
  present: Present,
  { entries, ...counted }: Counted & { readonly entries: readonly EntryCounts[] },
): readonly Tested[] {
  const moved = movedSurely(pairOf(subjectOfNode(counted.target), counted));
  if (moved === null) return [];
  const { graph } = present;
  const tested: Tested[] = [];
  for (const entry of entries) {
    const edge = graph.names.findEdge("reaches", entry.node, counted.target);
    if (edge === undefined) continue;
    const part = present.entries.get(counted.target)?.find(({ operation }) => operation === entry.node)?.part ?? 0;
    const result = resultOf(entry, { moved, part, drift: counted.drift });
    if (result !== null) tested.push([subjectOfEdge(edge), result]);
  }
  return [...tested, ...testUses(present, { ...counted, moved })].slice(0, TESTED_MAX);
}

/**
 * From the target up, for as long as users moved along. Whoever also needs something else that moved could have moved for
 * either: their edges stay as they were.
 */
function testUses(
  present: Present,
  { moved, ...counted }: Counted & { readonly moved: Difference },
): readonly Tested[] {
  const movedNodes = new Map<number, Difference>([[counted.target, moved]]);
  const tested: Tested[] = [];
  for (const [needed, by] of movedNodes) {
    for (const user of new Set(present.uses.usersOf(needed))) {
      if (movedNodes.has(user) || tested.length >= TESTED_MAX) continue;
      const pair = pairOf(subjectOfNode(user), counted);
      const edge = edgeOf(present, user, needed);
      const result = edge === null ? null : resultOf(pair, { moved: by, part: edge.part, drift: counted.drift });
      if (edge === null || result === null) continue;
      const others = [...present.uses.neededBy(user)].filter((other) => other !== needed && movedNodes.has(other));
      if (result === "refuted" || others.length === 0) tested.push([edge.subject, result]);
      const own = result === "confirmed" ? movedSurely(pair) : null;
      if (own !== null) movedNodes.set(user, own);
    }
  }
  return tested;
}

function movedSurely(pair: Pair): Difference | null {
  const moved = differenceOf(pair);
  const size = Math.abs(moved.mid);
  return isThin(pair) || size < MOVED_MIN || size < reachOf(moved) ? null : moved;
}

function edgeOf({ graph, moment }: Present, user: number, needed: number): { subject: number; part: number } | null {
  for (const kind of NEEDING) {
    const edge = graph.names.findEdge(kind, user, needed);
    const subject = edge === undefined ? null : subjectOfEdge(edge);
    const share = subject === null ? undefined : graph.holding(subject, moment)?.observed?.measured.share;
    if (subject !== null && share !== undefined) return { subject, part: Math.min(1, share) };
  }
  return null;
}

type Expected = { readonly moved: Difference; readonly part: number; readonly drift: Difference };

function resultOf(pair: Pair, { moved, part, drift }: Expected): TestResult | null {
  if (isThin(pair)) return null;
  const own = differenceOf(pair);
  const along = (moved.mid > 0 ? 1 : -1) * (own.mid - drift.mid);
  const reach = reachOf(own, drift);
  if (along > reach) return "confirmed";
  return along + reach < NOTHING_PART * part * Math.abs(moved.mid) ? "refuted" : null;
}
