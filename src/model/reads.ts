// Reads of the graph: a part of it at a moment, what differs between two, and the history of one node.

import { AppError } from "../core/errors.ts";
import type { EdgeKind, EvidenceState, NodeKind } from "../wire/types/model.ts";
import type {
  ModelDiffView,
  ModelDifference,
  ModelGraphView,
  ModelHistoryEntry,
  ModelNodeHistoryView,
} from "../wire/types/model-views.ts";
import { changeNodeText } from "./change.ts";
import { FACETS, testedState, type Facet, type Graph, type Holding, type Moment, type StoredChange } from "./graph.ts";
import { HAPPENINGS, subjectOfEdge, subjectOfNode } from "./names.ts";
import type { Version } from "./versions.ts";
import {
  changesKnown,
  changeView,
  declaredView,
  edgeName,
  edgeView,
  momentOf,
  momentView,
  nodeView,
  observedView,
  SECOND_MS,
  type Asked,
} from "./views.ts";

const DIFFERENCES_MAX = 2_000;
const HISTORY_MAX = 1_000;
const CHANGES_SHOWN_MAX = 200;
const AROUND_NODES_MAX = 2_000;

export type GraphQuery = Asked & {
  readonly environment?: string | undefined;
  readonly kinds?: readonly NodeKind[] | undefined;
  /** Nodes at most so many edges from this one, in either direction. */
  readonly around?: { readonly id: string; readonly depth: number } | undefined;
  /** The node to go on with. */
  readonly from: number;
  readonly limit: number;
};

/** Nodes of the graph in the order in which they became known, with the edges that begin at them. Happenings where they are asked for. */
export function readGraph(graph: Graph, query: GraphQuery): ModelGraphView {
  const moment = momentOf(graph, query);
  const isMeant = nodeFilter(graph, query);
  const near = query.around === undefined ? null : nodesAround(graph, query.around, moment);
  const nodes = [];
  const edges = [];
  let next: number | null = null;
  for (const node of near === null ? numbersFrom(query.from, graph.names.nodeCount) : inOrder(near, query.from)) {
    if (!isMeant(node)) continue;
    const view = nodeView(graph, node, moment);
    if (view === null) continue;
    if (nodes.length === query.limit) {
      next = node;
      break;
    }
    nodes.push(view);
    for (const edge of graph.names.out(node)) {
      const to = graph.names.toOf(edge);
      if (!isMeant(to) || near?.has(to) === false) continue;
      const one = edgeView(graph, edge, moment);
      if (one !== null) edges.push(one);
    }
  }
  return { ...momentView(graph, query), nodes, edges, cursor: next === null ? null : String(next) };
}

function* numbersFrom(from: number, end: number): Generator<number> {
  for (let number = from; number < end; number++) yield number;
}

function inOrder(numbers: ReadonlySet<number>, from: number): readonly number[] {
  return [...numbers].filter((number) => number >= from).toSorted((a, b) => a - b);
}

function nodeFilter(graph: Graph, { environment, kinds }: GraphQuery): (node: number) => boolean {
  return (node) => {
    const ref = graph.names.refOf(node);
    if (kinds === undefined ? HAPPENINGS.has(ref.kind) : !kinds.includes(ref.kind)) return false;
    return environment === undefined || ref.environment === null || ref.environment === environment;
  };
}

/** Throws `model-node-not-found`. Happenings are reached and not passed through: a deploy joins nothing. */
function nodesAround(graph: Graph, { id, depth }: { id: string; depth: number }, moment: Moment): ReadonlySet<number> {
  const start = findNode(graph, id);
  const near = new Set([start]);
  let rim = [start];
  for (let step = 0; step < depth && near.size < AROUND_NODES_MAX; step++) {
    const next: number[] = [];
    for (const node of rim) {
      if (node !== start && HAPPENINGS.has(graph.names.refOf(node).kind)) continue;
      for (const other of neighbours(graph, node, moment)) {
        if (near.has(other) || near.size >= AROUND_NODES_MAX) continue;
        near.add(other);
        next.push(other);
      }
    }
    rim = next;
  }
  return near;
}

function* neighbours(graph: Graph, node: number, moment: Moment): Generator<number> {
  const { names } = graph;
  for (const edge of names.out(node)) if (graph.isThere(subjectOfEdge(edge), moment)) yield names.toOf(edge);
  for (const edge of names.into(node)) if (graph.isThere(subjectOfEdge(edge), moment)) yield names.fromOf(edge);
}

/** The number of a node. Throws `model-node-not-found` for one that was never known. */
function findNode(graph: Graph, id: string): number {
  const node = graph.names.findNode(id);
  if (node === undefined) throw new AppError("model-node-not-found", "the model has never known it", {});
  return node;
}

export type DiffQuery = { readonly from: Asked; readonly to: Asked; readonly environment?: string | undefined };

