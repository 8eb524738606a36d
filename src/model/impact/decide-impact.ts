// What is recorded of a change's impact: what was at stake and said before, as it was known then, and what was measured.

import type { ModelDraft } from "../events.ts";
import type { Graph } from "../graph.ts";
import type { PartInterval } from "../../wire/types/prediction.ts";
import { predictImpact } from "./blast-radius.ts";
import { inMillionths } from "./interval.ts";
import { measureImpact, type MeasuredImpact, type Measuring, type Terms } from "./measure.ts";
import { Present } from "./present.ts";

export interface Impacting extends Measuring {
  readonly source: "action" | "change";
  readonly id: string;
  /** What it is calibrated by. */
  readonly kind: string;
  /** What a decision recorded before; of a change it is what the model would have said when it was told of it. */
  readonly said?: { readonly exposure: PartInterval; readonly stated: PartInterval } | undefined;
}

/** The impact, then each edge that it tested. The graph is as it is now, all windows counted. */
export function decideImpact(
  graph: Graph,
  { terms, ...of }: Impacting & { readonly terms: Terms },
): readonly ModelDraft[] {
  const now = new Present(graph, { at: Math.floor(graph.time / 1000), seqEnd: graph.size });
  const measured = measureImpact(now, { terms, ...of });
  const { exposure, stated } = of.said ?? saidThen(graph, of);
  const { source, id, kind, target, fromS: at } = of;
  const { outcome, actual, entries } = measured;
  const impact = { source, id, kind, target, at, exposure, stated, outcome, actual, entries };
  return [{ type: "model.impact", facts: impact }, ...testsOf(measured, of)];
}

function testsOf({ tested }: MeasuredImpact, { id, toS }: Impacting): readonly ModelDraft[] {
  const none = { nodes: [], edges: [] };
  return tested.map(([subject, result]) => ({
    type: "model.tested",
    facts: { ...none, subject, validFrom: toS, result, evidence: [id] },
  }));
}

/** By the graph as it was known just before, so that what followed has no part in it. */
function saidThen(graph: Graph, { target, fromS, kind }: Impacting): NonNullable<Impacting["said"]> {
  const present = new Present(graph, { at: fromS, seqEnd: graph.sizeAt(fromS * 1000) });
  const { trafficShare } = predictImpact(present, { target: graph.names.textOf(target), failing: 1 });
  const exposure = inMillionths(trafficShare);
  return { exposure, stated: graph.calibrationOf(kind).state(exposure) };
}
