// Blast radius against productions of chance, in which what truly happens is known.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Answerer } from "../../src/model/answer.ts";
import { decideDeclared } from "../../src/model/declare.ts";
import type { ModelDraft } from "../../src/model/events.ts";
import { Graph } from "../../src/model/graph.ts";
import { predictImpact } from "../../src/model/impact/blast-radius.ts";
import { measuredPart } from "../../src/model/impact/interval.ts";
import { predictAction } from "../../src/model/impact/predict-action.ts";
import { Present } from "../../src/model/impact/present.ts";
import { Worst } from "../../src/model/impact/worst.ts";
import { service } from "./histories.ts";
import { BEGIN_MS, chance, observe, randomProduction, serviceName, trueImpact } from "./simulated.ts";

function record(graph: Graph, draft: ModelDraft | null, time: number): void {
  if (draft !== null) graph.apply({ seq: graph.size, time, ...draft });
}

const nowOf = (graph: Graph) => new Present(graph, { at: Math.floor(graph.time / 1000), seqEnd: graph.size });
const idOf = (index: number): string => `service:production:${serviceName(index)}`;

describe("the predicted share of traffic", () => {
  test("lies within its bounds about as often as is said, over many productions", () => {
    let [inside, count, error] = [0, 0, 0];
    for (let seed = 1; seed <= 25; seed++) {
      const production = randomProduction(chance(seed), 8);
      const present = nowOf(observe(production, chance(seed * 1000), { windows: 5, requests: 300 }));
      for (const down of [4, 5, 6, 7]) {
        const truth = trueImpact(production, down, { requests: 1500, seed: seed * 100_000 });
        if (present.graph.names.findNode(idOf(down)) === undefined) continue;
        const { trafficShare } = predictImpact(present, { target: idOf(down), failing: 1 });
        // What is counted of so many requests is off by chance as well.
        const slack = 2 * Math.sqrt((truth * (1 - truth)) / 1500);
        if (trafficShare.low - slack <= truth && truth <= trafficShare.high + slack) inside++;
        error += Math.abs(trafficShare.mid - truth);
        count++;
      }
    }
    assert.ok(count >= 80);
    // Nine in ten are said.
    assert.ok(inside / count >= 0.85 && inside / count <= 0.95, `${inside} of ${count}`);
    assert.ok(error / count <= 0.06, `off by ${error / count} on average`);
  });

  test("is nothing where nobody gets to the target, and grows with the part that fails", () => {
    const calls = [[{ to: 1, use: 1, spread: 1 }], [], []];
    const production = { calls, ownFailures: [0, 0.1, 0.1], entries: [0.5, 0, 0.5] };
    const present = nowOf(observe(production, chance(7), { windows: 3, requests: 500 }));
    const half = predictImpact(present, { target: idOf(1), failing: 0.5 });
    const whole = predictImpact(present, { target: idOf(1), failing: 1 });
    assert.ok(Math.abs(whole.trafficShare.mid - 0.5) < 0.05, JSON.stringify(whole.trafficShare));
    assert.ok(Math.abs(half.trafficShare.mid - whole.trafficShare.mid / 2) < 1e-6);
    assert.deepEqual(whole.services[0]?.path, [idOf(0), idOf(1)]);
    assert.deepEqual(
      whole.entries.map(({ id }) => id),
      ["operation:production:s0 GET /"],
    );
    assert.throws(() => predictImpact(present, { target: "service:production:nobody", failing: 1 }), {
      code: "model-node-not-found",
    });
  });
});

describe("what a decision is given", () => {
  const calls = [[{ to: 1, use: 1, spread: 1 }], [{ to: 2, use: 1, spread: 1 }], []];
  const production = { calls, ownFailures: [0, 0.1, 0.1], entries: [0.5, 0.5, 0] };

  function declareZones(graph: Graph, zones: readonly string[]): void {
    const nodes = zones.map((zone, i) => ({ node: service(serviceName(i)), attributes: { zone }, contracts: [] }));
    record(graph, decideDeclared(graph, { feed: "zones", at: graph.time, nodes, edges: [] }), graph.time);
  }

  test("is the share in millionths, rounded outwards, the neighbours in order, and the zones of whatever suffers", () => {
    const graph = observe(production, chance(7), { windows: 3, requests: 500 });
    declareZones(graph, ["front", "shop", "shop"]);
    const { trafficShare } = predictImpact(nowOf(graph), { target: idOf(2), failing: 1 });
    const said = predictAction(nowOf(graph), { target: idOf(2), kind: "k", measurableAfterMs: 0 });
    assert.deepEqual([said.code, said.zone, said.crosses, said.crossed], ["", "shop", ["front"], 1]);
    assert.ok(said.share.high >= trafficShare.high * 1e6 && said.share.low <= trafficShare.low * 1e6);
    assert.ok(said.share.high > 500_000, "all of the traffic gets there");
    assert.deepEqual(said.neighbourhood, [idOf(2), idOf(1)]);
    assert.equal(
      predictAction(nowOf(graph), { target: idOf(1), kind: "k", measurableAfterMs: 0 }).neighbourhood.length,
      3,
    );
    declareZones(graph, ["shop", "shop", "shop"]);
    assert.equal(
      predictAction(nowOf(graph), { target: idOf(2), kind: "k", measurableAfterMs: 0 }).crossed,
      0,
      "the zone was another",
    );
    assert.equal(
      predictAction(nowOf(graph), { target: idOf(2), kind: "k", measurableAfterMs: 0 }).modelVersion,
      graph.size,
    );
  });

  test("says that nothing was ever measured, and knows membership in a zone", () => {
    const graph = new Graph();
    record(graph, { type: "model.opened", facts: { format: 1 } }, BEGIN_MS);
    const edge = {
      kind: "member-of",
      from: service("s0"),
      to: { kind: "trust-zone", environment: "production", name: "pci" },
    } as const;
    const edges = [{ edge, attributes: {}, contracts: [] }];
    record(graph, decideDeclared(graph, { feed: "file", at: graph.time, nodes: [], edges }), BEGIN_MS);
    const said = predictAction(nowOf(graph), { target: idOf(0), kind: "k", measurableAfterMs: 0 });
    assert.deepEqual([said.code, said.zone, said.share.high], ["unmeasured", "pci", 1_000_000]);
  });
});

