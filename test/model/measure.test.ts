// What a change really did, measured from telemetry: against who does not need its target, and never where nobody can tell.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decideChange } from "../../src/model/change.ts";
import { Calibration } from "../../src/model/impact/calibration.ts";
import { dueChanges, impactOfAction } from "../../src/model/impact/due-impacts.ts";
import { predictAction } from "../../src/model/impact/predict-action.ts";
import { Present } from "../../src/model/impact/present.ts";
import { readCalibration } from "../../src/model/impact/read-calibration.ts";
import { serviceState } from "../../src/model/impact/service-state.ts";
import type { StateCounts } from "../../src/wire/contracts/health.ts";
import { readNode } from "../../src/model/reads.ts";
import { parseGraph, serializeGraph } from "../../src/model/snapshot.ts";
import { service } from "./histories.ts";
import { Life, TARGET, TERMS, type Fault } from "./life.ts";
import { chance, serviceName } from "./simulated.ts";

test("what was counted of a service before an action and since, by itself and by its callers, is told apart", () => {
  const life = new Life();
  life.pass(6);
  const [beforeS, sinceS] = [life.nowS, life.nowS + 60];
  life.pass(4, [{ of: 2, failing: 0.5 }]);
  const read = { what: "state", node: TARGET, beforeS, stepS: beforeS, sinceS, windowS: 60 } as const;
  const { own, called } = serviceState(life.graph, read);
  assert.ok(own !== null && called !== null);
  const part = ({ failed, requests }: StateCounts): number => failed / requests;
  assert.ok(part(own.before) < 0.05 && part(own.after) > 0.4, JSON.stringify(own));
  assert.ok(part(called.before) < 0.05 && part(called.after) > 0.4, JSON.stringify(called));
  for (const { after } of [own, called]) {
    assert.deepEqual([after.windows, after.p95Windows], [3, 3], "the first is of both times");
  }
  assert.ok((own.before.p95Ms ?? 0) > 0);
  const quiet = serviceState(life.graph, { ...read, node: `service:production:${serviceName(0)}`, sinceS: life.nowS });
  assert.equal(quiet.own?.after.requests, 0);
  assert.equal(quiet.called, null, "nobody calls an entry");
  assert.throws(() => serviceState(life.graph, { ...read, node: "service:production:gone" }), {
    code: "model-node-not-found",
  });
});

test("an action that takes longer than is counted is held against the oldest that is, never against what was just now", () => {
  const life = new Life();
  life.pass(12);
  const beforeS = life.nowS;
  const state = () => {
    const at = { beforeS, stepS: life.nowS, sinceS: life.nowS } as const;
    const { own } = serviceState(life.graph, { what: "state", node: TARGET, windowS: 60, ...at });
    return own === null ? null : own.before.failed / own.before.requests;
  };
  life.pass(70, [{ of: 2, failing: 0.2 }]);
  assert.ok((state() ?? 1) < 0.05, "the time before it is counted still");
  life.pass(20, [{ of: 2, failing: 0.6 }]);
  const before = state() ?? 1;
  assert.ok(before > 0.15 && before < 0.3, `${before}: half an hour of its first phases, and not of the last one`);
});

