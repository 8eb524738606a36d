// A small simulated production in which a failure emerges: nobody says in it that anything fails, load and settings do.
//
// Calls to a datastore take exponentially distributed time whose mean grows with its load, as in an M/M/1 queue. A caller
// gives up after its timeout and tries again while its retry budget lasts; each try is load. So a timeout that is well
// above the usual latency can sleep for days, until a peak pushes latency towards it and retries do the rest.

import assert from "node:assert/strict";
import { decideChange } from "../../src/model/change.ts";
import { decideDeclared } from "../../src/model/declare.ts";
import type { ModelDraft } from "../../src/model/events.ts";
import { Graph } from "../../src/model/graph.ts";
import { Mint } from "../../src/model/mint.ts";
import { subjectOfEdge, subjectOfNode } from "../../src/model/names.ts";
import type { NodeRef, SettingChange } from "../../src/wire/types/model.ts";

export const STEP_S = 600;
export const DAY_S = 86_400;

export interface ShopChange {
  readonly id: string;
  /** Seconds from the beginning. */
  readonly atS: number;
  readonly target: NodeRef;
  readonly settings: readonly SettingChange[];
  /** What it does to the simulated world; what does nothing is innocent by construction, the others by running again. */
  readonly effect?: (world: World) => void;
}

interface Client {
  timeoutMs: number;
  retries: number;
  /** Retries as a part of calls, at most. */
  retryBudget: number;
}

interface Store {
  /** Calls a second at which it is full. */
  capacity: number;
  readonly baseMs: number;
}

export interface World {
  readonly clients: Record<"cart" | "catalog" | "orders", Client>;
  readonly stores: Record<"sessions" | "products" | "ledger", Store>;
  /** Milliseconds of work of each service beside its calls. */
  readonly workMs: Record<string, number>;
  /** Requests at the door, as a part of what is usual. */
  demand: number;
}

function openWorld(): World {
  const client = (): Client => ({ timeoutMs: 40, retries: 2, retryBudget: 0.2 });
  return {
    clients: { cart: client(), catalog: client(), orders: client() },
    stores: {
      sessions: { capacity: 800, baseMs: 2 },
      products: { capacity: 1500, baseMs: 2 },
      ledger: { capacity: 700, baseMs: 3 },
    },
    workMs: { storefront: 20, cart: 8, catalog: 12, orders: 15 },
    demand: 1,
  };
}

/** Who calls whom, with calls for each request of the caller. */
const CALLS = [
  ["storefront", "cart", 0.8],
  ["storefront", "catalog", 1],
  ["storefront", "orders", 0.2],
  ["cart", "sessions", 1],
  ["catalog", "products", 1],
  ["orders", "ledger", 1],
] as const;

type Measures = { perSecond: number; errorRatio: number; p95Ms: number };
export type Instant = { readonly nodes: Map<string, Measures>; readonly calls: Map<string, Measures> };

/** One step: the fixed point of load, latency and retries, then errors up to the door. */
function stepOf(world: World, perSecond: number): Instant {
  const nodes = new Map<string, Measures>();
  const calls = new Map<string, Measures>();
  const rates = new Map([["storefront", perSecond]]);
  for (const [from, to, share] of CALLS) rates.set(to, (rates.get(to) ?? 0) + (rates.get(from) ?? 0) * share);
  const pairs = [
    ["cart", "sessions"],
    ["catalog", "products"],
    ["orders", "ledger"],
  ] as const;
  for (const [service, store] of pairs) {
    const { tries, failing, meanMs } = settle(world.clients[service], world.stores[store], rates.get(service) ?? 0);
    nodes.set(store, { perSecond: tries, errorRatio: 0.0005, p95Ms: 3 * meanMs });
    calls.set(`${service} ${store}`, {
      perSecond: tries,
      errorRatio: 0.0005 + failing,
      p95Ms: Math.min(3 * meanMs, world.clients[service].timeoutMs),
    });
    const p95Ms = (world.workMs[service] ?? 0) + 3 * meanMs;
    nodes.set(service, { perSecond: rates.get(service) ?? 0, errorRatio: 0.0005 + failing, p95Ms });
  }
  let well = 1;
  for (const [service, share] of [
    ["cart", 0.8],
    ["catalog", 1],
    ["orders", 0.2],
  ] as const) {
    const seen = nodes.get(service);
    assert.ok(seen);
    calls.set(`storefront ${service}`, seen);
    well *= 1 - share * seen.errorRatio;
  }
  nodes.set("storefront", { perSecond, errorRatio: 1 - well, p95Ms: 80 });
  return { nodes, calls };
}

