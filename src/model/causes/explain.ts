// What explains an incident, short enough to be recorded with it.

import type { ModelCausesView } from "../../wire/types/model-views.ts";
import {
  EXPLAINED_CAUSES_MAX,
  EXPLAINED_CHAIN_MAX,
  type ExplainedCause,
  type Explained,
  type ExplainedMeasure,
} from "../../wire/types/explanation.ts";
import type { Graph } from "../graph.ts";

const TEXT_MAX = 300;
const EVIDENCE_MAX = 8;
const MILLION = 1_000_000;

/** The causes of `view`, which the graph found for that symptom. */
export function explanationOf(
  graph: Graph,
  measure: ExplainedMeasure,
  { causes, modelVersion }: ModelCausesView,
): Explained {
  const told = causes.slice(0, EXPLAINED_CAUSES_MAX);
  return {
    explanation: { modelVersion, measure, causes: told.map((one) => causeOf(graph, one)) },
    evidence: told.map(({ evidence }) => evidence.slice(0, EVIDENCE_MAX).map((line) => line.slice(0, TEXT_MAX))),
  };
}

function causeOf(
  graph: Graph,
  { kind, cause, change, score, chain }: ModelCausesView["causes"][number],
): ExplainedCause {
  const made = change === null ? undefined : graph.changes.findLast(({ id }) => id === change);
  return {
    kind,
    cause: cause.slice(0, TEXT_MAX),
    changeKind: made?.kind ?? null,
    scorePpm: Math.max(0, Math.min(MILLION, Math.round(score * MILLION))),
    chain: chain.slice(0, EXPLAINED_CHAIN_MAX).map((node) => node.slice(0, TEXT_MAX)),
  };
}
