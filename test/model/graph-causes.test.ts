// Causes asked of the graph: what its windows measured and its changes set, as it was known.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isAppError } from "../../src/core/errors.ts";
import { readCauses } from "../../src/model/causes/read-causes.ts";
import { decideChange } from "../../src/model/change.ts";
import { decideDeclared } from "../../src/model/declare.ts";
import type { ModelDraft } from "../../src/model/events.ts";
import { Graph } from "../../src/model/graph.ts";
import { Mint } from "../../src/model/mint.ts";
import { subjectOfEdge, subjectOfNode } from "../../src/model/names.ts";
import { Answerer } from "../../src/model/answer.ts";
import type { ClusterObject } from "../../src/wire/types/cluster-object.ts";
import type { Explained } from "../../src/wire/types/explanation.ts";
import type { ModelCausesView } from "../../src/wire/types/model-views.ts";
import type { NodeRef, SettingChange } from "../../src/wire/types/model.ts";
import { BEGIN_S, service } from "./histories.ts";

const HOUR_S = 3600;
const END_S = BEGIN_S + 10 * 24 * HOUR_S;
const GATE = "service:production:gate";

/** Measures of one hour: of each service its errors, and of each call what the caller sees. */
type Hour = (hour: number) => {
  readonly nodes: Readonly<Record<string, number>>;
  readonly calls: readonly (readonly [string, string, number])[];
};

class Production {
  readonly graph = new Graph();
  #timeMs = BEGIN_S * 1000;

  #apply(draft: ModelDraft | null, atS: number): void {
    assert.ok(draft);
    this.#timeMs = Math.max(this.#timeMs, atS * 1000);
    this.graph.apply({ seq: this.graph.size, time: this.#timeMs, ...draft });
  }

  run(hourOf: Hour, fromS = BEGIN_S, toS = END_S): void {
    for (let at = fromS; at < toS; at += HOUR_S) {
      const mint = new Mint(this.graph);
      const node = (name: string): number => mint.node(`service:production:${name}`);
      const { nodes, calls } = hourOf((at - BEGIN_S) / HOUR_S);
      const load = 40 + 10 * (((at - BEGIN_S) / HOUR_S) % 24);
      const measured = [
        ...Object.entries(nodes).flatMap(([name, errors]) => [
          subjectOfNode(node(name)),
          at,
          load,
          0,
          errors,
          20,
          60,
          0,
          0,
        ]),
        ...calls.flatMap(([from, to, errors]) => [
          subjectOfEdge(mint.edge("calls", node(from), node(to))),
          at,
          load,
          1,
          errors,
          10,
          30,
          0,
          0,
        ]),
      ];
      this.#apply(
        { type: "model.window", facts: { ...mint.minted, from: at, to: at + HOUR_S, measured, ended: [] } },
        at,
      );
    }
  }

  embed(from: NodeRef, to: NodeRef): void {
    this.declare([["embeds", from, to]]);
  }

  declare(those: readonly (readonly ["embeds" | "calls" | "configured-by", NodeRef, NodeRef])[]): void {
    const edges = those.map(([kind, from, to]) => ({ edge: { kind, from, to }, attributes: {}, contracts: [] }));
    this.#apply(decideDeclared(this.graph, { feed: "builds", at: BEGIN_S * 1000, nodes: [], edges }), BEGIN_S);
  }

  change(id: string, hour: number, target: NodeRef, settings: readonly SettingChange[] = []): void {
    const at = BEGIN_S + hour * HOUR_S;
    this.#apply(decideChange(this.graph, { id, kind: "deploy", at: at * 1000, targets: [target], settings }), at);
  }
}

const quiet = (hour: number): number => 0.001 + (hour % 5) * 0.0001;
const LATE = 10 * 24 - 2;