describe("what is not known", () => {
  test("widens the bounds and is named: a use that is only declared, and telemetry that is old", () => {
    const production = { calls: [[], []], ownFailures: [0.1, 0.1], entries: [1] };
    const graph = observe(production, chance(3), { windows: 2, requests: 300 });
    const edge = { kind: "calls", from: service("s0"), to: service("ledger") } as const;
    const edges = [{ edge, attributes: {}, contracts: [] }];
    record(graph, decideDeclared(graph, { feed: "file", at: graph.time, nodes: [], edges }), graph.time);
    const { services, unknown, isStale } = predictImpact(nowOf(graph), {
      target: "service:production:ledger",
      failing: 1,
    });
    assert.deepEqual(unknown, ["service:production:s0 uses service:production:ledger"]);
    assert.deepEqual([services[0]?.part.low, services[0]?.part.high, isStale], [0, 1, false]);
    const later = new Present(graph, { at: Math.floor(graph.time / 1000) + 3_600, seqEnd: graph.size });
    const old = predictImpact(later, { target: idOf(0), failing: 1 });
    assert.equal(old.isStale, true);
    assert.equal(old.entries[0]?.part.high, 1);
  });

  test("of a part is the less the more was seen", () => {
    assert.deepEqual(measuredPart(0, 0, 0.5), { low: 0, mid: 0.5, high: 1 });
    let last = 1;
    for (const count of [10, 100, 1000, 10_000]) {
      const { low, mid, high } = measuredPart(count * 0.3, count, 0.5);
      assert.ok(low <= 0.3 && 0.3 <= high && low <= mid && mid <= high && high - low < last);
      last = high - low;
    }
  });
});

test("of many who suffer the worst are listed in order, and of equals those that were reached first", () => {
  const parts = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 200 });
  fc.assert(
    fc.property(parts, fc.integer({ min: 1, max: 50 }), (values, count) => {
      const worst = new Worst(count);
      for (const [thing, value] of values.entries()) worst.add(thing, value / 30);
      const all = values.map((value, thing) => ({ value, thing })).toSorted((a, b) => b.value - a.value);
      assert.deepEqual(
        worst.sorted(),
        all.slice(0, count).map(({ thing }) => thing),
      );
    }),
  );
});

test("an answer is made once for a version of the model, and made again when more is known", () => {
  const production = randomProduction(chance(3), 8);
  const graph = observe(production, chance(3000), { windows: 3, requests: 100 });
  const answerer = new Answerer(graph);
  const times = { at: graph.time, knownAt: graph.time };
  const read = { what: "action", target: idOf(5), kind: "note", measurableAfterMs: 1, ...times } as const;
  const first = answerer.answer(read);
  assert.equal(answerer.prepare(graph.time + 1000), false, "nothing is new");
  assert.equal(answerer.answer(read), first);
  assert.notDeepEqual(answerer.answer({ ...read, target: idOf(6) }), first);
  const nodes = [{ node: service(serviceName(5)), attributes: { zone: "pci" }, contracts: [] }];
  const at = graph.time + 2000;
  record(graph, decideDeclared(graph, { feed: "owners", nodes, edges: [], at }), at);
  assert.equal(answerer.prepare(at), true);
  const asked = { ...read, at: at - 1000, knownAt: at };
  assert.equal((answerer.answer(asked) as { zone: string }).zone, "pci", "it was asked just before");
  assert.equal(answerer.answer(asked), answerer.answer({ ...read, at, knownAt: at }), "nothing was laid out again");
  assert.equal(answerer.prepare(at + 31_000), true, "what is there ages");
});
