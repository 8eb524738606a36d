// What is recorded when a feed declares: only what differs, and what all feeds together say of it then.

import { canonicalJson } from "../core/canonical-json.ts";
import { AppError } from "../core/errors.ts";
import { nodeText } from "../wire/schemas/model.ts";
import type { Contract, EdgeRef, NodeRef } from "../wire/types/model.ts";
import type { Declaration, ModelDraft } from "./events.ts";
import type { Graph } from "./graph.ts";
import { DECLARATIONS_MAX, FEEDS_MAX } from "./limits.ts";
import { Mint } from "./mint.ts";
import { subjectOfEdge, subjectOfNode } from "./names.ts";

export interface DeclaredNode extends Declaration {
  readonly node: NodeRef;
}
export interface DeclaredEdge extends Declaration {
  readonly edge: EdgeRef;
}

/** All that a feed declares: what it declared before and does not any more, ends. */
export interface Declared {
  readonly feed: string;
  /** When it begins to hold, in milliseconds since 1970. */
  readonly at: number;
  readonly nodes: readonly DeclaredNode[];
  readonly edges: readonly DeclaredEdge[];
}

/** Null where nothing differs. Throws `model-full`, and `request-invalid` for what is declared twice. */
export function decideDeclared(graph: Graph, declared: Declared): ModelDraft | null {
  if (!graph.feeds.has(declared.feed) && graph.feeds.size >= FEEDS_MAX) throw full("feeds");
  const mint = new Mint(graph);
  const texts = new DeclarationNumbers(graph);
  const now = collect(declared, mint, texts);
  const before = graph.feeds.get(declared.feed) ?? new Map<number, number>();
  const owned: number[] = [];
  const effective: number[] = [];
  const validFrom = Math.floor(declared.at / 1000);
  for (const subject of new Set([...before.keys(), ...now.keys()])) {
    const declaration = now.get(subject) ?? 0;
    if (declaration === (before.get(subject) ?? 0)) continue;
    owned.push(subject, declaration);
    const together = togetherOf(graph, { feed: declared.feed, subject, declaration, texts });
    effective.push(subject, validFrom, together);
  }
  if (owned.length === 0) return null;
  const facts = { ...mint.minted, feed: declared.feed, declarations: texts.added, owned, effective };
  return { type: "model.declared", facts };
}

function collect({ nodes, edges }: Declared, mint: Mint, texts: DeclarationNumbers): Map<number, number> {
  const now = new Map<number, number>();
  const own = (subject: number, name: string, { attributes, contracts }: Declaration): void => {
    if (now.has(subject)) throw new AppError("request-invalid", `${name} is declared twice`);
    now.set(subject, texts.of({ attributes, contracts }));
  };
  for (const one of nodes) {
    const name = nodeText(one.node);
    own(subjectOfNode(mint.node(name)), name, one);
  }
  for (const { edge, ...one } of edges) {
    const [from, to] = [nodeText(edge.from), nodeText(edge.to)];
    const [first, second] = [mint.node(from), mint.node(to)];
    // The ends of a declared edge are declared with it.
    for (const end of [first, second]) {
      const subject = subjectOfNode(end);
      if (!now.has(subject)) now.set(subject, texts.of({ attributes: {}, contracts: [] }));
    }
    own(subjectOfEdge(mint.edge(edge.kind, first, second)), `${edge.kind} ${from} ${to}`, one);
  }
  return now;
}

type Changing = {
  readonly feed: string;
  readonly subject: number;
  readonly declaration: number;
  readonly texts: DeclarationNumbers;
};

/** Feeds in the order of their names: of two that say something of one thing, the first counts. */
export function togetherOf(graph: Graph, { feed, subject, declaration, texts }: Changing): number {
  const said = new Map<string, number>();
  for (const [name, owned] of graph.feeds) {
    const number = owned.get(subject);
    if (number !== undefined) said.set(name, number);
  }
  if (declaration === 0) said.delete(feed);
  else said.set(feed, declaration);
  const inOrder = [...said.keys()].toSorted().map((name) => said.get(name) ?? 0);
  if (inOrder.length <= 1) return inOrder[0] ?? 0;
  return texts.of(merge(inOrder.map((number) => texts.get(number))));
}

function merge(all: readonly Declaration[]): Declaration {
  const attributes: Record<string, string> = {};
  const contracts = new Map<string, Contract>();
  for (const one of all) {
    for (const [name, value] of Object.entries(one.attributes)) attributes[name] ??= value;
    for (const contract of one.contracts) {
      const name = nameOf(contract);
      if (!contracts.has(name)) contracts.set(name, contract);
    }
  }
  return { attributes, contracts: [...contracts.values()] };
}

/** What contracts differ by that do not stand beside each other. */
function nameOf(contract: Contract): string {
  if (contract.kind === "slo") return `slo ${contract.indicator}`;
  return contract.kind === "quota" ? `quota ${contract.unit}` : contract.kind;
}

/** Declarations by number, each text once. */
export class DeclarationNumbers {
  readonly added: Declaration[] = [];
  readonly #graph: Graph;
  readonly #numbers = new Map<string, number>();

  constructor(graph: Graph) {
    this.#graph = graph;
    for (const [i, one] of graph.declarations.entries()) this.#numbers.set(textOf(one), i + 1);
  }

  get(number: number): Declaration {
    const known = this.#graph.declarations;
    const one = number <= known.length ? known[number - 1] : this.added[number - known.length - 1];
    if (one === undefined) throw new AppError("internal", "a declaration has no text");
    return one;
  }

  of(declaration: Declaration): number {
    const text = textOf(declaration);
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#graph.declarations.length + this.added.length + 1;
    if (number > DECLARATIONS_MAX) throw full("declarations");
    this.#numbers.set(text, number);
    this.added.push(declaration);
    return number;
  }
}

function textOf({ attributes, contracts }: Declaration): string {
  return canonicalJson({ attributes, contracts });
}

function full(what: string): AppError {
  return new AppError("model-full", `the model holds as many ${what} as it may`);
}
