// The graph at one moment as walks need it: who depends on what, how much of each, and where requests come in.

import type { EdgeKind } from "../../wire/types/model.ts";
import type { Graph, Moment } from "../graph.ts";
import { subjectOfEdge } from "../names.ts";
import { measuredPart, product, spreadOf } from "./interval.ts";
import { Uses, type Use } from "./uses.ts";

/** An operation at which requests come in, and how it gets to something. */
export interface Entry {
  readonly operation: number;
  /** The part of its requests that get there. */
  readonly part: number;
  readonly failures: number;
  readonly spread: number;
}

const DEPENDING: ReadonlySet<EdgeKind> = new Set(["calls", "reads", "writes"]);
/** What stands or falls with what it runs on, is made of, is set by or belongs to. */
const RESTING: ReadonlySet<EdgeKind> = new Set(["runs-on", "embeds", "configured-by", "member-of"]);
/** Where nothing was measured at all. */
const SPREAD_EXPECTED = 0.5;

export class Present {
  readonly graph: Graph;
  readonly moment: Moment;
  readonly uses: Uses;
  /** Uses that somebody declared and nobody has seen. */
  readonly declaredOnly: Pick<Use, "user" | "needed">[] = [];
  /** Entries by what they reach. */
  readonly entries = new Map<number, Entry[]>();
  /** Services and other nodes by what they rest on. */
  readonly resting = new Map<number, number[]>();
  /** The part of all requests from outside that come in at an operation. */
  readonly entered = new Map<number, number>();
  /** All parts of an environment together: they were measured at different times. */
  readonly enteredIn = new Map<string | null, number>();
  /** Nodes that take work from a queue: who gave it to them does not wait. */
  readonly fromQueues = new Set<number>();

  constructor(graph: Graph, moment: Moment) {
    this.graph = graph;
    this.moment = moment;
    const expected = this.#expectedSpread();
    const all: Use[] = [];
    for (let edge = 0; edge < graph.names.edgeCount; edge++) this.#add(edge, expected, all);
    this.#services = Uint8Array.from({ length: graph.names.nodeCount }, (_, node) =>
      graph.names.refOf(node).kind === "service" ? 1 : 0,
    );
    this.uses = new Uses(all, graph.names.nodeCount);
    for (const [operation, part] of this.entered) {
      const { environment } = graph.names.refOf(operation);
      this.enteredIn.set(environment, (this.enteredIn.get(environment) ?? 0) + part);
    }
  }

  /**
   * The uses, and nodes by how much is below them: whoever uses a node stands after it, but where they use each other in
   * a circle. A node of no use at all has rank 0, which is nobody's.
   */
  order(): Order {
    this.#order ??= orderOf(this.uses, this.graph.names.nodeCount);
    return this.#order;
  }

  #order: Order | null = null;

  isService(node: number): boolean {
    return this.#services[node] === 1;
  }

  readonly #services: Uint8Array;

  /** What failures do on the whole: expected where an edge has shown none. */
  #expectedSpread(): number {
    let [failures, spread] = [0, 0];
    const { names } = this.graph;
    for (let edge = 0; edge < names.edgeCount; edge++) {
      if (!DEPENDING.has(names.kindOf(edge))) continue;
      const version = this.#observed(edge);
      if (version === 0) continue;
      const measured = this.graph.versions.measuredOf(version);
      failures += measured.failures;
      spread += measured.spread;
    }
    return measuredPart(spread, failures, SPREAD_EXPECTED).mid;
  }

  /** The version of telemetry that holds; 0 for none. */
  #observed(edge: number): number {
    const { versions } = this.graph;
    const version = versions.find(
      this.graph.chain(subjectOfEdge(edge), "observed"),
      this.moment.at,
      this.moment.seqEnd,
    );
    return version !== 0 && versions.stateOf(version) !== 0 ? version : 0;
  }

  #add(edge: number, expected: number, uses: Use[]): void {
    const { names, versions } = this.graph;
    const kind = names.kindOf(edge);
    const isMeant = DEPENDING.has(kind) || RESTING.has(kind) || kind === "reaches";
    if (!isMeant || !this.graph.isThere(subjectOfEdge(edge), this.moment)) return;
    const [from, to] = [names.fromOf(edge), names.toOf(edge)];
    const version = this.#observed(edge);
    const running = kind === "runs-on" ? this.#partOf(edge) : 1;
    if (running < 1) {
      // What runs elsewhere too goes on there; while a node is lost, at most its part of requests is.
      const part = spreadOf({ low: 0, mid: running, high: running });
      return void uses.push({ user: from, needed: to, spread: part, risk: part });
    }
    if (RESTING.has(kind)) {
      const part = kind === "member-of" && version !== 0 ? versions.measuredOf(version).share : 0;
      if (part > 0) this.entered.set(from, part);
      return push(this.resting, to, from);
    }
    if (kind === "reaches") {
      if (version !== 0) this.#addEntry(from, to, version);
      return;
    }
    if (kind === "reads" && names.refOf(to).kind === "queue") this.fromQueues.add(from);
    if (version === 0) {
      const spread = spreadOf({ low: 0, mid: expected / 2, high: 1 });
      const use = { user: from, needed: to, spread, risk: spread };
      this.declaredOnly.push(use);
      return void uses.push(use);
    }
    const { share, failures, spread: spreading } = versions.measuredOf(version);
    const part = Math.min(1, share);
    const spread = measuredPart(spreading, failures, expected);
    const risk = product({ low: part, mid: part, high: part }, spread);
    uses.push({ user: from, needed: to, spread: spreadOf(spread), risk: spreadOf(risk) });
  }

  /** The part of a service's instances that run on a node, where a cluster said so; else all. */
  #partOf(edge: number): number {
    const declared = this.graph.holding(subjectOfEdge(edge), this.moment)?.declared;
    const { part } = this.graph.declarations[(declared?.declaration ?? 0) - 1]?.attributes ?? {};
    const value = Number(part);
    return part !== undefined && value > 0 && value < 1 ? value : 1;
  }

  #addEntry(operation: number, to: number, version: number): void {
    const { share, failures, spread } = this.graph.versions.measuredOf(version);
    push(this.entries, to, { operation, part: Math.min(1, share), failures, spread });
  }
}

function push<T>(lists: Map<number, T[]>, key: number, item: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

export interface Order {
  readonly uses: Uses;
  /** By node. */
  readonly ranks: Uint32Array;
  /** By rank. */
  readonly byRank: Uint32Array;
}

/** In the order in which a walk downwards comes back up. */
function orderOf(uses: Uses, nodeCount: number): Order {
  const ranks = new Uint32Array(nodeCount);
  const byRank = [0];
  const begun = new Uint8Array(nodeCount);
  /** Where in its uses the walk through each node is. */
  const next = uses.begins.slice();
  for (let start = 0; start < nodeCount; start++) {
    if (begun[start] === 1 || uses.neededBy(start).length === 0) continue;
    const way = [start];
    begun[start] = 1;
    for (let top = way.at(-1); top !== undefined; top = way.at(-1)) {
      const at = next[top] as number;
      if (at === uses.begins[top + 1]) {
        ranks[top] = byRank.push(top) - 1;
        way.pop();
        continue;
      }
      next[top] = at + 1;
      const below = uses.needed[at] as number;
      if (begun[below] === 1) continue;
      begun[below] = 1;
      way.push(below);
    }
  }
  return { uses, ranks, byRank: Uint32Array.from(byRank) };
}