/** `cart` fails because its calls to `redis` do, and `gate` with it; redis by itself is well. */
const failing: Hour = (hour) => ({
  nodes: {
    gate: hour >= LATE ? 0.4 : quiet(hour),
    cart: hour >= LATE ? 0.5 : quiet(hour),
    redis: quiet(hour),
    poster: quiet(hour),
  },
  calls: [
    ["gate", "cart", hour >= LATE ? 0.5 : quiet(hour)],
    ["gate", "poster", quiet(hour)],
    ["cart", "redis", hour >= LATE ? 0.6 : quiet(hour)],
  ],
});

const LIBRARY: NodeRef = { kind: "library", environment: null, name: "redis-client" };
const ask = (graph: Graph, knownAt = END_S) =>
  readCauses(graph, { what: "causes", node: GATE, measure: "errors", at: END_S * 1000, knownAt: knownAt * 1000 });

function shop(): Production {
  const production = new Production();
  production.run(failing, BEGIN_S, BEGIN_S + HOUR_S);
  production.embed(service("cart"), LIBRARY);
  production.run(failing, BEGIN_S + HOUR_S);
  return production;
}

test("a library's shorter timeout is followed over the service that embeds it to the gate, days later", () => {
  const production = shop();
  production.change("lib-7", 7 * 24, LIBRARY, [{ key: "client.timeout", before: 500, after: 50, unit: "ms" }]);
  production.change("more-room", 9 * 24, service("cart"), [
    { key: "limits.memory", before: 1, after: 2, unit: "bytes" },
  ]);
  production.change("poster-3", LATE - 1, service("poster"));
  const { causes, suffering } = ask(production.graph);
  assert.deepEqual(
    causes.map(({ change }) => change),
    ["lib-7"],
  );
  assert.deepEqual(causes[0]?.chain.slice(-2), ["service:production:cart", GATE]);
  assert.match(causes[0]?.evidence.join(" ") ?? "", /client\.timeout: 500 to 50 ms/);
  assert.ok(suffering.length === 1, suffering.join());

  const times = { at: END_S * 1000, knownAt: END_S * 1000 };
  const read = new Answerer(production.graph).answer({ what: "explanation", node: GATE, ...times });
  const { explanation, evidence } = read as Explained;
  const [{ cause, changeKind, chain } = {} as never] = explanation.causes;
  assert.deepEqual([cause, changeKind, chain], ["lib-7", "deploy", causes[0]?.chain]);
  assert.match(evidence[0]?.join(" ") ?? "", /500 to 50 ms/);
});

test("each hop moved with the one before it or after it, and says when: who failed earlier is not on the way", () => {
  const production = new Production();
  const failsFrom = (begin: number, hour: number): number => (hour >= begin ? 0.5 : quiet(hour));
  production.run((hour) => ({
    nodes: {
      gate: failsFrom(LATE, hour),
      cart: failsFrom(LATE, hour),
      before: failsFrom(LATE - 1, hour),
      waiter: failsFrom(LATE, hour),
      zenith: failsFrom(LATE - 1, hour),
    },
    calls: [
      ["before", "cart", failsFrom(LATE, hour)],
      ["waiter", "cart", failsFrom(LATE, hour)],
      ["zenith", "cart", failsFrom(LATE, hour)],
      ["gate", "before", failsFrom(LATE, hour)],
      ["gate", "waiter", failsFrom(LATE, hour)],
      ["gate", "zenith", failsFrom(LATE, hour)],
    ],
  }));
  production.change("cart-2", LATE - 0.2, service("cart"));
  const [first] = ask(production.graph).causes;
  const way = ["service:production:cart", "service:production:waiter", GATE];
  assert.deepEqual(first?.chain, ["change:cart-2", ...way]);
  const whens = first?.evidence.filter((line) => /left its usual range \d+ s before the alert$/.test(line)) ?? [];
  assert.deepEqual(
    whens.map((line) => / of (\S+) left/.exec(line)?.[1]),
    way,
  );
});

