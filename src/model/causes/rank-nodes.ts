// Ranks nodes: what moved, and which of it no other movement explains along real edges.

import type { CauseQuestion, Measure, RankedCause } from "./input.ts";
import { findPatternMovements } from "./log-patterns.ts";
import { findMovements, type Movement } from "./movements.ts";
import { findSpanMovements } from "./spans.ts";

/** Movements that callers inherit from the callee they wait for or fail with. */
const INHERITED: ReadonlySet<Measure> = new Set(["latency", "errors", "wait"]);

/** A callee explains its caller when it adds at least this share of what the caller adds. */
const EXPLAINED_SHARE = 0.5;

interface Graph {
  callees: Map<string, Set<string>>;
  callers: Map<string, Set<string>>;
}

function graphOf(edges: CauseQuestion["edges"]): Graph {
  const graph: Graph = { callees: new Map(), callers: new Map() };
  const add = (map: Map<string, Set<string>>, key: string, value: string): void => {
    const set = map.get(key);
    if (set) set.add(value);
    else map.set(key, new Set([value]));
  };
  for (const [caller, callee] of edges) {
    add(graph.callees, caller, callee);
    add(graph.callers, callee, caller);
  }
  return graph;
}

/** The strongest movement of each node by measure. */
function strongestOf(movements: readonly Movement[]): Map<string, Map<Measure, Movement>> {
  const nodes = new Map<string, Map<Measure, Movement>>();
  for (const movement of movements) {
    let measures = nodes.get(movement.node);
    if (!measures) nodes.set(movement.node, (measures = new Map<Measure, Movement>()));
    const known = measures.get(movement.measure);
    if (!known || known.strength < movement.strength) measures.set(movement.measure, movement);
  }
  return nodes;
}

export function rankNodes(question: CauseQuestion): RankedCause[] {
  const fromSpans = question.spans ? findSpanMovements(question.spans) : { movements: [], edges: [] };
  const requests = new Map<string, number>();
  for (const span of question.spans?.now ?? []) requests.set(span.node, (requests.get(span.node) ?? 0) + 1);
  const edges = question.edges.length > 0 ? question.edges : fromSpans.edges;
  const movements = [
    ...findMovements(question.series),
    ...fromSpans.movements,
    ...findPatternMovements(question.patterns, requests),
  ];
  const nodes = strongestOf(movements);
  const walk = new Walk(nodes, graphOf(edges), question.symptom?.node ?? null);
  const ranked = [...nodes].map(([node, measures]): RankedCause => {
    const scores = [...measures.values()].map((movement) => walk.scoreOf(movement)).toSorted((a, b) => b - a);
    // One strong movement is a cause; more of them on the same node make it surer.
    const score = scores.reduce((sum, one, index) => sum + (index === 0 ? one : one / 4), 0);
    return {
      cause: node,
      score,
      chain: walk.chainFrom(node),
      evidence: [...measures.values()].map(({ evidence }) => evidence),
    };
  });
  return ranked.toSorted((a, b) => b.score - a.score || (a.cause < b.cause ? -1 : 1));
}

/** The movements on the graph, seen from the symptom. */
class Walk {
  readonly #nodes: ReadonlyMap<string, ReadonlyMap<Measure, Movement>>;
  readonly #graph: Graph;
  readonly #symptom: string | null;
  readonly #reached = new Map<Measure, Set<string>>();

  constructor(nodes: ReadonlyMap<string, ReadonlyMap<Measure, Movement>>, graph: Graph, symptom: string | null) {
    this.#nodes = nodes;
    this.#graph = graph;
    this.#symptom = symptom;
  }

  #explains(callee: string, caller: string, measure: Measure): boolean {
    const measures = this.#nodes.get(callee);
    // Who waits for a callee is slow, whether or not the callee itself is.
    const isWaiting =
      measure === "latency" && (measures?.get("wait")?.strength ?? 0) > (measures?.get("latency")?.strength ?? 0);
    const below = measures?.get(isWaiting ? "wait" : measure);
    const above = this.#nodes.get(caller)?.get(measure);
    if (!below || !above) return false;
    if (above.load === 0) return below.strength >= above.strength * EXPLAINED_SHARE;
    return below.load >= above.load * EXPLAINED_SHARE;
  }

  /** Nodes that the symptom reaches downwards over callees that explain their callers. */
  #reachedOf(measure: Measure): Set<string> {
    const known = this.#reached.get(measure);
    if (known) return known;
    const reached = new Set<string>();
    this.#reached.set(measure, reached);
    if (this.#symptom === null) return reached;
    reached.add(this.#symptom);
    const open = [this.#symptom];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      for (const callee of this.#graph.callees.get(node) ?? []) {
        const isFirst = node === this.#symptom && !this.#nodes.get(node)?.has(measure);
        if (reached.has(callee) || !this.#nodes.get(callee)?.has(measure)) continue;
        if (!isFirst && !this.#explains(callee, node, measure)) continue;
        reached.add(callee);
        open.push(callee);
      }
    }
    return reached;
  }

  scoreOf(movement: Movement): number {
    const { node, measure, strength } = movement;
    if (!INHERITED.has(measure)) return strength;
    const isExplained = [...(this.#graph.callees.get(node) ?? [])].some(
      (callee) => callee !== node && this.#explains(callee, node, measure),
    );
    const own = isExplained ? 0.3 : 1;
    if (this.#symptom === null) return strength * own;
    const top = this.#nodes.get(this.#symptom)?.get(measure)?.load ?? 0;
    const share = top > 0 && movement.load > 0 ? Math.min(1, movement.load / top) : 1;
    return strength * own * (0.1 + share) * (this.#reachedOf(measure).has(node) ? 1 : 0.1);
  }

  /** The way from a node up its moved callers, to the symptom where it gets there. */
  chainFrom(node: string): string[] {
    const from = new Map<string, string | null>([[node, null]]);
    const open = [node];
    let last = node;
    for (let here = open.shift(); here !== undefined; here = open.shift()) {
      last = here;
      if (here === this.#symptom) break;
      for (const caller of this.#graph.callers.get(here) ?? []) {
        if (from.has(caller) || (!this.#nodes.has(caller) && caller !== this.#symptom)) continue;
        from.set(caller, here);
        open.push(caller);
      }
    }
    const chain: string[] = [];
    for (let here: string | null | undefined = last; here; here = from.get(here)) chain.unshift(here);
    return chain;
  }
}
