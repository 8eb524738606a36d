// What the ledger tells the graph: once each, from when it was so, and nothing that stands or falls with production.

import assert from "node:assert/strict";
import { test } from "node:test";
import { decideChange } from "../../src/model/change.ts";
import { decideDeclared } from "../../src/model/declare.ts";
import type { ModelDraft } from "../../src/model/events.ts";
import { Graph } from "../../src/model/graph.ts";
import { predictImpact } from "../../src/model/impact/blast-radius.ts";
import { Present } from "../../src/model/impact/present.ts";
import { readGraph, readNode } from "../../src/model/reads.ts";
import { parseGraph, serializeGraph } from "../../src/model/snapshot.ts";
import { decideTold } from "../../src/model/tell.ts";
import { toldAction, toldIncident, toldPolicies, type Told } from "../../src/model/told.ts";
import type { IncidentView } from "../../src/wire/types/incident-views.ts";
import type { ActionView } from "../../src/wire/types/views.ts";
import { service } from "./histories.ts";

const T = 1_790_000_000_000;
const at = (seconds: number): number => T + seconds * 1000;
const ACTION = "action:production:act_1";
const INCIDENT = "incident:production:inc_1";

const verdicts = [{ gate: "pager/small/blastRadius" }, { gate: "kernel/brake" }, { gate: "identity" }];
const action = (more: Partial<ActionView>): ActionView =>
  ({
    ...{ id: "act_1", environment: "production", service: "cart", kind: "kubernetes.restart", incident: "inc_1" },
    ...{ status: "evaluating", proposedAt: at(10), updatedAt: at(10), attempt: 0, dryRun: false },
    ...{ signed: null, evaluation: null },
    ...more,
  }) as unknown as ActionView;
const done = action({
  status: "succeeded",
  updatedAt: at(40),
  attempt: 1,
  signed: { key: "k" } as never,
  evaluation: { decision: "allow", verdicts } as never,
});
const incident = (more: Partial<IncidentView>): IncidentView =>
  ({
    ...{
      id: "inc_1",
      environment: "production",
      services: ["cart", "what we call it"],
      status: "open",
      openedAt: at(5),
    },
    ...{ resolvedAt: null, lastSignalAt: at(5), mergedInto: null, reopened: 0, explained: null },
    ...more,
  }) as unknown as IncidentView;
const CAUSE = { kind: "change", cause: "Release 7", changeKind: "deploy", scorePpm: 1, chain: [] } as const;
const explained = { modelVersion: 1, causes: [CAUSE], at: at(60), evidenceSeq: 1 };
const followed = { kind: "incident", environment: "production", name: "inc_1" } as const;

