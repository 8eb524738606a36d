// The graph: the model's log, folded. It answers what was true when, and what was known of it when.

import { AppError } from "../core/errors.ts";
import type { EvidenceState } from "../wire/types/model.ts";
import { Calibration, type CalibrationParts } from "./impact/calibration.ts";
import { EntryWindows, type CountedWindow } from "./impact/entry-windows.ts";
import { bytes, doubles, integers, type Column } from "./columns.ts";
import {
  MEASURED_WIDTH,
  MODEL_FORMAT,
  type Declaration,
  type ImpactFacts,
  type Minted,
  type ModelEvent,
  type ModelFacts,
  type RecordedChange,
} from "./events.ts";
import { CHANGES_MAX, IMPACTS_MAX, KINDS_MAX } from "./limits.ts";
import { indexOfSubject, isEdgeSubject, Names, subjectOfEdge, subjectOfNode } from "./names.ts";
import { thinVersions } from "./thin.ts";
import type { Measured } from "../wire/types/model-views.ts";
import { NOTHING_MEASURED, Versions, type Version } from "./versions.ts";

/** How a thing can be known; each has versions of its own. */
export const FACETS = ["declared", "observed", "tested"] as const;
export type Facet = (typeof FACETS)[number];

const PRESENT = 1;
/** Of versions of tests; what nobody could tell is as good as observed. */
const TESTS = { confirmed: 1, refuted: 2, unconfirmed: 3 } as const;

/** Where in the two times a read stands. */
export interface Moment {
  /** Seconds since 1970. */
  readonly at: number;
  /** Events of the model's log that were known then. */
  readonly seqEnd: number;
}

/** What holds of a node or an edge at a moment. */
export interface Holding {
  readonly state: EvidenceState;
  /** Seconds since 1970: since when it is known in this state. */
  readonly since: number;
  readonly observed: Version | null;
  readonly declared: Version | null;
  readonly tested: Version | null;
}

export type StoredChange = RecordedChange & {
  /** The event that recorded it. */
  readonly seq: number;
};

export type StoredImpact = ImpactFacts & { readonly seq: number };

/** All of a graph, as its snapshot has it. */
export interface GraphParts {
  readonly nodes: readonly string[];
  readonly feeds: readonly (readonly [string, readonly (readonly [number, number])[]])[];
  readonly changes: readonly StoredChange[];
  readonly declarations: readonly Declaration[];
  readonly evidence: readonly (readonly [number, readonly string[]])[];
  /** Absent in what was saved before there were any, as is the number of each one's event. */
  readonly impacts?: readonly (ImpactFacts & { readonly seq?: number })[];
  readonly calibrations?: readonly (readonly [string, CalibrationParts])[];
  readonly windows?: readonly CountedWindow[];
  /** Kind, from and to of edges; heads of nodes and edges by facet; times; ends of windows; versions. */
  readonly columns: readonly Uint8Array[];
}

export class Graph {
  readonly names = new Names();
  readonly versions = new Versions();
  readonly feeds = new Map<string, Map<number, number>>();
  readonly changes: StoredChange[] = [];
  /** Number 1 is the first. */
  readonly declarations: Declaration[] = [];
  readonly evidence = new Map<number, readonly string[]>();
  /** The newest, in the order in which they were measured. */
  readonly impacts: StoredImpact[] = [];
  /** By kind. */
  readonly calibrations = new Map<string, Calibration>();
  /** What entries, services and calls went through lately. */
  readonly windows = new EntryWindows();
  readonly #heads: Record<"node" | "edge", readonly Column<Uint32Array>[]>;
  readonly #times = doubles();
  /** Beside each event: the end of the last window by then. */
  readonly #observedUntil = integers();

  constructor() {
    this.#heads = { node: FACETS.map(() => integers()), edge: FACETS.map(() => integers()) };
  }

