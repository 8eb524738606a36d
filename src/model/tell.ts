// What is recorded of what the ledger tells: only what is new, from when it was so.

import { isAppError } from "../core/errors.ts";
import { nodeText } from "../wire/schemas/model.ts";
import type { NodeRef } from "../wire/types/model.ts";
import { DeclarationNumbers, togetherOf } from "./declare.ts";
import type { Declaration, ModelDraft } from "./events.ts";
import type { Graph } from "./graph.ts";
import { TOLD_MAX } from "./limits.ts";
import { Mint } from "./mint.ts";
import { HAPPENINGS, indexOfSubject, isEdgeSubject, subjectOfEdge, subjectOfNode } from "./names.ts";
import type { Told, ToldEdge, ToldNode } from "./told.ts";

/** The ledger as a feed; no feed that people name has a colon in it. */
export const LEDGER_FEED = "system:ledger";
const NOTHING: Declaration = { attributes: {}, contracts: [] };

/** Null where all of it is known. `dropped`: nodes and edges that there was no room for. */
export function decideTold(
  graph: Graph,
  told: readonly Told[],
): { readonly draft: ModelDraft | null; readonly dropped: number } {
  const telling = new Telling(graph);
  for (const { nodes } of told) for (const node of nodes) telling.fit(() => telling.node(node));
  for (const { edges } of told) for (const edge of edges) telling.fit(() => telling.edge(edge));
  const inForce = told.findLast(({ policiesSince }) => policiesSince !== null);
  if (inForce !== undefined) telling.fit(() => telling.endOtherPolicies(inForce));
  return { draft: telling.draft(), dropped: telling.dropped };
}

class Telling {
  readonly #graph: Graph;
  readonly #mint: Mint;
  readonly #texts: DeclarationNumbers;
  readonly #owned: ReadonlyMap<number, number>;
  /** What the ledger says of each subject, where that is new. */
  readonly #now = new Map<number, number>();
  readonly #effective: number[] = [];
  dropped = 0;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#mint = new Mint(graph);
    this.#texts = new DeclarationNumbers(graph);
    this.#owned = graph.feeds.get(LEDGER_FEED) ?? new Map<number, number>();
  }

  fit(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      if (!isAppError(error, "model-full")) throw error;
      this.dropped++;
    }
  }

  /** Of one that is known its last state alone is new, if it is. */
  node({ node, states }: ToldNode): void {
    const subject = subjectOfNode(this.#mint.node(nodeText(node)));
    for (const { at, attributes } of this.#saidOf(subject) === 0 ? states : states.slice(-1)) {
      this.#say(subject, at, { attributes, contracts: [] });
    }
  }

  edge({ kind, from, to, at }: ToldEdge): void {
    const [first, second] = [this.#endOf(from, at), this.#endOf(to, at)];
    if (first === null || second === null) return;
    const subject = subjectOfEdge(this.#mint.edge(kind, first, second));
    if (this.#saidOf(subject) === 0) this.#say(subject, at, NOTHING);
  }

  /** A service that nobody has spoken of before is there from then on; a happening is told of by itself, or not known. */
  #endOf(node: NodeRef, at: number): number | null {
    const name = nodeText(node);
    if (HAPPENINGS.has(node.kind) && !this.#mint.has(name)) return null;
    const number = this.#mint.node(name);
    const subject = subjectOfNode(number);
    const isNew = number >= this.#graph.names.nodeCount;
    if (isNew && this.#saidOf(subject) === 0) this.#say(subject, at, NOTHING);
    return number;
  }

  endOtherPolicies({ nodes, policiesSince }: Told): void {
    const inForce = new Set(nodes.map(({ node }) => nodeText(node)));
    const { names } = this.#graph;
    for (const subject of this.#owned.keys()) {
      const node = indexOfSubject(subject);
      const isPolicy = !isEdgeSubject(subject) && names.refOf(node).kind === "policy";
      if (isPolicy && !inForce.has(names.textOf(node))) this.#put(subject, policiesSince ?? 0, 0);
    }
  }

  /** 0 where the ledger says nothing of it. */
  #saidOf(subject: number): number {
    return this.#now.get(subject) ?? this.#owned.get(subject) ?? 0;
  }

  #say(subject: number, atMs: number, declaration: Declaration): void {
    const isNew = this.#saidOf(subject) === 0;
    if (isNew && this.#owned.size + this.#now.size >= TOLD_MAX) {
      this.dropped++;
      return;
    }
    const number = this.#texts.of(declaration);
    if (number !== this.#saidOf(subject)) this.#put(subject, atMs, number);
  }

  #put(subject: number, atMs: number, declaration: number): void {
    const together = togetherOf(this.#graph, { feed: LEDGER_FEED, subject, declaration, texts: this.#texts });
    this.#now.set(subject, declaration);
    this.#effective.push(subject, Math.floor(atMs / 1000), together);
  }

  draft(): ModelDraft | null {
    if (this.#now.size === 0) return null;
    const facts = {
      ...this.#mint.minted,
      feed: LEDGER_FEED,
      declarations: this.#texts.added,
      owned: [...this.#now].flat(),
      effective: this.#effective,
    };
    return { type: "model.declared", facts };
  }
}
