// The runtime model: spans taken a second, reads as of the past, blast radius, and memory, by number of services.

import { readCauses } from "../src/model/causes/read-causes.ts";
import { decideChange } from "../src/model/change.ts";
import type { ModelDraft } from "../src/model/events.ts";
import { Graph } from "../src/model/graph.ts";
import { predictImpact } from "../src/model/impact/blast-radius.ts";
import { Present } from "../src/model/impact/present.ts";
import { Mint } from "../src/model/mint.ts";
import { subjectOfEdge, subjectOfNode } from "../src/model/names.ts";
import { readGraph } from "../src/model/reads.ts";
import { Intake } from "../src/model/traces/intake.ts";
import { readSpansProtobuf } from "../src/wire/schemas/otlp-traces.ts";
import type { Bench, Results } from "./harness.ts";
import { chance, requestOf } from "./otlp-spans.ts";

const SEED = 1;
const BEGIN_S = 1_700_000_000;
const MONTHS_24_S = 730 * 86_400;
const SIZES = [100, 1_000, 10_000] as const;
const EDGES_PER_SERVICE = 10;
/** Over two years: one every two weeks, for each edge. */
const VERSIONS_PER_EDGE = 50;
const READS = 2_000;
const PREDICTIONS = 100;
const QUESTIONS = 100;
const INGEST_SECONDS = 5;
/** Made in the last two weeks, of which a question looks at all. */
const CHANGES = 500;

export const modelBench: Bench = {
  name: "model",
  seed: SEED,
  run: async () => {
    const results: Record<string, number | Record<string, number>> = {};
    for (const services of SIZES) results[`services${services}`] = measure(services);
    // Names that others rely on: those of the largest.
    const largest = results[`services${SIZES.at(-1)}`] as Record<string, number>;
    return { ...largest, ...results } satisfies Results;
  },
};

function measure(services: number): Record<string, number> {
  const before = residentMiB();
  const graph = grow(services);
  const residentMiBOfGraph = residentMiB() - before;
  const random = chance(SEED + services);
  const id = (): string => `service:production:svc-${Math.floor(random() * services)}`;
  const at = (): number => (BEGIN_S + Math.floor(random() * MONTHS_24_S)) * 1000;
  const asOf = timings(READS, () => {
    const times = { at: at(), knownAt: at() };
    readGraph(graph, { ...times, from: 0, limit: 500, around: { id: id(), depth: 1 } });
  });
  const present = new Present(graph, { at: BEGIN_S + MONTHS_24_S, seqEnd: graph.size });
  const blast = timings(PREDICTIONS, () => void predictImpact(present, { target: id(), failing: 1 }));
  const causes = timings(QUESTIONS, () => {
    const now = (BEGIN_S + MONTHS_24_S) * 1000;
    readCauses(graph, { what: "causes", node: id(), measure: "errors", at: now, knownAt: now });
  });
  return {
    edges: graph.names.edgeCount,
    versions: graph.versions.count,
    residentMiB: Math.round(residentMiBOfGraph),
    asOfReadP50Ms: asOf.p50,
    asOfReadP99Ms: asOf.p99,
    blastP50Ms: blast.p50,
    blastP99Ms: blast.p99,
    causesP50Ms: causes.p50,
    causesP99Ms: causes.p99,
    spansPerSecond: ingest(services),
  };
}

/** A graph of so many services with two years of windows. */
function grow(services: number): Graph {
  const graph = new Graph();
  const random = chance(SEED);
  const edges: [number, number][] = [];
  for (let from = 0; from < services; from++) {
    // Mostly a few services further on, as layers are; two thirds of calls stay close.
    for (let i = 1; i <= EDGES_PER_SERVICE; i++) {
      const to = from + 1 + Math.floor(random() * random() * (services / 4));
      if (to < services) edges.push([from, to]);
    }
  }
  for (let round = 0; round < VERSIONS_PER_EDGE; round++) {
    const fromS = BEGIN_S + Math.floor((round / VERSIONS_PER_EDGE) * MONTHS_24_S);
    const draft = windowOf(graph, { services, edges, fromS, random });
    graph.apply({ seq: graph.size, time: fromS * 1000, ...draft });
  }
  for (let i = 0; i < CHANGES; i++) change(graph, { i, services, random });
  return graph;
}