  dump(): GraphParts {
    const { names, versions, changes, declarations } = this;
    const nodes = Array.from({ length: names.nodeCount }, (_, node) => names.textOf(node));
    const feeds = [...this.feeds].map(([feed, owned]) => [feed, [...owned]] as const);
    const columns = [...names.dumpEdges(), ...this.#columns().map((column) => column.bytes()), ...versions.dump()];
    const calibrations = [...this.calibrations].map(([kind, one]) => [kind, one.dump()] as const);
    const [evidence, windows] = [[...this.evidence], this.windows.dump()];
    return { nodes, feeds, changes, declarations, evidence, impacts: this.impacts, calibrations, windows, columns };
  }

  /** The graph that gave these parts. Throws `ledger-corrupt` for parts that do not fit. */
  static from({ nodes, feeds, changes, declarations, evidence, columns, ...parts }: GraphParts): Graph {
    const graph = new Graph();
    for (const text of nodes) graph.names.addNode(text);
    const [kinds, from, to] = edgeColumns(columns);
    for (let edge = 0; edge < kinds.length; edge++) {
      graph.names.addEdge(kinds.get(edge), from.get(edge), to.get(edge));
    }
    const own = graph.#columns();
    for (const [i, column] of own.entries()) column.load(columns[EDGE_COLUMNS + i] ?? new Uint8Array());
    graph.versions.load(columns.slice(EDGE_COLUMNS + own.length));
    for (const [feed, owned] of feeds) graph.feeds.set(feed, new Map(owned));
    graph.changes.push(...changes);
    graph.declarations.push(...declarations);
    for (const [seq, ids] of evidence) graph.evidence.set(seq, ids);
    graph.impacts.push(...(parts.impacts ?? []).map((one) => ({ seq: 0, ...one })));
    for (const window of parts.windows ?? []) graph.windows.add(window);
    for (const [kind, one] of parts.calibrations ?? []) graph.calibrations.set(kind, Calibration.from(one));
    return graph;
  }

  #columns() {
    return [...this.#heads.node, ...this.#heads.edge, this.#times, this.#observedUntil];
  }

  /** Events folded so far: the model's version. */
  get size(): number {
    return this.#times.length;
  }

  /** Time of the last event, in milliseconds since 1970. */
  get time(): number {
    return this.size === 0 ? 0 : this.#times.get(this.size - 1);
  }

  /** The end of the last window of telemetry of the first `size` events, in seconds since 1970; 0 when there was none. */
  observedUntilAt(size: number): number {
    return size === 0 ? 0 : this.#observedUntil.get(size - 1);
  }

  timeOf(seq: number): number {
    return this.#times.get(seq);
  }

  /** How many events were recorded by an instant, in milliseconds since 1970. */
  sizeAt(knownAtMs: number): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#times.get(middle) <= knownAtMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The chain of versions of a node or an edge in one facet. */
  chain(subject: number, facet: Facet): number {
    const index = indexOfSubject(subject);
    const heads = this.#headsOf(subject, facet);
    return index < heads.length ? heads.get(index) : 0;
  }

  /**
   * What holds of a node or an edge; null where it is not there, or is an edge and one of its ends is not. A test
   * outweighs telemetry, which outweighs words.
   */
  holding(subject: number, moment: Moment): Holding | null {
    const { at, seqEnd } = moment;
    if (isEdgeSubject(subject) && !this.#hasEnds(indexOfSubject(subject), moment)) return null;
    const found = (facet: Facet): Version | null => {
      const version = this.versions.find(this.chain(subject, facet), at, seqEnd);
      return version === 0 || this.versions.stateOf(version) === 0 ? null : this.versions.get(version);
    };
    const [declared, observed, tested] = [found("declared"), found("observed"), found("tested")];
    const known = tested ?? observed ?? declared;
    if (known === null) return null;
    const state = tested !== null ? testedState(tested) : observed !== null ? "observed" : "declared";
    return { state, since: known.validFrom, observed, declared, tested };
  }

  /** Whether `holding` would be something. */
  isThere(subject: number, moment: Moment): boolean {
    const { at, seqEnd } = moment;
    if (isEdgeSubject(subject) && !this.#hasEnds(indexOfSubject(subject), moment)) return false;
    return FACETS.some((facet) => {
      const version = this.versions.find(this.chain(subject, facet), at, seqEnd);
      return version !== 0 && this.versions.stateOf(version) !== 0;
    });
  }

  #hasEnds(edge: number, moment: Moment): boolean {
    const ends = [this.names.fromOf(edge), this.names.toOf(edge)];
    return ends.every((node) => this.isThere(subjectOfNode(node), moment));
  }

  /** Folds the next event. Throws `ledger-corrupt` for one that is not the next, or whose facts do not fit. */
  apply(event: ModelEvent): void {
    if (event.seq !== this.size || event.time < this.time) throw corrupt(event.seq, "an event is not the next one");
    this.#times.push(event.time);
    this.#observedUntil.push(this.observedUntilAt(this.size - 1));
    switch (event.type) {
      case "model.opened":
        if (event.facts.format !== MODEL_FORMAT) throw corrupt(event.seq, "the log has another format");
        return;
      case "model.window":
        return this.#applyWindow(event.seq, event.facts);
      case "model.declared":
        return this.#applyDeclared(event.seq, event.facts);
      case "model.changed":
        return this.#applyChanged(event.seq, event.facts);
      case "model.tested":
        return this.#applyTested(event.seq, event.facts);
      case "model.impact":
        return this.#applyImpact(event.seq, event.facts);
      case "model.thinned":
        return this.#applyThinned(event.facts.before);
      default:
        throw corrupt((event as ModelEvent).seq, "an event is of no known type");
    }
  }

  #applyWindow(seq: number, facts: ModelFacts["model.window"]): void {
    this.#mint(facts);
    const { measured, ended } = facts;
    for (let row = 0; row < measured.length; row += MEASURED_WIDTH) {
      const at = (column: number): number => measured[row + column] ?? 0;
      const values: Measured = {
        perSecond: at(2),
        share: at(3),
        errorRatio: at(4),
        p50Ms: at(5),
        p95Ms: at(6),
        failures: at(7),
        spread: at(8),
      };
      this.#add(at(0), "observed", { validFrom: at(1), seq, state: PRESENT, declaration: 0, measured: values });
    }
    for (let row = 0; row < ended.length; row += 2) this.#end(ended[row] ?? 0, "observed", ended[row + 1] ?? 0, seq);
    const { from, to, counts = [] } = facts;
    this.windows.add({ from, to, counts });
    this.#observedUntil.set(seq, Math.max(this.#observedUntil.get(seq), facts.to));
  }

  #applyDeclared(seq: number, facts: ModelFacts["model.declared"]): void {
    this.#mint(facts);
    this.declarations.push(...facts.declarations);
    const owned = this.feeds.get(facts.feed) ?? new Map<number, number>();
    for (let row = 0; row < facts.owned.length; row += 2) {
      const [subject = 0, declaration = 0] = facts.owned.slice(row, row + 2);
      if (declaration === 0) owned.delete(subject);
      else owned.set(subject, declaration);
    }
    if (owned.size === 0) this.feeds.delete(facts.feed);
    else this.feeds.set(facts.feed, owned);
    for (let row = 0; row < facts.effective.length; row += 3) {
      const [subject = 0, validFrom = 0, declaration = 0] = facts.effective.slice(row, row + 3);
      if (declaration > this.declarations.length) throw corrupt(seq, "there is no such declaration");
      const state = declaration === 0 ? 0 : PRESENT;
      this.#add(subject, "declared", { validFrom, seq, state, declaration, measured: NOTHING_MEASURED });
    }
  }