test("no change explains what nothing was changed for, however recent a change elsewhere is", () => {
  const production = shop();
  production.change("poster-3", LATE, service("poster"));
  production.change("relief", LATE - 1, service("cart"), [
    { key: "client.timeout", before: 50, after: 500, unit: "ms" },
  ]);
  const { none, causes } = ask(production.graph);
  assert.ok(none);
  // What is known all the same: which service it is that fails by itself.
  assert.deepEqual(
    causes.map(({ kind, cause, chain }) => [kind, cause, chain]),
    [["service", "service:production:cart", ["service:production:cart", GATE]]],
  );
});

test("a change that nothing was measured to judge by is named as such, and neither as a cause nor as cleared", () => {
  const declared = new Production();
  declared.declare([
    ["calls", service("gate"), service("cart")],
    ["embeds", service("cart"), LIBRARY],
  ]);
  declared.change("lib-7", 1, LIBRARY, [{ key: "client.timeout", before: 500, after: 50, unit: "ms" }]);
  declared.change("cart-2", 2, service("cart"));
  declared.change("poster-3", 3, service("poster"));
  const { none, causes, unjudged } = ask(declared.graph);
  assert.deepEqual([none, causes, unjudged], [true, [], ["cart-2", "lib-7"]]);

  const measured = shop();
  measured.change("relief", LATE - 1, service("cart"), [{ key: "client.timeout", before: 50, after: 500, unit: "ms" }]);
  assert.deepEqual(ask(measured.graph).unjudged, []);
});

test("a key that services are configured by is followed to the one that failed with it, and one that nobody reads is not", () => {
  const production = shop();
  const key = (name: string): NodeRef => ({ kind: "config-key", environment: "production", name });
  production.declare([["configured-by", service("cart"), key("redis/timeout")]]);
  const shorter = { before: 500, after: 50, unit: "ms" } as const;
  production.change("shared-9", 8 * 24, key("redis/timeout"), [{ key: "redis.timeout", ...shorter }]);
  production.change("nobodys-1", 9 * 24, key("redis/old-timeout"), [{ key: "redis.timeout", ...shorter }]);
  const { causes } = ask(production.graph);
  assert.deepEqual(
    causes.map(({ change }) => change),
    ["shared-9"],
  );
  const way = ["change:shared-9", "config-key:production:redis/timeout", "service:production:cart", GATE];
  assert.deepEqual(causes[0]?.chain, way);
});

test("metrics alone are enough: of the service itself, without a call that anybody traced", () => {
  const production = new Production();
  production.run((hour) => ({ nodes: { gate: hour >= LATE ? 0.4 : quiet(hour) }, calls: [] }));
  production.change("gate-5", LATE - 0.2, service("gate"));
  production.change("gate-4", 24, service("gate"));
  const { causes } = ask(production.graph);
  assert.deepEqual([causes[0]?.change, causes[0]?.chain], ["gate-5", ["change:gate-5", GATE]]);
});

test("somebody else's service that fails is named as outside, and one that is declared is not", () => {
  const hours: Hour = (hour) => {
    const errors = hour >= LATE ? 0.5 : quiet(hour);
    return {
      nodes: { gate: errors, cart: errors, "card-network": hour >= LATE ? 0.6 : quiet(hour) },
      calls: [
        ["gate", "cart", errors],
        ["cart", "card-network", hour >= LATE ? 0.6 : quiet(hour)],
      ],
    };
  };
  const of = (isDeclared: boolean) => {
    const production = new Production();
    production.run(hours, BEGIN_S, BEGIN_S + HOUR_S);
    production.embed(service(isDeclared ? "card-network" : "cart"), LIBRARY);
    production.run(hours, BEGIN_S + HOUR_S);
    return ask(production.graph).causes[0];
  };
  const outside = of(false);
  assert.deepEqual([outside?.kind, outside?.cause], ["outside", "service:production:card-network"]);
  assert.deepEqual(outside?.chain, ["service:production:card-network", "service:production:cart", GATE]);
  assert.equal(of(true)?.kind, "service");
});

