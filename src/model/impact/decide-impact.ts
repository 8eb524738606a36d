// What is recorded of a change's impact: what was at stake and said before, as it was known then, and what was measured.

import type { ModelDraft } from "../events.ts";
import type { Graph } from "../graph.ts";
import type { PartInterval } from "../../wire/types/prediction.ts";
import { predictImpact } from "./blast-radius.ts";
import { inMillionths } from "./interval.ts";
import { measureImpact, type Measuring, type Terms } from "./measure.ts";
import { Present } from "./present.ts";
import { testCauses } from "./test-causes.ts";

export interface Impacting extends Measuring {
  readonly source: "action" | "change";
  readonly id: string;
  /** What it is calibrated by. */
  readonly kind: string;
  /** What a decision recorded before; of a change it is what the model would have said when it was told of it. */
  readonly said?: { readonly exposure: PartInterval; readonly stated: PartInterval } | undefined;
}

/**
 * The impact, then each edge that it tested, to be recorded one after the other: an edge may be named for the first time.
 * The graph is as it is now, all windows counted.
 */
export function* decideImpact(
  graph: Graph,
  { terms, ...of }: Impacting & { readonly terms: Terms },
): Generator<ModelDraft> {
  const now = new Present(graph, { at: Math.floor(graph.time / 1000), seqEnd: graph.size });
  const measured = measureImpact(now, { terms, ...of });
  const { exposure, stated } = of.said ?? saidThen(graph, of);
  const { source, id, kind, target, fromS: at } = of;
  const { outcome, actual, entries } = measured;
  const impact = { source, id, kind, target, at, exposure, stated, outcome, actual, entries };
  yield { type: "model.impact", facts: impact };
  const none = { nodes: [], edges: [] };
  for (const [subject, result] of measured.tested) {
    yield { type: "model.tested", facts: { ...none, subject, validFrom: of.toS, result, evidence: [id] } };
  }
  if (outcome === "no-telemetry") return;
  const drift = outcome === "measured" ? measured.drift : null;
  for (const facts of testCauses(graph, { ...of, terms, drift })) yield { type: "model.tested", facts };
}

/** By the graph as it was known just before, so that what followed has no part in it. */
function saidThen(graph: Graph, { target, fromS, kind }: Impacting): NonNullable<Impacting["said"]> {
  const present = new Present(graph, { at: fromS, seqEnd: graph.sizeAt(fromS * 1000) });
  const { trafficShare } = predictImpact(present, { target: graph.names.textOf(target), failing: 1 });
  const exposure = inMillionths(trafficShare);
  return { exposure, stated: graph.calibrationOf(kind).state(exposure) };
}