class Model {
  graph = new Graph();
  #seq = 0;
  record(draft: ModelDraft | null, seconds: number): void {
    assert.ok(draft !== null);
    this.graph.apply({ seq: this.#seq++, time: at(seconds), ...draft });
    this.graph = parseGraph(serializeGraph(this.graph));
  }
  tell(told: readonly Told[], seconds: number): void {
    this.record(decideTold(this.graph, told).draft, seconds);
  }
  edges(node: string, seconds: number): readonly string[] {
    const read = readNode(this.graph, node, { at: at(seconds), knownAt: at(1_000) });
    return read.edges.map(({ kind, from, to }) => `${from} ${kind} ${to}`).toSorted();
  }
  statusOf(node: string, asked: { at: number; knownAt: number }): string | undefined {
    const [kind] = node.split(":", 1) as ["action"];
    const { nodes } = readGraph(this.graph, { ...asked, kinds: [kind], from: 0, limit: 100 });
    return nodes.find(({ id }) => id === node)?.declared?.attributes["status"];
  }
}

function told(): Model {
  const model = new Model();
  model.record({ type: "model.opened", facts: { format: 1 } }, 0);
  const deploy = { id: "Release 7", kind: "deploy", at: at(1), targets: [service("cart")], settings: [] } as const;
  model.record(decideChange(model.graph, deploy), 1);
  model.tell([toldPolicies([{ name: "pager", after: null }], at(2)), toldIncident(incident({}))], 6);
  model.tell([toldAction(action({}), null)], 12);
  model.tell(
    [toldAction(done, at(20)), toldIncident(incident({ status: "resolved", resolvedAt: at(50), explained }))],
    61,
  );
  model.tell([toldPolicies([{ name: "after-inc-1", after: followed }], at(80))], 81);
  return model;
}

test("an incident, what was done about it, and the policies before and after, are nodes with the edges between them", () => {
  const model = told();
  assert.deepEqual(model.edges(INCIDENT, 70), [
    "deploy::deploy/release-7 caused incident:production:inc_1",
    "incident:production:inc_1 caused action:production:act_1",
    "service:production:cart caused incident:production:inc_1",
  ]);
  assert.deepEqual(model.edges(ACTION, 70), [
    "action:production:act_1 configured-by policy::pager",
    "incident:production:inc_1 caused action:production:act_1",
    "service:production:cart changed-by action:production:act_1",
  ]);
  assert.ok(!model.edges(ACTION, 19).some((edge) => edge.includes("changed-by")), "it had not begun");
  assert.deepEqual(model.edges("policy::after-inc-1", 90), ["incident:production:inc_1 caused policy::after-inc-1"]);
  assert.deepEqual(model.edges("policy::pager", 90), [], "it is not in force any more");
  const [node] = readGraph(model.graph, { at: at(90), knownAt: at(90), kinds: ["action"], from: 0, limit: 9 }).nodes;
  const attributes = { kind: "kubernetes.restart", signed: "yes", decision: "allow", status: "succeeded" };
  assert.deepEqual(node?.declared?.attributes, attributes);
});

test("what happened is read as of any moment, and as it was known then", () => {
  const model = told();
  const known = at(100);
  assert.equal(model.statusOf(ACTION, { at: at(9), knownAt: known }), undefined);
  assert.equal(model.statusOf(ACTION, { at: at(39), knownAt: known }), "evaluating");
  assert.equal(model.statusOf(ACTION, { at: at(45), knownAt: known }), "succeeded");
  assert.equal(model.statusOf(ACTION, { at: at(45), knownAt: at(60) }), "evaluating", "nobody knew yet");
  assert.equal(model.statusOf(INCIDENT, { at: at(49), knownAt: known }), "open");
  assert.equal(model.statusOf(INCIDENT, { at: at(51), knownAt: known }), "resolved");
  const before = readNode(model.graph, INCIDENT, { at: at(30), knownAt: at(60) });
  assert.ok(!before.edges.some(({ from }) => from.startsWith("deploy")), "it was not explained yet");
});

test("what is told again changes nothing, whatever was told last stays, and what nobody knows is not made up", () => {
  const model = told();
  const again = [
    toldAction(done, at(20)),
    toldIncident(incident({ status: "resolved", resolvedAt: at(50), explained })),
  ];
  assert.deepEqual(decideTold(model.graph, again), { draft: null, dropped: 0 });
  const unknown = incident({
    id: "inc_2",
    services: [],
    explained: { ...explained, causes: [{ ...CAUSE, cause: "other" }] },
  });
  model.tell([toldIncident(unknown)], 100);
  assert.deepEqual(model.edges("incident:production:inc_2", 110), []);
  const odd = toldAction(action({ id: "act_2", service: "no node", incident: "inc_9", attempt: 1 }), at(20));
  model.tell([odd], 120);
  assert.deepEqual(model.edges("action:production:act_2", 130), []);
});

test("another feed's words of the same things stand beside it, and nothing suffers with a happening", () => {
  const model = told();
  const nodes = [
    { node: { kind: "action", environment: "production", name: "act_1" }, contracts: [], attributes: { owner: "ada" } },
  ] as const;
  model.record(decideDeclared(model.graph, { feed: "people", at: at(95), nodes, edges: [] }), 95);
  assert.equal(model.statusOf(ACTION, { at: at(96), knownAt: at(100) }), "succeeded");
  const present = new Present(model.graph, { at: Math.floor(at(70) / 1000), seqEnd: model.graph.size });
  for (const target of ["policy::pager", INCIDENT, "service:production:cart"]) {
    assert.deepEqual(predictImpact(present, { target, failing: 1 }).services, []);
    assert.equal(present.resting.size, 0);
  }
});
