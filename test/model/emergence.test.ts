// The reference chain: a shared default timeout is lowered, and carts fail days later under a peak. Nobody wrote down that
// they would: which change it was is found by running the same days again without each.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readCauses } from "../../src/model/causes/read-causes.ts";
import type { NodeRef, SettingChange } from "../../src/wire/types/model.ts";
import { DAY_S, nodeText, recordShop, simulate, STEP_S, type ShopChange, type World } from "./emergent-shop.ts";
import { BEGIN_S, service } from "./histories.ts";

const DAYS = 6;
const LIBRARY: NodeRef = { kind: "library", environment: null, name: "redis-client" };
const SQL: NodeRef = { kind: "library", environment: null, name: "sql-client" };
const EMBEDS = [
  [service("cart"), LIBRARY],
  [service("catalog"), SQL],
  [service("orders"), SQL],
] as const;

const setting = (key: string, before: number, after: number, unit: SettingChange["unit"]): SettingChange => ({
  key,
  before,
  after,
  unit,
});

/** A generator of its own, so that the same seed gives the same days everywhere. */
function numbersFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What teams do all week: some of it touches the world a little, none of it is meant to break anything. */
const KINDS: readonly ((name: "cart" | "catalog" | "orders") => Omit<ShopChange, "id" | "atS">)[] = [
  (name) => ({ target: service(name), settings: [] }),
  (name) => ({ target: service(name), settings: [setting("limits.memory", 2 ** 28, 2 ** 29, "bytes")] }),
  (name) => ({ target: service(name), settings: [setting("adminServer.timeoutMs", 5000, 500, "ms")] }),
  (name) => ({ target: service(name), settings: [setting("migrationJob.poolSize", 8, 4, "count")] }),
  (name) => ({
    target: service(name),
    settings: [setting("workMs", 10, 11, "ms")],
    effect: (world: World) => void (world.workMs[name] = (world.workMs[name] ?? 0) * 1.1),
  }),
  (name) => ({
    target: service(name),
    settings: [setting("client.retryBudget", 0.2, 0.25, "ratio")],
    effect: (world: World) => void (world.clients[name].retryBudget = 0.25),
  }),
  () => ({ target: service("storefront"), settings: [setting("replicas", 4, 6, "count")] }),
  () => ({
    target: SQL,
    settings: [setting("client.timeout", 40, 36, "ms")],
    effect: (world: World) => void ((world.clients.catalog.timeoutMs = 36), (world.clients.orders.timeoutMs = 36)),
  }),
];

function innocentChanges(seed: number, count: number): ShopChange[] {
  const random = numbersFrom(seed);
  const names = ["cart", "catalog", "orders"] as const;
  return Array.from({ length: count }, (_, index) => {
    const kind = KINDS[Math.floor(random() * KINDS.length)];
    const name = names[Math.floor(random() * names.length)] ?? "cart";
    assert.ok(kind);
    return {
      id: `change-${index}`,
      atS: Math.floor((random() * (DAYS * DAY_S - DAY_S) + DAY_S / 2) / STEP_S) * STEP_S,
      ...kind(name),
    };
  });
}

const culprit: ShopChange = {
  id: "recover-sooner",
  atS: 2 * DAY_S,
  target: LIBRARY,
  settings: [setting("defaults.timeout", 40, 14, "ms")],
  effect: (world) => void (world.clients.cart.timeoutMs = 14),
};

const BROKEN = 0.05;

/** Changes without any one of which the days go by unharmed. */
function necessary(changes: readonly ShopChange[]): readonly string[] {
  return changes
    .filter(
      (one) =>
        simulate(
          changes.filter((other) => other !== one),
          DAYS,
        ).worst < BROKEN,
    )
    .map(({ id }) => id);
}

const ask = (changes: readonly ShopChange[]) => {
  const run = simulate(changes, DAYS);
  const graph = recordShop(run, changes, EMBEDS, BEGIN_S);
  const at = (BEGIN_S + DAYS * DAY_S - STEP_S) * 1000;
  return {
    run,
    answer: readCauses(graph, {
      what: "causes",
      node: nodeText("storefront"),
      measure: "errors",
      at,
      knownAt: at + STEP_S * 1000,
    }),
  };
};

describe("a failure that emerges days after its cause", () => {
  test("sleeps until the peak: days of the lowered timeout go by without harm", () => {
    const { instants, worst } = simulate([culprit], DAYS);
    const before = instants.filter(({ atS }) => atS < DAYS * DAY_S - 4 * STEP_S);
    const usual = Math.max(...before.map(({ instant }) => instant.nodes.get("storefront")?.errorRatio ?? 0));
    assert.ok(usual < 0.01, `${usual} failed before the peak`);
    assert.ok(worst > 0.2, `${worst} failed at the peak`);
    assert.ok(simulate([], DAYS).worst < 0.01, "the peak alone breaks it");
  });

  for (const seed of [1, 2, 3, 4, 5]) {
    test(`is named first, complete and in order, among forty other changes (seed ${seed})`, () => {
      const changes = [...innocentChanges(seed, 40), culprit];
      assert.deepEqual(necessary(changes), [culprit.id], "running again without each names another");
      const { answer } = ask(changes);
      const [first, second] = answer.causes;
      assert.equal(first?.change, culprit.id, JSON.stringify(answer.causes.slice(0, 3)));
      assert.ok(second === undefined || first.score > second.score);
      assert.deepEqual(first.chain, [
        `change:${culprit.id}`,
        "library::redis-client",
        nodeText("cart"),
        nodeText("storefront"),
      ]);
      assert.match(first.evidence.join("\n"), /defaults\.timeout: 40 to 14 ms/);
    });
  }

  test("is laid to no change when it is the demand alone that is too much", () => {
    const changes = innocentChanges(7, 40);
    const crowd: ShopChange = {
      id: "crowd",
      atS: DAYS * DAY_S - 4 * STEP_S,
      target: service("storefront"),
      settings: [],
      effect: (world) => void (world.demand = 1.6),
    };
    const run = simulate([...changes, crowd], DAYS);
    assert.ok(run.worst > BROKEN);
    // The crowd is no change that anybody made: the model is not told of it.
    const graph = recordShop(run, changes, EMBEDS, BEGIN_S);
    const at = (BEGIN_S + DAYS * DAY_S - STEP_S) * 1000;
    const { causes, none } = readCauses(graph, {
      what: "causes",
      node: nodeText("storefront"),
      measure: "errors",
      at,
      knownAt: at + STEP_S * 1000,
    });
    assert.ok(none);
    assert.ok(causes.every(({ change }) => change === null));
    // It is the demand, where it comes in.
    const [first, second] = causes;
    assert.deepEqual([first?.kind, first?.cause], ["traffic", nodeText("storefront")]);
    assert.ok((first?.score ?? 0) > (second?.score ?? 0));
  });
});
