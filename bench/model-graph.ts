// A production of chance for the benchmark of the model: services, calls, entries, changes, and two years of windows.

import { decideChange } from "../src/model/change.ts";
import type { ModelDraft } from "../src/model/events.ts";
import { Graph } from "../src/model/graph.ts";
import { Mint } from "../src/model/mint.ts";
import { subjectOfEdge, subjectOfNode } from "../src/model/names.ts";
import { chance } from "./otlp-spans.ts";

const BEGIN_S = 1_700_000_000;
const YEARS_2_S = 730 * 86_400;
export const END_S = BEGIN_S + YEARS_2_S;
const EDGES_PER_SERVICE = 10;
const ENTRIES = 40;
const REACHED_PER_ENTRY = 150;
/** Windows in which everything moved: over two years, and as many again in the last two weeks. */
const WINDOWS = 26;
/** Windows of the last three hours, in which services moved and no call did. */
const LATE_WINDOWS = 36;
/** Made in the last two weeks, of which a question looks at all. */
const CHANGES = 500;
const TWO_WEEKS_S = 14 * 86_400;
const LATE_S = 3 * 3600;

type Edge = readonly [kind: "calls" | "reaches" | "member-of", from: string, to: string];

export function instantOf(random: () => number): number {
  return (BEGIN_S + Math.floor(random() * YEARS_2_S)) * 1000;
}

/** A graph of so many services. */
export function grow(services: number, seed: number): Graph {
  const graph = new Graph();
  const random = chance(seed);
  const edges = edgesOf(services, random);
  const windows = [
    ...Array.from({ length: WINDOWS }, (_, i) => BEGIN_S + (i / WINDOWS) * (YEARS_2_S - TWO_WEEKS_S)),
    ...Array.from({ length: WINDOWS }, (_, i) => END_S - TWO_WEEKS_S + (i / WINDOWS) * (TWO_WEEKS_S - LATE_S)),
  ];
  const window = (fromS: number, isWhole: boolean): void => {
    const draft = windowOf(graph, { services, edges: isWhole ? edges : [], fromS: Math.floor(fromS), random });
    graph.apply({ seq: graph.size, time: fromS * 1000, ...draft });
  };
  for (const fromS of windows) window(fromS, true);
  for (let i = 0; i < LATE_WINDOWS; i++) window(END_S - LATE_S + (i / LATE_WINDOWS) * LATE_S, false);
  for (let i = 0; i < CHANGES; i++) change(graph, { i, services, random });
  return graph;
}

export const idOf = (service: number): string => `service:production:svc-${service}`;

function edgesOf(services: number, random: () => number): readonly Edge[] {
  const edges: Edge[] = [];
  const somewhere = (from: number): number => from + 1 + Math.floor(random() * random() * (services / 4));
  for (let from = 0; from < services; from++) {
    // Mostly a few services further on, as layers are; two thirds of calls stay close.
    const called = new Set(Array.from({ length: EDGES_PER_SERVICE }, () => somewhere(from)));
    for (const to of called) if (to < services) edges.push(["calls", idOf(from), idOf(to)]);
  }
  for (let entry = 0; entry < ENTRIES; entry++) {
    const operation = `operation:production:svc-${entry} GET /`;
    edges.push(["member-of", operation, idOf(entry)]);
    const reached = new Set(Array.from({ length: REACHED_PER_ENTRY }, () => Math.floor(random() * services)));
    for (const to of reached) edges.push(["reaches", operation, idOf(to)]);
  }
  return edges;
}

/** A deploy of some service, of a setting of its own. */
function change(graph: Graph, { i, services, random }: { i: number; services: number; random: () => number }): void {
  const at = (END_S - Math.floor((1 - i / CHANGES) * (TWO_WEEKS_S - 86_400))) * 1000 - 1_000;
  const name = `svc-${Math.floor(random() * services)}`;
  const draft = decideChange(graph, {
    id: `release-${i}`,
    kind: "deploy",
    at,
    targets: [{ kind: "service", environment: "production", name }],
    settings: [{ key: "clients.timeout", before: 500, after: 50 + i, unit: "ms" }],
  });
  if (draft !== null) graph.apply({ seq: graph.size, time: Math.max(at, graph.time), ...draft });
}

type Windowed = { services: number; edges: readonly Edge[]; fromS: number; random: () => number };

function windowOf(graph: Graph, { services, edges, fromS, random }: Windowed): ModelDraft & { type: "model.window" } {
  const mint = new Mint(graph);
  const measured: number[] = [];
  for (let service = 0; service < services; service++) {
    const rates = [100 + random() * 10, 0.1, random() / 100, 5, 20 + random() * 5];
    measured.push(subjectOfNode(mint.node(idOf(service))), fromS, ...rates, 0, 0);
  }
  for (const [kind, from, to] of edges) {
    const edge = mint.edge(kind, mint.node(from), mint.node(to));
    const failures = Math.floor(random() * 100);
    const spread = Math.floor(failures * random());
    const share = kind === "member-of" ? 1 / ENTRIES : 0.1 + random() * 0.9;
    measured.push(subjectOfEdge(edge), fromS, 50, share, 0.01, 5, 20, failures, spread);
    if (kind === "member-of") measured.push(subjectOfNode(mint.node(from)), fromS, 50, 1, 0.01, 5, 20, 0, 0);
  }
  return { type: "model.window", facts: { ...mint.minted, from: fromS, to: fromS + 60, measured, ended: [] } };
}
