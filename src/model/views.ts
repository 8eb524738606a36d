// Documents of single nodes, edges, changes and moments.

import { nodeText } from "../wire/schemas/model.ts";
import type {
  DeclaredView,
  ModelChangeView,
  ModelEdgeView,
  ModelMoment,
  ModelNodeView,
  ObservedView,
} from "../wire/types/model-views.ts";
import type { Graph, Holding, Moment, StoredChange } from "./graph.ts";
import { subjectOfEdge, subjectOfNode } from "./names.ts";
import type { Version } from "./versions.ts";

export const SECOND_MS = 1000;

/** Milliseconds since 1970, both. */
export type Asked = { readonly at: number; readonly knownAt: number };

export function momentOf(graph: Graph, { at, knownAt }: Asked): Moment {
  return { at: Math.floor(at / SECOND_MS), seqEnd: graph.sizeAt(knownAt) };
}

export function momentView(graph: Graph, asked: Asked): ModelMoment {
  const modelVersion = graph.sizeAt(asked.knownAt);
  const until = graph.observedUntilAt(modelVersion);
  return { ...asked, modelVersion, observedUntil: until === 0 ? null : until * SECOND_MS };
}

/** Null where the node is not there at the moment. */
export function nodeView(graph: Graph, node: number, moment: Moment): ModelNodeView | null {
  const holding = graph.holding(subjectOfNode(node), moment);
  if (holding === null) return null;
  const ref = graph.names.refOf(node);
  return { id: nodeText(ref), ...ref, ...knownView(graph, holding) };
}

/** Null where the edge is not there at the moment. */
export function edgeView(graph: Graph, edge: number, moment: Moment): ModelEdgeView | null {
  const holding = graph.holding(subjectOfEdge(edge), moment);
  return holding === null ? null : { ...edgeName(graph, edge), ...knownView(graph, holding) };
}

export function edgeName(graph: Graph, edge: number): Pick<ModelEdgeView, "kind" | "from" | "to"> {
  const { names } = graph;
  return {
    kind: names.kindOf(edge),
    from: names.textOf(names.fromOf(edge)),
    to: names.textOf(names.toOf(edge)),
  };
}

function knownView(graph: Graph, { state, since, observed, declared }: Holding) {
  return {
    state,
    since: since * SECOND_MS,
    observed: observed === null ? null : observedView(observed),
    declared: declared === null ? null : declaredView(graph, declared),
  };
}

export function observedView({ validFrom, measured }: Version): ObservedView {
  return { since: validFrom * SECOND_MS, ...measured };
}

export function declaredView(graph: Graph, { validFrom, declaration }: Version): DeclaredView {
  const { attributes = {}, contracts = [] } = graph.declarations[declaration - 1] ?? {};
  return { since: validFrom * SECOND_MS, attributes, contracts };
}

/** With what the first `seqEnd` events say of it. */
export function changeView(graph: Graph, change: StoredChange, seqEnd: number): ModelChangeView {
  const { id, kind, at, seq, targets, settings, code } = change;
  const names = targets.map((node) => graph.names.textOf(node));
  const impact = impactView(graph, change, seqEnd);
  return { id, kind, at, recordedAt: graph.timeOf(seq), targets: names, settings, code: code ?? null, impact };
}

function impactView(graph: Graph, { id, kind }: StoredChange, seqEnd: number): ModelChangeView["impact"] {
  const name = `change:${kind}`;
  const known = graph.impacts.findLast((one) => one.id === id && one.kind === name && one.seq < seqEnd);
  if (known === undefined) return null;
  const { exposure, stated, outcome, actual } = known;
  return { exposure, stated, outcome, actual };
}

/** The changes known at a moment that `isMeant` lets through, the newest recorded first, each as it was last told. */
export function* changesKnown(
  graph: Graph,
  seqEnd: number,
  isMeant: (change: StoredChange) => boolean,
): Generator<StoredChange> {
  const seen = new Set<string>();
  for (const change of graph.changes.toReversed()) {
    if (change.seq >= seqEnd) continue;
    const name = `${change.kind} ${change.id}`;
    if (seen.has(name)) continue;
    seen.add(name);
    if (isMeant(change)) yield change;
  }
}