/** What appeared, ended, or changed in what is declared, in its state or beyond noise in what is measured. */
export function readDiff(graph: Graph, { from, to, environment }: DiffQuery): ModelDiffView {
  const moments = [momentOf(graph, from), momentOf(graph, to)] as const;
  const nodes: ModelDiffView["nodes"][number][] = [];
  const edges: ModelDiffView["edges"][number][] = [];
  const isIn = (node: number): boolean => {
    const ref = graph.names.refOf(node);
    const isPart = ref.environment === null || environment === undefined || ref.environment === environment;
    return isPart && !HAPPENINGS.has(ref.kind);
  };
  for (let node = 0; node < graph.names.nodeCount && nodes.length <= DIFFERENCES_MAX; node++) {
    const found = isIn(node) ? differenceOf(graph, subjectOfNode(node), moments) : null;
    if (found !== null) nodes.push({ ...found, id: graph.names.textOf(node) });
  }
  for (let edge = 0; edge < graph.names.edgeCount && edges.length <= DIFFERENCES_MAX; edge++) {
    const isMeant = isIn(graph.names.fromOf(edge)) && isIn(graph.names.toOf(edge));
    const found = isMeant ? differenceOf(graph, subjectOfEdge(edge), moments) : null;
    if (found !== null) edges.push({ ...found, ...edgeName(graph, edge) });
  }
  const between = changesKnown(graph, moments[1].seqEnd, (change) => change.at > from.at && change.at <= to.at);
  const changes = [...between]
    .slice(0, CHANGES_SHOWN_MAX + 1)
    .map((change) => changeView(graph, change, moments[1].seqEnd));
  return {
    from: momentView(graph, from),
    to: momentView(graph, to),
    nodes: nodes.slice(0, DIFFERENCES_MAX),
    edges: edges.slice(0, DIFFERENCES_MAX),
    changes: changes.slice(0, CHANGES_SHOWN_MAX),
    truncated: nodes.length > DIFFERENCES_MAX || edges.length > DIFFERENCES_MAX || changes.length > CHANGES_SHOWN_MAX,
  };
}

function differenceOf(
  graph: Graph,
  subject: number,
  [from, to]: readonly [Moment, Moment],
): { difference: ModelDifference; what: readonly string[] } | null {
  const [before, after] = [graph.holding(subject, from), graph.holding(subject, to)];
  if (before === null) return after === null ? null : { difference: "appeared", what: [] };
  if (after === null) return { difference: "ended", what: [] };
  const what = changesBetween(before, after);
  return what.length === 0 ? null : { difference: "changed", what };
}

/** A quarter more or less, or a part in a hundred, is a change; less is not worth telling. */
const NOTABLE_FACTOR = 1.25;
const NOTABLE_RATIO = 0.01;

function changesBetween(before: Holding, after: Holding): readonly string[] {
  const what: string[] = [];
  if (before.state !== after.state) what.push("state");
  if (before.declared?.declaration !== after.declared?.declaration) what.push("declared");
  const [old, young] = [before.observed?.measured, after.observed?.measured];
  if (old === undefined || young === undefined) return what;
  for (const name of ["perSecond", "share", "p50Ms", "p95Ms"] as const) {
    const [low, high] = [Math.min(old[name], young[name]), Math.max(old[name], young[name])];
    if (high > low * NOTABLE_FACTOR) what.push(name);
  }
  if (Math.abs(old.errorRatio - young.errorRatio) >= NOTABLE_RATIO) what.push("errorRatio");
  return what;
}

/** One node at a moment, the edges at it, and all of their versions that were known. Throws `model-node-not-found`. */
export function readNode(graph: Graph, id: string, asked: Asked): ModelNodeHistoryView {
  const node = findNode(graph, id);
  const moment = momentOf(graph, asked);
  const { names } = graph;
  const edges = [...names.out(node), ...names.into(node)];
  const entries = [
    ...historyOf(graph, subjectOfNode(node), { seqEnd: moment.seqEnd, edge: null }),
    ...edges.flatMap((edge) => [
      ...historyOf(graph, subjectOfEdge(edge), { seqEnd: moment.seqEnd, edge: edgeName(graph, edge) }),
    ]),
  ].toSorted((a, b) => b.seq - a.seq);
  if (entries.length === 0) throw new AppError("model-node-not-found", "the model did not know it then", {});
  const isAbout = (change: StoredChange): boolean => change.targets.includes(node) || changeNodeText(change) === id;
  const about = changesKnown(graph, moment.seqEnd, (change) => change.at <= asked.at && isAbout(change));
  const changes = [...about].map((change) => changeView(graph, change, moment.seqEnd));
  return {
    ...momentView(graph, asked),
    id,
    node: nodeView(graph, node, moment),
    edges: edges.map((edge) => edgeView(graph, edge, moment)).filter((edge) => edge !== null),
    history: entries.slice(0, HISTORY_MAX),
    changes: changes.slice(0, CHANGES_SHOWN_MAX),
    truncated: entries.length > HISTORY_MAX || changes.length > CHANGES_SHOWN_MAX,
  };
}

type About = {
  readonly seqEnd: number;
  readonly edge: { readonly kind: EdgeKind; readonly from: string; readonly to: string } | null;
};

function* historyOf(graph: Graph, subject: number, { seqEnd, edge }: About): Generator<ModelHistoryEntry> {
  for (const facet of FACETS) {
    let count = 0;
    for (const number of graph.versions.chain(graph.chain(subject, facet), seqEnd)) {
      if (count++ > HISTORY_MAX) break;
      const version = graph.versions.get(number);
      yield {
        validFrom: version.validFrom * SECOND_MS,
        recordedAt: graph.timeOf(version.seq),
        seq: version.seq,
        facet,
        state: stateIn(facet, version),
        edge,
        observed: facet === "observed" && version.state !== 0 ? observedView(version) : null,
        declared: facet === "declared" && version.state !== 0 ? declaredView(graph, version) : null,
        evidence: facet === "tested" ? (graph.evidence.get(version.seq) ?? []) : [],
      };
    }
  }
}

function stateIn(facet: Facet, version: Version): EvidenceState | null {
  if (version.state === 0) return null;
  return facet === "tested" ? testedState(version) : facet;
}
