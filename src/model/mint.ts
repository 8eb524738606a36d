// Numbers for what an event names: known ones as they are, new ones in the order in which the event will name them.

import { AppError } from "../core/errors.ts";
import { EDGE_KINDS, type EdgeKind } from "../wire/types/model.ts";
import type { Minted } from "./events.ts";
import type { Graph } from "./graph.ts";
import { EDGES_MAX, NODES_MAX } from "./limits.ts";

export class Mint {
  readonly #graph: Graph;
  readonly #nodes = new Map<string, number>();
  readonly #edges = new Map<string, number>();
  readonly #edgeRows: number[] = [];

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** Whether a node is known, or will be. */
  has(text: string): boolean {
    return this.#graph.names.findNode(text) !== undefined || this.#nodes.has(text);
  }

  /** Throws `model-full` when there is room for no other. */
  node(text: string): number {
    const known = this.#graph.names.findNode(text) ?? this.#nodes.get(text);
    if (known !== undefined) return known;
    const node = this.#graph.names.nodeCount + this.#nodes.size;
    if (node >= NODES_MAX) throw full("nodes");
    this.#nodes.set(text, node);
    return node;
  }

  /** Throws `model-full` when there is room for no other. */
  edge(kind: EdgeKind, from: number, to: number): number {
    const name = `${kind} ${from} ${to}`;
    const known = this.#graph.names.findEdge(kind, from, to) ?? this.#edges.get(name);
    if (known !== undefined) return known;
    const edge = this.#graph.names.edgeCount + this.#edges.size;
    if (edge >= EDGES_MAX) throw full("edges");
    this.#edges.set(name, edge);
    this.#edgeRows.push(EDGE_KINDS.indexOf(kind), from, to);
    return edge;
  }

  get minted(): Minted {
    return { nodes: [...this.#nodes.keys()], edges: this.#edgeRows };
  }
}

function full(what: string): AppError {
  return new AppError("model-full", `the model holds as many ${what} as it may`);
}