/** A deployment whose only pod was killed for memory. */
const pods = (name: string): ClusterObject[] => [
  {
    ...{ kind: "Deployment", namespace: "shop", name },
    body: { spec: { replicas: 1, template: { metadata: { labels: { app: name } }, spec: { containers: [] } } } },
  },
  {
    ...{ kind: "Pod", namespace: "shop", name: `${name}-abc-1` },
    body: {
      metadata: {
        labels: { app: name, "pod-template-hash": "abc" },
        ownerReferences: [{ kind: "ReplicaSet", name: `${name}-abc` }],
      },
      status: { phase: "Running", containerStatuses: [{ lastState: { terminated: { reason: "OOMKilled" } } }] },
    },
  },
];

test("the state of a cluster alone is enough: of what was never measured, the object that is wrong is named with its way", () => {
  const declared = new Production();
  declared.declare([["calls", service("gate"), service("cart")]]);
  const answerer = new Answerer(declared.graph);
  const terms = { environment: "production", serviceLabels: ["app"] };
  answerer.watch("eu-1", { objects: [...pods("cart"), ...pods("poster")], terms, seenAt: END_S * 1000 });
  const read = { what: "causes", node: GATE, measure: "errors", at: END_S * 1000, knownAt: END_S * 1000 } as const;
  const { causes, none } = answerer.answer(read) as ModelCausesView;
  assert.deepEqual(
    causes.map(({ kind, chain }) => [kind, chain]),
    [["infrastructure", ["shop/app/cart", "service:production:cart", GATE]]],
  );
  assert.ok(none);
  assert.match(causes[0]?.evidence.join() ?? "", /nothing was measured of service:production:cart/);
});

test("what a watched cluster says of a service that fails is a cause, and of another, or of another time, is none", () => {
  const production = shop();
  const terms = { environment: "production", serviceLabels: ["app"] };
  const answerer = new Answerer(production.graph);
  const asked = (at = END_S) =>
    answerer.answer({
      ...{ what: "causes", node: GATE, measure: "errors" },
      ...{ at: at * 1000, knownAt: END_S * 1000 },
    }) as ModelCausesView;
  answerer.watch("eu-1", { objects: [...pods("cart"), ...pods("poster")], terms, seenAt: END_S * 1000 });
  const [first] = asked().causes;
  assert.deepEqual([first?.kind, first?.cause], ["infrastructure", "shop/app/cart oom_killed"]);
  assert.deepEqual(first?.chain, ["shop/app/cart", "service:production:cart", GATE]);
  assert.ok(!JSON.stringify(asked().causes).includes("poster"));
  assert.ok(asked(END_S - HOUR_S).causes.every(({ kind }) => kind !== "infrastructure"));
});

test("a deploy that nothing more is known of counts where its service moved soon after it", () => {
  const production = shop();
  production.change("cart-12", LATE - 0.2, service("cart"));
  production.change("cart-11", 24, service("cart"));
  assert.deepEqual(
    ask(production.graph).causes.map(({ change }) => change),
    ["cart-12"],
  );
});

test("what was not yet known is not in the answer of then", () => {
  const production = shop();
  production.change("told-late", 7 * 24, LIBRARY, [{ key: "client.timeout", before: 500, after: 50, unit: "ms" }]);
  const { size } = production.graph;
  production.run(failing, END_S, END_S + HOUR_S);
  assert.equal(ask(production.graph).causes.length, 1);
  assert.equal(ask(production.graph, END_S - HOUR_S * 2).modelVersion < size, true);
  assert.deepEqual(ask(production.graph, BEGIN_S + HOUR_S).causes, []);
});

test("a node that was never known is told so", () => {
  const production = shop();
  const never = (): unknown =>
    readCauses(production.graph, {
      what: "causes",
      node: "service:production:nobody",
      measure: "errors",
      at: END_S * 1000,
      knownAt: END_S * 1000,
    });
  assert.throws(never, (error) => isAppError(error) && error.code === "model-node-not-found");
});
