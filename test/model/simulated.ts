// Productions of chance with known propagation: spans of their traffic, and what truly happens when a service fails.

import { Graph } from "../../src/model/graph.ts";
import { Intake } from "../../src/model/traces/intake.ts";
import { SPAN_KIND, type TelemetrySpan } from "../../src/wire/types/telemetry-span.ts";

export const BEGIN_MS = 1_790_000_000_000;
const TERMS = {
  windowS: 60,
  holdMs: 1000,
  dayBytesMax: 1e9,
  waitingMax: 100_000,
  namesMax: 10_000,
  fadeAfterS: 900,
  forgetAfterS: 86_400,
};

/** Numbers from 0 to 1, always the same for one seed (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Call {
  readonly to: number;
  /** How often a request makes this call. */
  readonly use: number;
  /** How often a failed call makes the request fail. */
  readonly spread: number;
}

export interface Production {
  readonly calls: readonly (readonly Call[])[];
  readonly ownFailures: readonly number[];
  /** The part of the traffic from outside of each entry; the first services are the entries. */
  readonly entries: readonly number[];
}

/** Services in layers: each calls some of those after it. */
export function randomProduction(random: () => number, services: number): Production {
  const calls = Array.from({ length: services }, (_, from) => {
    const list: Call[] = [];
    for (let to = from + 1; to < services && list.length < 4; to++) {
      if (random() < 0.4)
        list.push({ to, use: 0.2 + 0.8 * random(), spread: random() < 0.5 ? 0.9 + 0.1 * random() : random() });
    }
    return list;
  });
  const entries = [0.6, 0.3, 0.1];
  return { calls, ownFailures: calls.map(() => 0.03 * random()), entries };
}

export const serviceName = (index: number): string => `s${index}`;

type Asked = { readonly service: number; readonly parentId: string; readonly depth: number };

/** One request from outside: its spans, and whether it failed. */
export class Request {
  readonly spans: TelemetrySpan[] = [];
  readonly isFailed: boolean;
  readonly #production: Production;
  readonly #random: () => number;
  readonly #down: number | null;
  readonly #traceId: string;

  constructor(production: Production, random: () => number, of: { trace: number; down?: number }) {
    this.#production = production;
    this.#random = random;
    this.#down = of.down ?? null;
    this.#traceId = String(of.trace).padStart(16, "0");
    this.isFailed = this.#ask({ service: this.#entry(), parentId: "", depth: 0 });
  }

  #entry(): number {
    let left = this.#random();
    for (const [service, part] of this.#production.entries.entries()) {
      left -= part;
      if (left < 0) return service;
    }
    return 0;
  }

  /** Draws the same numbers whatever fails, so that two runs differ in what is down alone. */
  #ask({ service, parentId, depth }: Asked): boolean {
    const random = this.#random;
    let isFailed = random() < (this.#production.ownFailures[service] ?? 0);
    const spanId = this.#nextId();
    for (const { to, use, spread } of this.#production.calls[service] ?? []) {
      const [isMade, doesSpread] = [random() < use, random() < spread];
      if (!isMade || depth > 8) continue;
      const clientId = this.#nextId();
      const hasFailed = this.#ask({ service: to, parentId: clientId, depth: depth + 1 });
      this.#span({ service, spanId: clientId, parentId: spanId, kind: SPAN_KIND.client, isFailed: hasFailed });
      if (hasFailed && doesSpread) isFailed = true;
    }
    isFailed ||= service === this.#down;
    this.#span({ service, spanId, parentId, kind: SPAN_KIND.server, isFailed });
    return isFailed;
  }

  #ids = 0;
  #nextId(): string {
    return String(++this.#ids).padStart(8, "0");
  }

  #span(of: { service: number; spanId: string; parentId: string; kind: number; isFailed: boolean }): void {
    this.spans.push({
      traceId: this.#traceId,
      spanId: of.spanId,
      parentId: of.parentId,
      service: serviceName(of.service),
      environment: "production",
      name: "GET /",
      kind: of.kind,
      isFailed: of.isFailed,
      startMs: BEGIN_MS,
      durationUs: 1000,
      names: {},
    });
  }
}

/** The part of all requests from outside that fail because one service does, by running each with and without. */
export function trueImpact(
  production: Production,
  down: number,
  { requests, seed }: { requests: number; seed: number },
): number {
  let harmed = 0;
  for (let i = 0; i < requests; i++) {
    const before = new Request(production, chance(seed + i), { trace: i });
    const after = new Request(production, chance(seed + i), { trace: i, down });
    if (after.isFailed && !before.isFailed) harmed++;
  }
  return harmed / requests;
}

/** The graph after so many requests in each of some windows of a minute. */
export function observe(
  production: Production,
  random: () => number,
  { windows, requests }: { windows: number; requests: number },
): Graph {
  const graph = new Graph();
  const intake = new Intake(graph, TERMS, BEGIN_MS);
  let trace = 0;
  for (let window = 1; window <= windows; window++) {
    const nowMs = BEGIN_MS + window * 60_000;
    for (let i = 0; i < requests; i++) {
      for (const span of new Request(production, random, { trace: trace++ }).spans) intake.add(span, nowMs - 30_000);
    }
    const draft = intake.closeDue(nowMs);
    if (draft !== null) graph.apply({ seq: graph.size, time: nowMs, ...draft });
  }
  return graph;
}
