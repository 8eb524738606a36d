// The answer to a symptom: causes by rank, each a chain of real edges with its evidence, and who suffers.

import type { ModelCausesRead } from "../../wire/types/model-reads.ts";
import type { ModelCausesView } from "../../wire/types/model-views.ts";
import type { Graph } from "../graph.ts";
import { momentView } from "../views.ts";
import { findCauses } from "./find-causes.ts";
import { questionOfGraph } from "./graph-question.ts";

/** Throws `model-node-not-found`. */
export function readCauses(graph: Graph, read: ModelCausesRead): ModelCausesView {
  const { ranked, blastRadius } = findCauses(questionOfGraph(graph, read));
  const { node, measure, at, knownAt } = read;
  const none = ranked.findIndex(({ cause }) => cause === "none");
  return {
    ...momentView(graph, { at, knownAt }),
    symptom: { node, measure },
    // What ranks below `none` explains nothing; `none` itself is told by there being no cause.
    causes: ranked.slice(0, none < 0 ? ranked.length : none).map(({ cause, score, chain, evidence }) => ({
      change: cause,
      score: Math.round(score * 1000) / 1000,
      chain,
      evidence,
    })),
    suffering: blastRadius,
  };
}
