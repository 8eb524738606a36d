// The graph at one moment as walks need it: who depends on what, how much of each, and where requests come in.

import type { EdgeKind } from "../../wire/types/model.ts";
import type { Graph, Moment } from "../graph.ts";
import { HAPPENINGS, subjectOfEdge, subjectOfNode } from "../names.ts";
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

  readonly #services: Uint8Array;
  /** Whether each node is there, and no mere happening, and the version of telemetry that holds of each edge that is; 0 for none. */
  readonly #isThere: Uint8Array;
  readonly #observed: Uint32Array;

  constructor(graph: Graph, moment: Moment) {
    this.graph = graph;
    this.moment = moment;
    const { names } = graph;
    this.#services = new Uint8Array(names.nodeCount);
    this.#isThere = new Uint8Array(names.nodeCount);
    for (let node = 0; node < names.nodeCount; node++) {
      const { kind } = names.refOf(node);
      this.#services[node] = kind === "service" ? 1 : 0;
      this.#isThere[node] = !HAPPENINGS.has(kind) && graph.isThere(subjectOfNode(node), moment) ? 1 : 0;
    }
    this.#observed = Uint32Array.from({ length: names.edgeCount }, (_, edge) => this.#versionOf(edge));
    const expected = this.#expectedSpread();
    const all: Use[] = [];
    for (let edge = 0; edge < names.edgeCount; edge++) this.#add(edge, expected, all);
    this.uses = new Uses(all, names.nodeCount);
    for (const [operation, part] of this.entered) {
      const { environment } = names.refOf(operation);
      this.enteredIn.set(environment, (this.enteredIn.get(environment) ?? 0) + part);
    }
  }

  /**
   * The trust zones of those that have one: by the attribute `zone`, or by membership in one, or in a namespace that has
   * one; the declared word of the node itself counts first.
   */
  zones(): ReadonlyMap<number, string> {
    this.#zones ??= this.#findZones();
    return this.#zones;
  }

  #zones: ReadonlyMap<number, string> | null = null;

  #findZones(): ReadonlyMap<number, string> {
    const { graph, moment } = this;
    const { names } = graph;
    const zones = new Map<number, string>();
    const namespaces = new Map<number, number>();
    // The newest edge of a node counts, and says it last.
    for (let edge = 0; edge < names.edgeCount; edge++) {
      if (names.kindOf(edge) !== "member-of" || !this.#isEdgeThere(edge)) continue;
      const to = names.refOf(names.toOf(edge));
      if (to.kind === "trust-zone") zones.set(names.fromOf(edge), to.name);
      if (to.kind === "namespace") namespaces.set(names.fromOf(edge), names.toOf(edge));
    }
    for (let node = 0; node < names.nodeCount; node++) {
      if (this.#isThere[node] === 0 || graph.chain(subjectOfNode(node), "declared") === 0) continue;
      const declared = graph.holding(subjectOfNode(node), moment)?.declared;
      const said = declared == null ? undefined : graph.declarations[declared.declaration - 1]?.attributes["zone"];
      if (said !== undefined) zones.set(node, said);
    }
    for (const [node, namespace] of namespaces) {
      const zone = zones.get(namespace);
      if (zone !== undefined && !zones.has(node)) zones.set(node, zone);
    }
    return zones;
  }

  isService(node: number): boolean {
    return this.#services[node] === 1;
  }

  /** The version of telemetry that holds of an edge, whether its ends are there or not; 0 for none. */
  #versionOf(edge: number): number {
    const { versions } = this.graph;
    const { at, seqEnd } = this.moment;
    const version = versions.find(this.graph.chain(subjectOfEdge(edge), "observed"), at, seqEnd);
    return version !== 0 && versions.stateOf(version) !== 0 ? version : 0;
  }

  /** What failures do on the whole: expected where an edge has shown none. */
  #expectedSpread(): number {
    let [failures, spread] = [0, 0];
    const { names, versions } = this.graph;
    for (let edge = 0; edge < names.edgeCount; edge++) {
      const version = this.#observed[edge] as number;
      if (version === 0 || !DEPENDING.has(names.kindOf(edge))) continue;
      const measured = versions.measuredOf(version);
      failures += measured.failures;
      spread += measured.spread;
    }
    return measuredPart(spread, failures, SPREAD_EXPECTED).mid;
  }

  /** As the graph says it, with what is known by now of both ends. */
  #isEdgeThere(edge: number): boolean {
    const { names } = this.graph;
    if (this.#isThere[names.fromOf(edge)] === 0 || this.#isThere[names.toOf(edge)] === 0) return false;
    return this.#observed[edge] !== 0 || this.graph.isThere(subjectOfEdge(edge), this.moment);
  }

  #add(edge: number, expected: number, uses: Use[]): void {
    const { names, versions } = this.graph;
    const kind = names.kindOf(edge);
    const isMeant = DEPENDING.has(kind) || RESTING.has(kind) || kind === "reaches";
    if (!isMeant || !this.#isEdgeThere(edge)) return;
    const [from, to] = [names.fromOf(edge), names.toOf(edge)];
    const version = this.#observed[edge] as number;
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
