// Which change was held to cause what failed as something was done about it, and whether doing it ended the failure.
//
// An action, or a deploy, at what a change was made to tests that the change caused the failure: it ends, or it does not. With
// something else done at the time, without anything to compare with, or with several changes that it may have been, nobody can
// tell, and the edge stays unconfirmed.

import { readCauses } from "../causes/read-causes.ts";
import type { ModelFacts } from "../events.ts";
import type { Graph, StoredChange } from "../graph.ts";
import { changeNodeText } from "../change.ts";
import { Mint } from "../mint.ts";
import { indexOfSubject, isEdgeSubject, subjectOfEdge } from "../names.ts";
import { differenceOf, isThin, pairOf, reachOf, type CountsBySubject, type Difference } from "./difference.ts";
import type { Measuring, Terms } from "./measure.ts";

/** The failure as it was just before, and not diluted by the time before it began. */
const BEFORE_WINDOWS = 5;
const AFTER_WINDOWS = 10;
const FAILING_MIN = 0.1;
const SYMPTOMS_MAX = 4;
/** It ended when so much of it is gone; it did not when surely less than the rest of it is. */
const ENDED_PART = 0.75;

type Result = ModelFacts["model.tested"]["result"];

export interface Done extends Pick<Measuring, "target" | "fromS" | "toS" | "untilS"> {
  readonly id: string;
  readonly terms: Terms;
  /** How those moved who have nothing to do with it; null where nobody can tell whose doing anything is. */
  readonly drift: Difference | null;
}

/** Each with the edge that it mints; to be recorded one after the other. */
export function* testCauses(graph: Graph, done: Done): Generator<ModelFacts["model.tested"]> {
  const { windowS, holdS } = done.terms;
  const { windows } = graph;
  const end = Math.min(done.untilS ?? Infinity, done.toS + holdS + (AFTER_WINDOWS + 1) * windowS);
  const before = windows.sum({ fromS: done.fromS - BEFORE_WINDOWS * windowS, toS: done.fromS }).counts;
  const after = windows.sum({ fromS: done.toS + holdS, toS: end }).counts;
  for (const symptom of failingBefore(graph, before, done.target)) {
    const suspects = suspectsOf(graph, symptom, done);
    const [suspect] = suspects;
    if (suspect === undefined) continue;
    const isAlone = suspects.length === 1;
    const result = isAlone ? endedBy(done, pairOf(symptom, { before, after })) : "unconfirmed";
    const facts = factsOf(graph, { suspect, symptom, result, done });
    if (facts !== null) yield facts;
  }
}

/** Services of the target's environment, those that failed most first; as subjects. */
function failingBefore(graph: Graph, before: CountsBySubject, target: number): readonly number[] {
  const { environment } = graph.names.refOf(target);
  const isFailing = ([subject, { count, failed }]: readonly [number, { count: number; failed: number }]): boolean => {
    if (isEdgeSubject(subject) || failed < count * FAILING_MIN) return false;
    const ref = graph.names.refOf(indexOfSubject(subject));
    return ref.kind === "service" && (environment === null || ref.environment === environment);
  };
  const failing = [...before].filter(isFailing).toSorted(([, a], [, b]) => b.failed - a.failed);
  return failing.slice(0, SYMPTOMS_MAX).map(([subject]) => subject);
}

/** Changes that explain it, as it was known then, and that were made to the target or are felt by way of it. */
function suspectsOf(graph: Graph, symptom: number, { target, fromS, id }: Done): readonly StoredChange[] {
  const node = graph.names.textOf(indexOfSubject(symptom));
  const at = fromS * 1000;
  // Of its first window nothing was recorded by then.
  if (!graph.isThere(symptom, { at: fromS, seqEnd: graph.sizeAt(at) })) return [];
  const { causes } = readCauses(graph, { what: "causes", node, measure: "errors", at, knownAt: at });
  const through = graph.names.textOf(target);
  return causes.flatMap(({ change, chain }) => {
    const made = change === null || change === id ? undefined : graph.changes.findLast((one) => one.id === change);
    return made !== undefined && (made.targets.includes(target) || chain.includes(through)) ? [made] : [];
  });
}

function endedBy({ drift }: Done, pair: ReturnType<typeof pairOf>): Result {
  if (drift === null || isThin(pair)) return "unconfirmed";
  const size = pair.before.failed / pair.before.count;
  const own = differenceOf(pair);
  const less = drift.mid - own.mid;
  const reach = reachOf(own, drift);
  if (less > reach && less >= ENDED_PART * size) return "confirmed";
  return less + reach < (1 - ENDED_PART) * size ? "refuted" : "unconfirmed";
}

type Test = {
  readonly suspect: StoredChange;
  readonly symptom: number;
  readonly result: Result;
  readonly done: Done;
};

/** Null for what nobody can tell of an edge that was tested before: it stays as it is. */
function factsOf(graph: Graph, { suspect, symptom, result, done }: Test): ModelFacts["model.tested"] | null {
  const mint = new Mint(graph);
  const from = graph.names.findNode(changeNodeText(suspect));
  if (from === undefined) return null;
  const subject = subjectOfEdge(mint.edge("caused", from, indexOfSubject(symptom)));
  const isKnown = graph.names.findEdge("caused", from, indexOfSubject(symptom)) !== undefined;
  if (result === "unconfirmed" && isKnown) return null;
  return { ...mint.minted, subject, validFrom: done.toS, result, evidence: [done.id, suspect.id] };
}
