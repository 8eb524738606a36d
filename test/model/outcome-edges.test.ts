// Outcomes test the graph: who fails with whom, and which change caused a failure, confirmed, refuted, or as open as before.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readNode } from "../../src/model/reads.ts";
import { subjectOfEdge } from "../../src/model/names.ts";
import { impactOfAction } from "../../src/model/impact/due-impacts.ts";
import type { EdgeKind } from "../../src/wire/types/model.ts";
import { Life, TARGET, TERMS, type Fault } from "./life.ts";
import { serviceName } from "./simulated.ts";

const nodeOf = (i: number): string => `service:production:${serviceName(i)}`;
const DEPLOY = "deploy::deploy/bad";
const FAULT: Fault = { of: 2, failing: 0.6 };

function stateOf(life: Life, kind: EdgeKind, [from, to]: readonly [string, string], at = life.nowS) {
  const { names } = life.graph;
  const edge = names.findEdge(kind, names.findNode(from) ?? -1, names.findNode(to) ?? -1);
  if (edge === undefined) return undefined;
  return life.graph.holding(subjectOfEdge(edge), { at, seqEnd: life.graph.sizeAt(at * 1000) })?.state;
}

describe("calls on the way to what changed", () => {
  test("are confirmed where the caller failed along, refuted where it surely did not, and untested with other changes near", () => {
    const life = new Life();
    life.pass(6);
    life.change("v2");
    const before = life.nowS;
    life.pass(13, [FAULT]);
    life.measure();
    const calls = (from: number, at?: number) => stateOf(life, "calls", [nodeOf(from), TARGET], at);
    assert.deepEqual([calls(0), calls(1)], ["confirmed", "refuted"]);
    assert.deepEqual([calls(0, before), calls(1, before)], ["observed", "observed"], "as of then");

    const crowded = new Life();
    crowded.pass(6);
    crowded.change("v2");
    crowded.change("flag", "flag", 0);
    crowded.pass(13, [FAULT]);
    crowded.measure();
    assert.equal(stateOf(crowded, "calls", [nodeOf(0), TARGET]), "observed");
  });
});

describe("what caused a failure", () => {
  /** A deploy after which its service fails; then somebody does something to that, and it goes on failing as said. */
  function incident(
    after: readonly Fault[],
    of: { isConcurrent?: boolean; kind?: string; earlier?: boolean } = {},
  ): Life {
    const life = new Life();
    life.pass(40);
    if (of.earlier === true) life.change("also", "configuration");
    life.change("bad");
    life.pass(8, [FAULT]);
    const doneAt = life.nowS * 1000;
    life.pass(14, after);
    const said = { low: 0, mid: 0, high: 1_000_000 };
    const action = { action: "act_1", kind: of.kind ?? "kubernetes.rollback", environment: "production" };
    const ask = { ...action, service: serviceName(2), beganAt: doneAt, doneAt, exposure: said, stated: said };
    const due = impactOfAction(
      life.graph,
      { ...ask, isConcurrent: of.isConcurrent ?? false },
      { ...TERMS, nowS: life.nowS },
    );
    assert.ok(due !== null && due !== "known");
    life.take(due);
    return life;
  }
  const caused = (life: Life, symptom: number, at?: number) => stateOf(life, "caused", [DEPLOY, nodeOf(symptom)], at);

  test("is confirmed by an action on it that ended the failure, for every service that it ended for, with its evidence", () => {
    const life = incident([]);
    assert.equal(life.last.outcome, "measured");
    assert.deepEqual([caused(life, 2), caused(life, 0)], ["confirmed", "confirmed"]);
    assert.equal(caused(life, 1), undefined, "it never failed");
    assert.equal(caused(life, 2, life.nowS - 20 * 60), undefined, "nobody knew it then");
    const now = life.nowS * 1000;
    const { history, edges } = readNode(life.graph, DEPLOY, { at: now, knownAt: now });
    const told = history.find(({ edge }) => edge?.kind === "caused" && edge.to === TARGET);
    assert.deepEqual([told?.state, told?.evidence], ["confirmed", ["act_1", "bad"]]);
    assert.ok(edges.some(({ kind, state }) => kind === "caused" && state === "confirmed"));
  });

  test("is refuted by an action on it after which it failed as before", () => {
    const life = incident([FAULT]);
    assert.deepEqual([caused(life, 2), caused(life, 0)], ["refuted", "refuted"]);
  });

  test("stays unconfirmed with something else at the time, where it ended in part, and where it may have been another change", () => {
    assert.equal(caused(incident([], { isConcurrent: true }), 2), "observed");
    assert.equal(caused(incident([{ of: 2, failing: 0.3 }]), 2), "observed");
    const two = incident([], { earlier: true });
    const states = [DEPLOY, "change::configuration/also"].map((one) => stateOf(two, "caused", [one, TARGET]));
    assert.deepEqual(new Set(states), new Set(["observed", undefined]));
  });

  test("is not taken back by somebody who cannot tell, and is by a later test", () => {
    const life = incident([]);
    life.pass(20);
    life.pass(8, [FAULT]);
    life.change("again");
    life.change("elsewhere", "flag", 3);
    life.pass(14);
    life.measure();
    assert.equal(caused(life, 2), "confirmed");
  });

  test("is asked of nothing where nothing failed before", () => {
    const life = new Life();
    life.pass(20);
    life.change("bad");
    life.pass(14, [FAULT]);
    life.measure();
    assert.equal(caused(life, 2), undefined);
  });
});
