// Asks the graph for a cause: a symptom of one service becomes the question, with what the graph knows around it.

import { AppError } from "../../core/errors.ts";
import type { ExplainedMeasure } from "../../wire/types/explanation.ts";
import type { ModelCausesRead, ModelTimes } from "../../wire/types/model-reads.ts";
import type { Graph, Moment, StoredChange } from "../graph.ts";
import { subjectOfEdge, subjectOfNode } from "../names.ts";
import type { Measured } from "../../wire/types/model-views.ts";
import type { Versions } from "../versions.ts";
import { changesKnown, momentOf } from "../views.ts";
import { findOnsets } from "./incident.ts";
import type { CallTimeline, CandidateChange, CauseQuestion, NodeMismatch, Timeline } from "./input.ts";
import { emptyQuestion } from "./input.ts";

/** A cause may be this old; changes before are history. */
const LOOK_BACK_MS = 14 * 86_400_000;
const INCIDENT_MS = 3 * 3_600_000;
/** Samples of the days before, and of the hours in which the incident shows. */
const COARSE_SAMPLES = 84;
const FINE_SAMPLES = 36;
const NODES_MAX = 400;
const CHANGES_MAX = 1_000;

const CALLS: ReadonlySet<string> = new Set(["calls", "reads", "writes"]);
/** A change of the second reaches the first. */
const CARRIES: ReadonlySet<string> = new Set(["embeds", "configured-by", "runs-on", "member-of"]);

const MEASURES: readonly [keyof Measured, string][] = [
  ["perSecond", "requests_per_second"],
  ["errorRatio", "error_ratio"],
  ["p95Ms", "latency_p95_ms"],
];

/** Of calls, what those who make them can feel without the callee's own word. */
const OF_CALLS = MEASURES.filter(([measure]) => measure === "errorRatio");

/** Names of the timelines by what a caller of the API may say is wrong. */
const SYMPTOM_TIMELINES: Readonly<Record<ModelCausesRead["measure"], string>> = {
  errors: "error_ratio",
  latency: "latency_p95_ms",
  traffic: "requests_per_second",
};

/** Throws `model-node-not-found` for a node that was never known. */
export function questionOfGraph(
  graph: Graph,
  read: ModelCausesRead,
  mismatchesAt: (nodes: ReadonlySet<string>) => readonly NodeMismatch[] = () => [],
): CauseQuestion {
  const start = getNode(graph, read.node);
  const moment = momentOf(graph, read);
  const nodes = nodesAround(graph, start, moment);
  const instants = instantsBefore(read.at);
  const nameOf = (node: number): string => graph.names.textOf(node);
  const edges = [...nodes].flatMap((node) =>
    [...graph.names.out(node)].filter((edge) => isCall(graph, edge) && nodes.has(graph.names.toOf(edge))),
  );
  const known = [...changesKnown(graph, moment.seqEnd, ({ at }) => at <= read.at && at > read.at - LOOK_BACK_MS)];
  const changes = known.slice(0, CHANGES_MAX).map((change) => candidateOf(graph, change, moment));
  // Calls are asked about only of who was changed.
  const changed = new Set(changes.flatMap(({ targets }) => targets));
  const calls = edges.flatMap((edge): CallTimeline[] => {
    const [caller, callee] = [nameOf(graph.names.fromOf(edge)), nameOf(graph.names.toOf(edge))];
    if (!changed.has(caller)) return [];
    return timelinesOf(graph, subjectOfEdge(edge), { moment, instants, measures: OF_CALLS }).map((timeline) => ({
      ...timeline,
      caller,
      callee,
    }));
  });
  const timelines = [...nodes].flatMap((node): Timeline[] =>
    timelinesOf(graph, subjectOfNode(node), { moment, instants, measures: MEASURES }).map((timeline) => ({
      ...timeline,
      node: nameOf(node),
    })),
  );
  return {
    ...emptyQuestion("change"),
    symptom: { node: read.node, measure: SYMPTOM_TIMELINES[read.measure], text: "", atMs: read.at },
    edges: edges.map((edge) => [nameOf(graph.names.fromOf(edge)), nameOf(graph.names.toOf(edge))] as const),
    timelines,
    calls,
    outsiders: new Set([...nodes].filter((node) => isOutside(graph, node, moment)).map(nameOf)),
    mismatches: mismatchesAt(new Set([...nodes].map(nameOf))),
    changes,
  };
}

/**
 * What a node shows of a failure: errors, or latency where that alone left its usual range; errors where nothing did.
 * Throws `model-node-not-found`.
 */
export function findMeasure(
  graph: Graph,
  { node, ...times }: { readonly node: string } & ModelTimes,
): ExplainedMeasure {
  const subject = subjectOfNode(getNode(graph, node));
  const sampled = { moment: momentOf(graph, times), instants: instantsBefore(times.at), measures: MEASURES };
  const timelines = timelinesOf(graph, subject, sampled).map((timeline) => ({ ...timeline, node }));
  const symptom = { node, measure: "", text: "", atMs: times.at };
  const onsets = findOnsets({ ...emptyQuestion("change"), symptom, timelines });
  const moved = new Set([...onsets.keys()].map(({ name }) => name));
  return moved.has(SYMPTOM_TIMELINES.latency) && !moved.has(SYMPTOM_TIMELINES.errors) ? "latency" : "errors";
}

