// How often the truth lies within what is said before a change: a production of queues in which changes follow each other,
// each predicted, made, measured from its telemetry and learned from. The truth of each is the same run without it.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelDraft } from "../../src/model/events.ts";
import { Graph } from "../../src/model/graph.ts";
import { decideImpact } from "../../src/model/impact/decide-impact.ts";
import { Intake } from "../../src/model/traces/intake.ts";
import { arrivals, Queueing, queueingName, type Change, type QueueingService } from "./queueing.ts";
import { chance } from "./simulated.ts";

const BEGIN_MS = 1_790_000_000_000;
const WINDOW_S = 20;
const TERMS = {
  windowS: WINDOW_S,
  holdMs: 1_000,
  dayBytesMax: 1e9,
  waitingMax: 100_000,
  namesMax: 10_000,
  fadeAfterS: 9_000,
  forgetAfterS: 86_400,
};
/** Windows of one change: before it, while it stands, and until what it left behind is over. */
const [BEFORE, STANDS, REST] = [6, 13, 1];
const ROUND_MS = (BEFORE + STANDS + REST) * WINDOW_S * 1000;
const PER_SECOND = 5;

const call = (to: number, of: { use?: number; spread?: number; retries?: number } = {}) => ({
  to,
  use: 0.8,
  timeoutMs: 400,
  retries: 1,
  spread: 0.9,
  ...of,
});

/** Three entries, of which one gets to nothing that is changed. */
const SERVICES: readonly QueueingService[] = [
  { servers: 8, meanMs: 5, entry: 0.5, calls: [call(3), call(4, { use: 0.5, spread: 0.6 })] },
  { servers: 8, meanMs: 5, entry: 0.3, calls: [call(4, { use: 0.6 })] },
  { servers: 8, meanMs: 5, entry: 0.2, calls: [] },
  { servers: 6, meanMs: 20, entry: 0, calls: [call(5, { use: 0.7, retries: 2 })] },
  { servers: 6, meanMs: 30, entry: 0, calls: [call(5, { use: 0.4, spread: 0.5 })] },
  { servers: 4, meanMs: 40, entry: 0, calls: [] },
];
const CHANGED = [3, 4, 5];

function changeOf(random: () => number, round: number): Change {
  const fromMs = BEGIN_MS + round * ROUND_MS + BEFORE * WINDOW_S * 1000;
  const toMs = fromMs + STANDS * WINDOW_S * 1000;
  const service = CHANGED[Math.floor(random() * CHANGED.length)] ?? 3;
  const kind = random();
  const size = random();
  if (kind < 0.3) return { service, fromMs, toMs, slower: 1, failing: 0.02 * size };
  if (kind < 0.6) return { service, fromMs, toMs, slower: 1 + 8 * size, failing: 0 };
  return { service, fromMs, toMs, slower: 1, failing: size };
}

/** The part of the requests that came while it stood and failed, with the change less without it. */
function truthOf(change: Change, seed: number, round: number): number {
  const all = arrivalsOf(seed, round);
  const during = all.filter(({ atMs }) => atMs >= change.fromMs + 1_000 && atMs < change.fromMs + 11 * WINDOW_S * 1000);
  const ids = new Set(during.map(({ id }) => id));
  const failures = (changes: readonly Change[]): number => {
    let failed = 0;
    const run = new Queueing(SERVICES, changes, () => undefined);
    run.run(all, ({ arrival, isFailed }) => (failed += isFailed && ids.has(arrival.id) ? 1 : 0));
    return failed;
  };
  return (failures([change]) - failures([])) / during.length;
}

function arrivalsOf(seed: number, round: number) {
  const fromMs = BEGIN_MS + round * ROUND_MS;
  return arrivals(SERVICES, { seed: seed * 1_000 + round, fromMs, toMs: fromMs + ROUND_MS, perSecond: PER_SECOND });
}

type Result = { readonly within: number; readonly count: number; readonly covered: number; readonly error: number };

function live(seed: number, rounds: number, skipped: number): Result {
  const graph = new Graph();
  const intake = new Intake(graph, TERMS, BEGIN_MS);
  const record = (draft: ModelDraft | null, time: number): void => {
    if (draft !== null) graph.apply({ seq: graph.size, time, ...draft });
  };
  const random = chance(seed);
  const terms = { windowS: WINDOW_S, holdS: 1 };
  let [within, count, error] = [0, 0, 0];
  for (let round = 0; round < rounds; round++) {
    const change = changeOf(random, round);
    const run = new Queueing(SERVICES, [change], (span) => {
      const nowMs = Math.floor(span.startMs + span.durationUs / 1000);
      record(intake.closeDue(nowMs), nowMs);
      intake.add(span, nowMs);
    });
    run.run(arrivalsOf(seed, round), () => undefined);
    const target = graph.names.findNode(`service:production:${queueingName(change.service)}`);
    assert.ok(target !== undefined);
    const fromS = Math.floor(change.fromMs / 1000);
    const of = { source: "change", id: `c${round}`, kind: "change:deploy", target, fromS, toS: fromS } as const;
    for (const draft of decideImpact(graph, { ...of, isConcurrent: false, terms })) record(draft, graph.time);
    const impact = graph.impacts.at(-1);
    assert.ok(impact !== undefined && impact.outcome === "measured", impact?.outcome);
    if (round < skipped) continue;
    const truth = truthOf(change, seed, round) * 1e6;
    if (impact.stated.low <= truth && truth <= impact.stated.high) within++;
    error += Math.abs((impact.actual?.mid ?? 0) - truth) / 1e6;
    count++;
  }
  return { within, count, covered: graph.calibrationOf("change:deploy").view("k").coverage ?? 0, error: error / count };
}

test("the stated interval holds the truth nine times in ten, within five points, on held-out changes to a production of queues", () => {
  const results = [live(1, 100, 30), live(2, 100, 30)];
  const sum = (of: (one: Result) => number): number => results.reduce((all, one) => all + of(one), 0);
  const coverage = sum(({ within }) => within) / sum(({ count }) => count);
  const told = JSON.stringify(results);
  assert.ok(Math.abs(coverage - 0.9) <= 0.05, told);
  // What is measured from telemetry is what truly happened, but for what chance makes of so many requests.
  assert.ok(sum(({ error }) => error) / results.length < 0.015, told);
  for (const { covered } of results) assert.ok(Math.abs(covered - 0.9) <= 0.08, told);
});