/** A deploy of some service, of a setting of its own. */
function change(graph: Graph, { i, services, random }: { i: number; services: number; random: () => number }): void {
  const endMs = (BEGIN_S + MONTHS_24_S) * 1000;
  const at = endMs - Math.floor((1 - i / CHANGES) * 13 * 86_400_000) - 1_000;
  const name = `svc-${Math.floor(random() * services)}`;
  const draft = decideChange(graph, {
    id: `release-${i}`,
    kind: "deploy",
    at,
    targets: [{ kind: "service", environment: "production", name }],
    settings: [{ key: "clients.timeout", before: 500, after: 50 + i, unit: "ms" }],
  });
  if (draft !== null) graph.apply({ seq: graph.size, time: Math.max(at, graph.time), ...draft });
}

type Windowed = { services: number; edges: readonly [number, number][]; fromS: number; random: () => number };

function windowOf(graph: Graph, { services, edges, fromS, random }: Windowed): ModelDraft & { type: "model.window" } {
  const mint = new Mint(graph);
  const nodes = Array.from({ length: services }, (_, i) => mint.node(`service:production:svc-${i}`));
  const measured: number[] = [];
  for (const node of nodes) measured.push(subjectOfNode(node), fromS, 100, 0.1, 0.01, 5, 20, 0, 0);
  for (const [from, to] of edges) {
    const edge = mint.edge("calls", nodes[from] ?? 0, nodes[to] ?? 0);
    const failures = Math.floor(random() * 100);
    const spread = Math.floor(failures * random());
    measured.push(subjectOfEdge(edge), fromS, 50, 0.1 + random() * 0.9, 0.01, 5, 20, failures, spread);
  }
  return {
    type: "model.window",
    facts: { ...mint.minted, from: fromS, to: fromS + 60, measured, ended: [] },
  };
}

/** Spans a second through decoding, assembly, digestion and windows, on one thread. */
function ingest(services: number): number {
  const random = chance(SEED + 1);
  const requests = Array.from({ length: 40 }, () => requestOf(100, { random, services, depth: 5, fan: 10 }));
  const graph = new Graph();
  const nowMs = 1_790_000_000_000;
  const terms = { windowS: 60, holdMs: 5_000, fadeAfterS: 900, forgetAfterS: 86_400, dayBytesMax: 1e12 };
  const intake = new Intake(graph, { ...terms, waitingMax: 600_000, namesMax: 400_000 }, nowMs);
  const startMs = performance.now();
  let spans = 0;
  let clockMs = nowMs;
  for (let i = 0; performance.now() - startMs < INGEST_SECONDS * 1000; i++) {
    const request = requests[i % requests.length];
    if (request === undefined) break;
    // Each delivery is of traces of its own.
    readSpansProtobuf(request.bytes, (one) => intake.add({ ...one, traceId: `${one.traceId}${i}` }, clockMs));
    spans += request.spans;
    // As at 20,000 spans a second.
    clockMs += (request.spans / 20_000) * 1000;
    intake.digestDue(clockMs);
    const draft = intake.closeDue(clockMs);
    if (draft !== null) graph.apply({ seq: graph.size, time: Math.floor(clockMs), ...draft });
  }
  return Math.round(spans / ((performance.now() - startMs) / 1000));
}

function timings(count: number, work: () => void): { p50: number; p99: number } {
  for (let i = 0; i < count / 10; i++) work();
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const startMs = performance.now();
    work();
    times.push(performance.now() - startMs);
  }
  times.sort((a, b) => a - b);
  const at = (part: number): number => Math.round((times[Math.floor(count * part)] ?? 0) * 1000) / 1000;
  return { p50: at(0.5), p99: at(0.99) };
}

function residentMiB(): number {
  globalThis.gc?.();
  return process.memoryUsage().rss / 1024 / 1024;
}
