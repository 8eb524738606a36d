// The answer to a symptom: causes by rank, each a chain of real edges with its evidence, and who suffers.

import type { ModelCausesRead } from "../../wire/types/model-reads.ts";
import type { ModelCausesView } from "../../wire/types/model-views.ts";
import type { Graph } from "../graph.ts";
import { momentView } from "../views.ts";
import { findCauses } from "./find-causes.ts";
import { findUnjudged } from "./find-unjudged.ts";
import type { NodeMismatch, RankedCause } from "./input.ts";
import { questionOfGraph } from "./graph-question.ts";

const CAUSES_MAX = 10;

/** Throws `model-node-not-found`. */
export function readCauses(
  graph: Graph,
  read: ModelCausesRead,
  mismatchesAt?: (nodes: ReadonlySet<string>) => readonly NodeMismatch[],
): ModelCausesView {
  const question = questionOfGraph(graph, read, mismatchesAt);
  const { ranked, others, blastRadius } = findCauses(question);
  const { node, measure, at, knownAt } = read;
  const none = ranked.findIndex(({ cause }) => cause === "none");
  // What ranks below `none` explains nothing.
  const changes = ranked.slice(0, none < 0 ? ranked.length : none);
  const all = [
    ...changes.map((one) => ({ kind: "change" as const, change: one.cause, ...viewOf(one) })),
    ...others.map((one) => ({ kind: one.kind, change: null, ...viewOf(one) })),
  ];
  return {
    ...momentView(graph, { at, knownAt }),
    symptom: { node, measure },
    none: changes.length === 0,
    causes: all.toSorted((a, b) => b.score - a.score).slice(0, CAUSES_MAX),
    unjudged: findUnjudged(question)
      .filter((id) => !changes.some(({ cause }) => cause === id))
      .slice(0, CAUSES_MAX),
    suffering: blastRadius,
  };
}

function viewOf({ cause, score, chain, evidence }: RankedCause) {
  return { cause, score: Math.round(score * 1000) / 1000, chain, evidence };
}