describe("the impact of a change that somebody made", () => {
  test("is measured once what followed it is counted, entry by entry, and what all entries went through is not its doing", () => {
    const life = new Life();
    life.pass(6);
    life.change("v2");
    // Everything fails a little more at the time, and the target much more.
    const drift = [0, 1, 3].map((of) => ({ of, failing: 0.11 }));
    life.pass(12, [...drift, { of: 2, failing: 0.5 }]);
    assert.equal(dueChanges(life.graph, life.nowS, TERMS).length, 0, "not all of it is counted yet");
    life.pass(1);
    life.measure();
    life.measure();
    assert.equal(life.graph.impacts.length, 1, "once");
    const { outcome, actual, kind, entries, stated } = life.last;
    assert.deepEqual([outcome, kind], ["measured", "change:deploy"]);
    // Of the 40 % that enter at s0 about a half failed, and nobody else for it.
    assert.ok(actual !== null && Math.abs(actual.mid - 180_000) < 40_000, JSON.stringify(actual));
    assert.ok(actual.low <= actual.mid && actual.mid <= actual.high);
    assert.ok(stated.low === 0 && stated.high > 380_000, "nothing was known of deploys, so all of it was at stake");
    assert.equal(entries.length, 10, "two entries get to it");
    // The deploy itself says so, with what was said before; and said nothing of it before it was measured.
    const now = { at: life.nowS * 1000, knownAt: life.nowS * 1000 };
    for (const id of [TARGET, "deploy::deploy/v2"]) {
      const [deploy] = readNode(life.graph, id, now).changes;
      assert.deepEqual(
        [deploy?.impact?.actual, deploy?.impact?.stated, deploy?.impact?.outcome],
        [actual, stated, outcome],
      );
      const [then] = readNode(life.graph, id, { ...now, knownAt: now.knownAt - 60_000 }).changes;
      assert.deepEqual([then?.id, then?.impact], ["v2", null]);
    }
  });

  test("comes out the same when the server was killed before it, in the midst of it and after, whatever it restarts from", () => {
    const live = (kills: readonly ("log" | "snapshot" | null)[]) => {
      const life = new Life();
      const pass = (windows: number, faults: readonly Fault[], i: number): void => {
        life.pass(windows, faults);
        const from = kills[i] ?? null;
        if (from !== null) life.kill(from);
      };
      pass(6, [], 0);
      life.change("v2");
      const faults = [{ of: 2, failing: 0.5 }];
      pass(5, faults, 1);
      pass(8, faults, 2);
      life.measure();
      return life;
    };
    const whole = live([]);
    assert.equal(whole.last.outcome, "measured");
    for (const kills of [["log"], [null, "log"], [null, null, "snapshot"], ["snapshot", "log", "snapshot"]] as const) {
      assert.deepEqual(live(kills).last, whole.last, kills.join());
    }
  });

  test("confirms the dependencies that moved with its target, refutes the one that did not, and keeps the evidence", () => {
    const life = new Life();
    life.pass(6);
    life.change("v2");
    life.pass(13, [{ of: 2, failing: 0.6 }]);
    life.measure();
    const stateOf = (entry: number): string | undefined => {
      const { names } = life.graph;
      const from = names.findNode(`operation:production:${serviceName(entry)} GET /`) ?? -1;
      const edge = names.findEdge("reaches", from, names.findNode(TARGET) ?? -1) ?? -1;
      return life.graph.holding(edge * 2 + 1, { at: life.nowS, seqEnd: life.graph.size })?.state;
    };
    assert.deepEqual([stateOf(0), stateOf(1)], ["confirmed", "refuted"]);
    const evidence = [...life.graph.evidence.values()];
    assert.deepEqual(evidence, [["v2"], ["v2"], ["v2"], ["v2"]], "of both entries, and of the calls of both");
  });

  test("is not told, and tests nothing, with another change at the time, or without telemetry enough", () => {
    const crowded = new Life();
    crowded.pass(6);
    crowded.change("v2");
    crowded.change("flag", "flag", 0);
    crowded.pass(13, [{ of: 2, failing: 0.6 }]);
    crowded.measure();
    assert.deepEqual(
      crowded.graph.impacts.map(({ outcome }) => outcome),
      ["concurrent", "concurrent"],
    );
    assert.equal(crowded.graph.evidence.size, 0);
    assert.equal(crowded.graph.calibrations.size, 0, "and nothing is learned");

    const elsewhere = new Life();
    elsewhere.pass(6);
    elsewhere.change("v2");
    const at = elsewhere.nowS * 1000;
    const target = { ...service(serviceName(0)), environment: "staging" };
    elsewhere.record(
      decideChange(elsewhere.graph, { id: "v9", kind: "deploy", at, targets: [target], settings: [] }),
      at,
    );
    elsewhere.pass(13, [{ of: 2, failing: 0.6 }]);
    elsewhere.measure();
    assert.equal(elsewhere.graph.impacts.find(({ id }) => id === "v2")?.outcome, "measured", "another environment");

    const silent = new Life();
    silent.pass(1);
    silent.change("v2");
    silent.pass(13);
    silent.measure();
    assert.deepEqual([silent.last.outcome, silent.last.actual], ["no-telemetry", null]);

    const quiet = new Life();
    quiet.pass(6);
    quiet.change("v2");
    quiet.pass(13, [], 5);
    quiet.measure();
    assert.equal(quiet.last.outcome, "no-telemetry", "five requests a minute are too few");
  });

  test("of an action that was taken back counts until then, and not beyond", () => {
    const life = new Life();
    life.pass(6);
    const fromS = life.nowS;
    life.pass(4, [{ of: 2, failing: 0.8 }]);
    const untilS = life.nowS;
    life.pass(9);
    const target = life.graph.names.findNode(TARGET) ?? -1;
    const of = { source: "action", id: "act_1", kind: "k", target, fromS, toS: fromS, isConcurrent: false } as const;
    life.take({ ...of, untilS });
    const stopped = life.last.actual?.mid ?? 0;
    life.take({ ...of, id: "act_2" });
    assert.ok(stopped > 1.7 * (life.last.actual?.mid ?? 0), `${stopped} against ${life.last.actual?.mid}`);
  });

  test("of an action is asked for once it is counted, measured once, and shares no blame with what else was done", () => {
    const life = new Life();
    life.pass(6);
    const [beganAt, doneAt] = [life.nowS * 1000, life.nowS * 1000 + 500];
    const stated = { low: 0, mid: 100_000, high: 450_000 };
    const place = { environment: "production", service: serviceName(2), kind: "cluster.restart" };
    const ask = { action: "act_1", ...place, beganAt, doneAt, isConcurrent: false, exposure: stated, stated };
    const due = (of: Partial<typeof ask> = {}) =>
      impactOfAction(life.graph, { ...ask, ...of }, { ...TERMS, nowS: life.nowS });
    life.pass(12, [{ of: 2, failing: 0.5 }]);
    assert.equal(due(), null, "not all of it is counted");
    life.pass(2);
    assert.equal(due({ service: "nobody" }), "known", "there is nothing to measure");
    const found = due();
    assert.ok(found !== null && found !== "known");
    assert.equal(found.isConcurrent, false);
    life.take(found);
    assert.equal(due(), "known", "once");
    assert.deepEqual([life.last.stated, life.last.source], [stated, "action"]);
    const other = due({ action: "act_2", service: serviceName(0) });
    assert.ok(other !== null && other !== "known" && other.isConcurrent, "the first was done at the same time");
  });

  test("is folded, saved and read again as it was, with what was learned of the kind", () => {
    const life = new Life();
    life.pass(6);
    life.change("v2");
    life.pass(13, [{ of: 2, failing: 0.5 }]);
    life.measure();
    const again = parseGraph(serializeGraph(life.graph));
    assert.deepEqual(readCalibration(again, null), readCalibration(life.graph, null));
    const { kinds, outcomes } = readCalibration(again, "change:deploy");
    assert.deepEqual([kinds[0]?.count, outcomes[0]?.target, outcomes[0]?.entries.length], [1, TARGET, 2]);
    assert.equal(readCalibration(again, "change:flag").kinds.length, 0);
    const present = new Present(again, { at: life.nowS, seqEnd: again.size });
    const { past, share, exposure } = predictAction(present, {
      target: TARGET,
      kind: "change:deploy",
      measurableAfterMs: 0,
    });
    assert.deepEqual(past, [life.last.actual?.mid]);
    assert.equal(share.high, exposure.high, "one outcome corrects nothing yet");
  });
});