  #applyChanged(seq: number, facts: ModelFacts["model.changed"]): void {
    const { nodes, edges } = this.#mint(facts);
    const validFrom = Math.floor(facts.change.at / 1000);
    const version = { validFrom, seq, state: PRESENT, declaration: 0, measured: NOTHING_MEASURED };
    for (const node of nodes) this.#add(subjectOfNode(node), "declared", version);
    for (const edge of edges) this.#add(subjectOfEdge(edge), "declared", version);
    this.changes.push({ ...facts.change, seq });
    if (this.changes.length > CHANGES_MAX) this.changes.shift();
  }

  #applyTested(seq: number, facts: ModelFacts["model.tested"]): void {
    this.#mint(facts);
    const { subject, validFrom, result, evidence } = facts;
    const state = TESTS[result];
    this.#add(subject, "tested", { validFrom, seq, state, declaration: 0, measured: NOTHING_MEASURED });
    this.evidence.set(seq, evidence);
  }

  #applyImpact(seq: number, facts: ModelFacts["model.impact"]): void {
    this.impacts.push({ ...facts, seq });
    if (this.impacts.length > IMPACTS_MAX) this.impacts.shift();
    const { kind, exposure, stated, actual, outcome } = facts;
    if (actual === null || outcome === "concurrent") return;
    const calibration = this.calibrationOf(kind);
    calibration.add({ exposure, stated, actual: actual.mid });
    if (this.calibrations.size < KINDS_MAX || this.calibrations.has(kind)) this.calibrations.set(kind, calibration);
  }

  /** One that has learned nothing where there is none. */
  calibrationOf(kind: string): Calibration {
    return this.calibrations.get(kind) ?? new Calibration();
  }

  #applyThinned(before: number): void {
    const measured = FACETS.indexOf("observed");
    const chains = [...this.#heads.node, ...this.#heads.edge];
    thinVersions(this.versions, { chains, before, isThinned: (i) => i % FACETS.length === measured });
  }

  #mint({ nodes, edges }: Minted): { nodes: number[]; edges: number[] } {
    const minted = { nodes: nodes.map((text) => this.#mintNode(text)), edges: [] as number[] };
    for (let row = 0; row < edges.length; row += 3) {
      const [kind = 0, from = 0, to = 0] = edges.slice(row, row + 3);
      minted.edges.push(this.names.addEdge(kind, from, to));
      for (const heads of this.#heads.edge) heads.push(0);
    }
    return minted;
  }

  #mintNode(text: string): number {
    for (const heads of this.#heads.node) heads.push(0);
    return this.names.addNode(text);
  }

  #add(subject: number, facet: Facet, version: Version): void {
    const heads = this.#headsOf(subject, facet);
    const index = indexOfSubject(subject);
    if (!(index < heads.length)) throw corrupt(version.seq, "an event is about what is not there");
    heads.set(index, this.versions.add(heads.get(index), version));
  }

  #end(subject: number, facet: Facet, validFrom: number, seq: number): void {
    this.#add(subject, facet, { validFrom, seq, state: 0, declaration: 0, measured: NOTHING_MEASURED });
  }

  #headsOf(subject: number, facet: Facet): Column<Uint32Array> {
    const heads = this.#heads[isEdgeSubject(subject) ? "edge" : "node"][FACETS.indexOf(facet)];
    if (heads === undefined) throw corrupt(0, "there is no such facet");
    return heads;
  }
}

const EDGE_COLUMNS = 3;

function edgeColumns([kind, from, to]: readonly Uint8Array[]) {
  const columns = [bytes(), integers(), integers()] as const;
  for (const [i, column] of columns.entries()) column.load([kind, from, to][i] ?? new Uint8Array());
  return columns;
}

export function testedState({ state }: Pick<Version, "state">): EvidenceState {
  return state === TESTS.confirmed ? "confirmed" : state === TESTS.refuted ? "refuted" : "observed";
}

function corrupt(seq: number, detail: string): AppError {
  return new AppError("ledger-corrupt", detail, { seq });
}