function settle({ timeoutMs, retries, retryBudget }: Client, { capacity, baseMs }: Store, calls: number) {
  let tries = calls;
  let late = 0;
  let meanMs = baseMs;
  for (let round = 0; round < 60; round += 1) {
    meanMs = baseMs / Math.max(0.02, 1 - tries / capacity);
    late = Math.exp(-timeoutMs / meanMs);
    const wanted = calls * (1 + (retries > 0 ? late : 0) + (retries > 1 ? late * late : 0));
    const allowed = Math.min(wanted, calls * (1 + retryBudget));
    tries += 0.3 * (Math.min(allowed, capacity * 0.98) - tries);
  }
  const retried = Math.min(1, (tries - calls) / Math.max(1e-9, calls * late));
  return { tries, meanMs, failing: late * (1 - retried * (1 - late)) };
}

/** Requests a second at the door: a day's wave, and a peak on the last evening. */
function arrivals(world: World, atS: number, endS: number): number {
  const wave = 300 + 150 * Math.sin(((atS % DAY_S) / DAY_S) * 2 * Math.PI);
  const isPeak = atS >= endS - 4 * STEP_S;
  return world.demand * (isPeak ? 760 : wave);
}

export interface Run {
  readonly instants: readonly { readonly atS: number; readonly instant: Instant }[];
  /** The most that failed at the door. */
  readonly worst: number;
}

export function simulate(changes: readonly ShopChange[], days: number): Run {
  const world = openWorld();
  const waiting = changes.toSorted((a, b) => a.atS - b.atS);
  const endS = days * DAY_S;
  const instants: Run["instants"][number][] = [];
  let next = 0;
  for (let atS = 0; atS < endS; atS += STEP_S) {
    for (; (waiting[next]?.atS ?? Infinity) <= atS; next += 1) waiting[next]?.effect?.(world);
    instants.push({ atS, instant: stepOf(world, arrivals(world, atS, endS)) });
  }
  const worst = Math.max(...instants.map(({ instant }) => instant.nodes.get("storefront")?.errorRatio ?? 0));
  return { instants, worst };
}

type Recording = {
  readonly beginS: number;
  /** What is there already; nothing where it is absent. */
  readonly graph?: Graph;
  readonly keep?: (draft: ModelDraft, timeMs: number) => void;
};

const STORES: ReadonlySet<string> = new Set(["sessions", "products", "ledger"]);
export const nodeText = (name: string): string => `${STORES.has(name) ? "datastore" : "service"}:production:${name}`;

/**
 * The model as telemetry and those who changed things would have made it. `keep` gets each event with its time in
 * milliseconds, as a log would.
 */
export function recordShop(
  run: Run,
  changes: readonly ShopChange[],
  embeds: readonly (readonly [NodeRef, NodeRef])[],
  { beginS, graph = new Graph(), keep }: Recording,
): Graph {
  const apply = (draft: ModelDraft | null, atS: number): void => {
    assert.ok(draft);
    const time = (beginS + atS) * 1000;
    graph.apply({ seq: graph.size, time, ...draft });
    keep?.(draft, time);
  };
  const edges = embeds.map(([from, to]) => ({
    edge: { kind: "embeds" as const, from, to },
    attributes: {},
    contracts: [],
  }));
  const waiting = changes.toSorted((a, b) => a.atS - b.atS);
  let next = 0;
  for (const { atS, instant } of run.instants) {
    const mint = new Mint(graph);
    const row = ({ perSecond, errorRatio, p95Ms }: Measures): number[] => [
      beginS + atS,
      perSecond,
      1,
      errorRatio,
      p95Ms / 3,
      p95Ms,
      0,
      0,
    ];
    const measured = [
      ...[...instant.nodes].flatMap(([name, seen]) => [subjectOfNode(mint.node(nodeText(name))), ...row(seen)]),
      ...[...instant.calls].flatMap(([pair, seen]) => {
        const [from = "", to = ""] = pair.split(" ");
        const kind = STORES.has(to) ? "reads" : "calls";
        return [subjectOfEdge(mint.edge(kind, mint.node(nodeText(from)), mint.node(nodeText(to)))), ...row(seen)];
      }),
    ];
    const window = { from: beginS + atS, to: beginS + atS + STEP_S, measured, ended: [] };
    apply({ type: "model.window", facts: { ...mint.minted, ...window } }, atS);
    if (atS === 0) apply(decideDeclared(graph, { feed: "builds", at: beginS * 1000, nodes: [], edges }), atS);
    for (; (waiting[next]?.atS ?? Infinity) <= atS; next += 1) {
      const change = waiting[next];
      assert.ok(change);
      const { id, target, settings } = change;
      apply(
        decideChange(graph, { id, kind: "deploy", at: (beginS + change.atS) * 1000, targets: [target], settings }),
        atS,
      );
    }
  }
  return graph;
}
