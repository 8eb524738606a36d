// Nodes and edges by number: each text is kept once, and each edge knows its neighbours at both ends.

import { EDGE_KINDS, type EdgeKind, type NodeKind, type NodeRef } from "../wire/types/model.ts";
import { parseNodeText } from "../wire/schemas/model.ts";
import { AppError } from "../core/errors.ts";
import { bytes, integers } from "./columns.ts";

const NODE_FACTOR = 2 ** 24;
const KIND_FACTOR = 2 ** 4;
/** No edge: the end of a list of neighbours. */
const NONE = 0xffff_ffff;

/** What happened to production is not a part of it: nothing stands or falls with it. */
export const HAPPENINGS: ReadonlySet<NodeKind> = new Set(["deploy", "change", "incident", "action", "policy"]);

/** A node and an edge as one number, so that both have versions alike. */
export function subjectOfNode(node: number): number {
  return node * 2;
}
export function subjectOfEdge(edge: number): number {
  return edge * 2 + 1;
}
export function isEdgeSubject(subject: number): boolean {
  return subject % 2 === 1;
}
/** The number of the node or the edge. */
export function indexOfSubject(subject: number): number {
  return Math.floor(subject / 2);
}

export class Names {
  readonly #texts: string[] = [];
  readonly #refs: NodeRef[] = [];
  readonly #nodes = new Map<string, number>();
  readonly #edges = new Map<number, number>();
  readonly #kind = bytes();
  readonly #from = integers();
  readonly #to = integers();
  readonly #nextOut = integers();
  readonly #nextIn = integers();
  readonly #firstOut = integers();
  readonly #firstIn = integers();

  get nodeCount(): number {
    return this.#texts.length;
  }

  get edgeCount(): number {
    return this.#kind.length;
  }

  /** Throws `ledger-corrupt` for a text that is no node's, or one that is known. */
  addNode(text: string): number {
    const ref = parseNodeText(text);
    if (ref === undefined || this.#nodes.has(text)) throw corrupt("a node is named wrongly or twice");
    const node = this.#texts.length;
    this.#texts.push(text);
    this.#refs.push(ref);
    this.#nodes.set(text, node);
    this.#firstOut.push(NONE);
    this.#firstIn.push(NONE);
    return node;
  }

  /** Throws `ledger-corrupt` for ends that are not there, or an edge that is known. */
  addEdge(kind: number, from: number, to: number): number {
    const key = keyOf(kind, from, to);
    const isSound = kind < EDGE_KINDS.length && from < this.nodeCount && to < this.nodeCount && !this.#edges.has(key);
    if (!isSound) throw corrupt("an edge is named wrongly or twice");
    const edge = this.#kind.length;
    this.#edges.set(key, edge);
    this.#kind.push(kind);
    this.#from.push(from);
    this.#to.push(to);
    this.#nextOut.push(this.#firstOut.get(from));
    this.#nextIn.push(this.#firstIn.get(to));
    this.#firstOut.set(from, edge);
    this.#firstIn.set(to, edge);
    return edge;
  }

  findNode(text: string): number | undefined {
    return this.#nodes.get(text);
  }

  findEdge(kind: EdgeKind, from: number, to: number): number | undefined {
    return this.#edges.get(keyOf(EDGE_KINDS.indexOf(kind), from, to));
  }

  textOf(node: number): string {
    return this.#texts[node] ?? "";
  }

  refOf(node: number): NodeRef {
    const ref = this.#refs[node];
    if (ref === undefined) throw corrupt("there is no such node");
    return ref;
  }

  kindOf(edge: number): EdgeKind {
    return EDGE_KINDS[this.#kind.get(edge)] as EdgeKind;
  }

  fromOf(edge: number): number {
    return this.#from.get(edge);
  }

  toOf(edge: number): number {
    return this.#to.get(edge);
  }

  /** Edges that begin at a node, the newest first. */
  *out(node: number): Generator<number> {
    for (let edge = this.#firstOut.get(node); edge !== NONE; edge = this.#nextOut.get(edge)) yield edge;
  }

  /** Edges that end at a node, the newest first. */
  *into(node: number): Generator<number> {
    for (let edge = this.#firstIn.get(node); edge !== NONE; edge = this.#nextIn.get(edge)) yield edge;
  }

  /** The edges as three columns: kind, from, to. */
  dumpEdges(): readonly Uint8Array[] {
    return [this.#kind.bytes(), this.#from.bytes(), this.#to.bytes()];
  }
}

/** Exact: 24 bits for each end, 4 for the kind. */
function keyOf(kind: number, from: number, to: number): number {
  return (from * NODE_FACTOR + to) * KIND_FACTOR + kind;
}

function corrupt(detail: string): AppError {
  return new AppError("ledger-corrupt", detail);
}