describe("the calibration of a kind", () => {
  const exposure = { low: 300_000, mid: 400_000, high: 500_000 };

  test("says all that is at stake until it has learned, narrows with harmless outcomes, and never says nothing", () => {
    const calibration = new Calibration();
    assert.deepEqual(calibration.state(exposure), { low: 0, mid: 400_000, high: 500_000 });
    for (let i = 0; i < 60; i++) calibration.add({ exposure, stated: calibration.state(exposure), actual: 0 });
    assert.deepEqual(calibration.state(exposure), { low: 0, mid: 0, high: 10_000 });
    assert.equal(calibration.view("k").coverage, 1);
  });

  test("widens beyond what is at stake by the graph where outcomes were beyond it", () => {
    const calibration = new Calibration();
    for (let i = 0; i < 40; i++) calibration.add({ exposure, stated: calibration.state(exposure), actual: 750_000 });
    assert.ok(calibration.state(exposure).high >= 750_000);
    assert.equal(calibration.state({ low: 0, mid: 0, high: 900_000 }).high, 1_000_000, "never more than all");
  });

  test("holds nine outcomes in ten in the long run, also where they drift", () => {
    const calibration = new Calibration();
    const random = chance(9);
    let within = 0;
    for (let i = 0; i < 4_000; i++) {
      const stated = calibration.state(exposure);
      const actual = Math.round(500_000 * random() * (i < 2_000 ? 0.3 : 0.9));
      if (actual >= stated.low && actual <= stated.high) within++;
      calibration.add({ exposure, stated, actual });
    }
    assert.ok(Math.abs(within / 4_000 - 0.9) < 0.02, `${within}`);
  });

  test("learns nothing where hardly anything was at stake", () => {
    const calibration = new Calibration();
    const tiny = { low: 0, mid: 0, high: 4_999 };
    for (let i = 0; i < 60; i++) calibration.add({ exposure: tiny, stated: tiny, actual: 0 });
    assert.equal(calibration.view("k").recent, 0);
  });
});
