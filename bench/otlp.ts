// OTLP over HTTP at a constant rate: how many spans a second a server takes, what it refuses, how late it answers, and
// whether its memory stays where it is. Ten minutes (`BENCH_SECONDS=600`) say so; by default it is one.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { createSource } from "../src/adapters/identity/source-secrets.ts";
import { systemRandom } from "../src/main/system.ts";
import { startServer, stopProgram, withFolder, type Bench, type Results } from "./harness.ts";
import { chance, requestOf } from "./otlp-spans.ts";

const SEED = 1;
const SECONDS = Number(process.env["BENCH_SECONDS"] ?? 60);
const SPANS_PER_SECOND = Number(process.env["BENCH_SPANS"] ?? 20_000);
const SERVICES = 100;
const TRACES_PER_REQUEST = 100;
const REQUESTS = 8;
/** What a collector has on its way at once. */
const UNDERWAY_MAX = 64;
const TRACE_BYTES = 16;

export const otlpBench: Bench = { name: "otlp", seed: SEED, run: () => withFolder(measure) };

async function measure(dir: string): Promise<Results> {
  const data = join(dir, "data");
  mkdirSync(data, { recursive: true, mode: 0o700 });
  writeFileSync(join(data, "holdpoint.yaml"), "model: { windowSeconds: 10, holdSeconds: 5 }\n");
  const secret = createSource(join(data, "sources"), { name: "otel", kind: "otlp" }, systemRandom);
  const { child, url } = await startServer(dir, data);
  try {
    const resident: number[] = [];
    const sampling = setInterval(() => resident.push(residentMiB(child.pid ?? 0)), 1_000);
    const sent = await sendAll(url, secret);
    clearInterval(sampling);
    await setTimeout(2_000); // what waits at the end is counted once more
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const taken = metricOf(metrics, "holdpoint_model_spans");
    const sorted = sent.answersMs.toSorted((a, b) => a - b);
    const percentile = (part: number): number => Math.round(sorted[Math.floor(sorted.length * part)] ?? 0);
    return {
      offeredPerSecond: SPANS_PER_SECOND,
      spansPerSecond: Math.round(taken / sent.seconds),
      spansTaken: taken,
      spansDropped: metricOf(metrics, "holdpoint_model_dropped"),
      spansWaiting: metricOf(metrics, "holdpoint_model_spans_waiting"),
      refused: sent.refused,
      skipped: sent.skipped,
      answerP50Ms: percentile(0.5),
      answerP99Ms: percentile(0.99),
      // The first fifth is warming up: caches, and traces that wait for their end.
      residentSecondFifthMiB: medianOf(resident.slice(resident.length / 5, (2 * resident.length) / 5)),
      residentLastFifthMiB: medianOf(resident.slice((4 * resident.length) / 5)),
      seconds: Math.round(sent.seconds),
    };
  } finally {
    await stopProgram(child);
  }
}

/** A request whose traces get other ids each time: the same bytes again would be spans of the same traces. */
class Batch {
  readonly spans: number;
  readonly #bytes: Buffer;
  readonly #places: readonly number[];

  constructor(random: () => number) {
    const { bytes, spans, traces } = requestOf(TRACES_PER_REQUEST, { random, services: SERVICES, depth: 5, fan: 10 });
    this.spans = spans;
    this.#bytes = bytes;
    this.#places = traces.flatMap((trace) => placesOf(bytes, trace));
  }

  /** The bytes of the `number`th time. */
  as(number: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#bytes);
    const view = new DataView(bytes.buffer);
    // What follows stays, and tells the traces of one request apart.
    for (const place of this.#places) view.setUint32(place, number);
    return bytes;
  }
}

function placesOf(bytes: Buffer, trace: Buffer): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(trace); at >= 0; at = bytes.indexOf(trace, at + TRACE_BYTES)) places.push(at);
  return places;
}

type Sent = { answersMs: number[]; refused: number; skipped: number; seconds: number };

/** Each request at its time, whether those before it were answered or not, up to a bound. */
async function sendAll(url: string, secret: string): Promise<Sent> {
  const random = chance(SEED);
  const batches = Array.from({ length: REQUESTS }, () => new Batch(random));
  const sent: Sent = { answersMs: [], refused: 0, skipped: 0, seconds: 0 };
  const headers = { authorization: `Bearer ${secret}`, "content-type": "application/x-protobuf" };
  const underway = new Set<Promise<void>>();
  const beganMs = performance.now();
  let offered = 0;
  for (let i = 0; performance.now() - beganMs < SECONDS * 1_000; i++) {
    const batch = batches[i % REQUESTS];
    if (batch === undefined) break;
    const dueMs = beganMs + (offered / SPANS_PER_SECOND) * 1_000;
    offered += batch.spans;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await setTimeout(waitMs);
    if (underway.size >= UNDERWAY_MAX) {
      sent.skipped++;
      continue;
    }
    const request = send(`${url}/v1/traces`, { headers, body: batch.as(i) }, { sent, dueMs });
    underway.add(request);
    void request.finally(() => underway.delete(request));
  }
  await Promise.all(underway);
  sent.seconds = (performance.now() - beganMs) / 1_000;
  return sent;
}

type Post = { readonly headers: Record<string, string>; readonly body: Uint8Array<ArrayBuffer> };

async function send(url: string, post: Post, { sent, dueMs }: { sent: Sent; dueMs: number }): Promise<void> {
  const response = await fetch(url, { method: "POST", ...post });
  await response.arrayBuffer();
  if (response.status === 503) sent.refused++;
  else if (response.status !== 200) throw new Error(`spans were turned away: ${response.status}`);
  sent.answersMs.push(performance.now() - dueMs);
}

function metricOf(metrics: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(metrics)?.[1] ?? Number.NaN);
}

function residentMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0);
}