function getNode(graph: Graph, id: string): number {
  const node = graph.names.findNode(id);
  if (node === undefined) throw new AppError("model-node-not-found", "the model has never known it", {});
  return node;
}

const isCall = (graph: Graph, edge: number): boolean => CALLS.has(graph.names.kindOf(edge));

/** A datastore is what others see of it; so is a service without operations or calls of its own that nobody declares. */
function isOutside(graph: Graph, node: number, moment: Moment): boolean {
  const { names } = graph;
  const { kind } = names.refOf(node);
  if (kind === "datastore" || kind === "queue") return true;
  if (kind !== "service" || graph.holding(subjectOfNode(node), moment)?.declared != null) return false;
  const isThere = (edge: number): boolean => graph.isThere(subjectOfEdge(edge), moment);
  const speaks = [...names.into(node)].some((edge) => names.kindOf(edge) === "member-of" && isThere(edge));
  return !speaks && ![...names.out(node)].some((edge) => isCall(graph, edge) && isThere(edge));
}

/** What the symptom's node calls, who calls it, and on from those, nearest first. */
function nodesAround(graph: Graph, start: number, moment: Moment): Set<number> {
  const nodes = new Set([start]);
  for (const node of nodes) {
    const next = [
      ...[...graph.names.out(node)]
        .filter((edge) => isCall(graph, edge))
        .map((edge) => [edge, graph.names.toOf(edge)] as const),
      ...[...graph.names.into(node)]
        .filter((edge) => isCall(graph, edge))
        .map((edge) => [edge, graph.names.fromOf(edge)] as const),
    ];
    for (const [edge, other] of next) {
      if (nodes.size >= NODES_MAX) return nodes;
      if (graph.isThere(subjectOfEdge(edge), moment)) nodes.add(other);
    }
  }
  return nodes;
}

/** Instants to sample at, ascending, in milliseconds: denser towards the symptom. */
function instantsBefore(atMs: number): number[] {
  const instants: number[] = [];
  const step = (LOOK_BACK_MS - INCIDENT_MS) / COARSE_SAMPLES;
  for (let index = COARSE_SAMPLES; index > 0; index -= 1) instants.push(atMs - INCIDENT_MS - index * step);
  for (let index = FINE_SAMPLES; index >= 0; index -= 1) instants.push(atMs - (index * INCIDENT_MS) / FINE_SAMPLES);
  return instants;
}

type Sampled = {
  readonly moment: Moment;
  readonly instants: readonly number[];
  readonly measures: typeof MEASURES;
};

/** What was measured of a node or an edge, as it was known; instants without a measurement are left out. */
function timelinesOf(graph: Graph, subject: number, { moment, instants, measures }: Sampled): Omit<Timeline, "node">[] {
  const chain = graph.chain(subject, "observed");
  if (chain === 0) return [];
  const { versions } = graph;
  const runs = runsOf(versions, chain, { moment, instants });
  const samples = runs.reduce((sum, run) => sum + run.end - run.begin, 0);
  if (samples === 0) return [];
  const atMs = samples === instants.length ? instants : runs.flatMap((run) => instants.slice(run.begin, run.end));
  // A copy of numbers keeps them as numbers side by side, where an empty array would box each.
  const values = measures.map(() => instants.slice(0, samples));
  let filled = 0;
  for (const { begin, end, version } of runs) {
    const measured = versions.measuredOf(version);
    for (const [m, [measure]] of measures.entries()) values[m]?.fill(measured[measure], filled, filled + end - begin);
    filled += end - begin;
  }
  return measures.map(([, name], m) => ({ name, atMs, values: values[m] ?? [] }));
}

/** Instants, from `begin` up to `end`, at which one version holds. */
type Run = { readonly begin: number; readonly end: number; readonly version: number };

/** Ascending. The newest is found first: what holds at one instant held before it too, back to where it begins. */
function runsOf(
  versions: Versions,
  chain: number,
  { moment, instants }: Pick<Sampled, "moment" | "instants">,
): readonly Run[] {
  const runs: Run[] = [];
  for (let end = instants.length; end > 0;) {
    const version = versions.find(chain, Math.floor((instants[end - 1] ?? 0) / 1000), moment.seqEnd);
    if (version === 0) break;
    const fromMs = versions.validFromOf(version) * 1000;
    let begin = end - 1;
    while (begin > 0 && (instants[begin - 1] ?? 0) >= fromMs) begin--;
    if (versions.stateOf(version) !== 0) runs.push({ begin, end, version });
    end = begin;
  }
  return runs.toReversed();
}

function candidateOf(graph: Graph, change: StoredChange, moment: Moment): CandidateChange {
  const carried = new Set(change.targets);
  // A library or a key changes whoever embeds or reads it.
  for (const target of carried) {
    for (const edge of graph.names.into(target)) {
      if (CARRIES.has(graph.names.kindOf(edge)) && graph.isThere(subjectOfEdge(edge), moment))
        carried.add(graph.names.fromOf(edge));
    }
  }
  return {
    id: change.id,
    kind: change.kind === "flag" ? "flag" : "commit",
    atMs: change.at,
    deployed: true,
    targets: [...carried].map((node) => graph.names.textOf(node)),
    settings: change.settings,
    code: change.code,
    title: change.id,
    removed: [],
    added: [],
    files: [],
    newInstances: [],
    oldInstances: [],
  };
}
