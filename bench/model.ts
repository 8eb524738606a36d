// The runtime model: spans taken a second, reads as of the past, blast radius, and memory, by number of services.

import { readCauses } from "../src/model/causes/read-causes.ts";
import { Graph } from "../src/model/graph.ts";
import { predictImpact } from "../src/model/impact/blast-radius.ts";
import { Present } from "../src/model/impact/present.ts";
import { readGraph } from "../src/model/reads.ts";
import { Intake } from "../src/model/traces/intake.ts";
import { readSpansProtobuf } from "../src/wire/schemas/otlp-traces.ts";
import type { Bench, Results } from "./harness.ts";
import { END_S, grow, idOf, instantOf } from "./model-graph.ts";
import { chance, requestOf } from "./otlp-spans.ts";

const SEED = 1;
const SIZES = [100, 1_000, 10_000] as const;
const READS = 2_000;
const PREDICTIONS = 500;
/** Times that the graph is laid out for predictions, once for each version of the model. */
const LAID = 10;
const QUESTIONS = 100;
const INGEST_SECONDS = 5;

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
  const graph = grow(services, SEED);
  const residentMiBOfGraph = residentMiB() - before;
  const random = chance(SEED + services);
  const id = (): string => idOf(Math.floor(random() * services));
  const now = END_S * 1000;
  const asOf = timings(READS, () => {
    const times = { at: instantOf(random), knownAt: instantOf(random) };
    readGraph(graph, { ...times, from: 0, limit: 500, around: { id: id(), depth: 1 } });
  });
  let present = new Present(graph, { at: END_S, seqEnd: graph.size });
  const laid = timings(LAID, () => {
    present = new Present(graph, { at: END_S, seqEnd: graph.size });
  });
  const blast = timings(PREDICTIONS, () => void predictImpact(present, { target: id(), failing: 1 }));
  const causes = timings(QUESTIONS, () => {
    readCauses(graph, { what: "causes", node: id(), measure: "errors", at: now, knownAt: now });
  });
  return {
    edges: graph.names.edgeCount,
    versions: graph.versions.count,
    residentMiB: Math.round(residentMiBOfGraph),
    asOfReadP50Ms: asOf.p50,
    asOfReadP99Ms: asOf.p99,
    asOfReadCpuMs: asOf.mean,
    layOutCpuMs: laid.mean,
    blastP50Ms: blast.p50,
    blastP99Ms: blast.p99,
    blastCpuMs: blast.mean,
    causesP50Ms: causes.p50,
    causesP99Ms: causes.p99,
    causesCpuMs: causes.mean,
    spansPerSecond: ingest(services),
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

/** `mean` is processor time, which says more than the clock where others want the machine too. */
function timings(count: number, work: () => void): { p50: number; p99: number; mean: number } {
  for (let i = 0; i < count / 10; i++) work();
  const times: number[] = [];
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) {
    const startMs = performance.now();
    work();
    times.push(performance.now() - startMs);
  }
  const { user, system } = process.cpuUsage(before);
  times.sort((a, b) => a - b);
  const rounded = (value: number): number => Math.round(value * 1000) / 1000;
  const at = (part: number): number => rounded(times[Math.floor(count * part)] ?? 0);
  return { p50: at(0.5), p99: at(0.99), mean: rounded((user + system) / 1000 / count) };
}

function residentMiB(): number {
  globalThis.gc?.();
  return process.memoryUsage().rss / 1024 / 1024;
}
