// A week of the emergent shop: the one change that breaks it days later, and dozens that are innocent.

import assert from "node:assert/strict";
import type { NodeRef, SettingChange } from "../../src/wire/types/model.ts";
import { DAY_S, STEP_S, type ShopChange, type World } from "./emergent-shop.ts";
import { service } from "./histories.ts";

export const DAYS = 6;
const LIBRARY: NodeRef = { kind: "library", environment: null, name: "redis-client" };
const SQL: NodeRef = { kind: "library", environment: null, name: "sql-client" };
export const EMBEDS = [
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

export function innocentChanges(seed: number, count: number): ShopChange[] {
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

export const culprit: ShopChange = {
  id: "recover-sooner",
  atS: 2 * DAY_S,
  target: LIBRARY,
  settings: [setting("defaults.timeout", 40, 14, "ms")],
  effect: (world) => void (world.clients.cart.timeoutMs = 14),
};
