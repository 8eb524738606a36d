// Windows of telemetry made into events: what is new, what moved, and what is no longer seen.
//
// Silence is told from absence: a dependency fades when whoever used it is alive and has not used it for long, by its own
// measure; while no telemetry comes at all, nothing fades.

import { isAppError } from "../../core/errors.ts";
import type { NodeKind } from "../../wire/types/model.ts";
import type { ModelDraft } from "../events.ts";
import type { Graph } from "../graph.ts";
import { Mint } from "../mint.ts";
import { indexOfSubject, isEdgeSubject, subjectOfEdge, subjectOfNode } from "../names.ts";
import type { Measured } from "../../wire/types/model-views.ts";
import { NOTHING_MEASURED } from "../versions.ts";
import type { EdgeSample, Sample, Samples } from "./samples.ts";
import type { Traced } from "./traced.ts";
import { Counts, Track } from "./track.ts";

export interface Fading {
  /** Of what was not used by who is alive; at least, and three times its longest pause so far. */
  readonly fadeAfterS: number;
  /** Of what says nothing itself any more. */
  readonly forgetAfterS: number;
}

export interface Window {
  /** Seconds since 1970. */
  readonly fromS: number;
  readonly toS: number;
  /** Where the day's bytes are spent: only what is new or gone is recorded. */
  readonly isStructureOnly: boolean;
  readonly traced: readonly Traced[];
}

const PAUSES = 3;
/** How far before its window a span may have begun. */
const LATE_MAX_S = 900;

export class Observer {
  readonly #graph: Graph;
  readonly #fading: Fading;
  readonly #tracks = new Map<number, Track>();
  #flowS = 0;
  /** Nodes and edges that there was no room for. */
  dropped = 0;

  /** Goes on from what the graph shows as observed; `nowS` is when each of it counts as seen last. */
  constructor(graph: Graph, fading: Fading, nowS: number) {
    this.#graph = graph;
    this.#fading = fading;
    for (let node = 0; node < graph.names.nodeCount; node++) this.#resume(subjectOfNode(node), nowS);
    for (let edge = 0; edge < graph.names.edgeCount; edge++) this.#resume(subjectOfEdge(edge), nowS);
  }

  #resume(subject: number, nowS: number): void {
    const { versions } = this.#graph;
    const version = versions.find(this.#graph.chain(subject, "observed"), Infinity, Infinity);
    if (version === 0 || versions.stateOf(version) === 0) return;
    this.#tracks.set(subject, Track.resumed(versions.measuredOf(version), nowS));
  }

  /** The event of one window; null where no telemetry came. Its numbers fit the graph as it is now. */
  close(samples: Samples, window: Window): ModelDraft | null {
    if (samples.nodes.size === 0) return null;
    this.#flowS += window.toS - window.fromS;
    const mint = new Mint(this.#graph);
    const rows = new Rows();
    for (const [text, sample] of samples.nodes) {
      const subject = this.#numberOf(() => subjectOfNode(mint.node(text)));
      if (subject !== null)
        this.#see(subject, { sample, base: sample.base ?? baseOfNode(text, samples), window, rows });
    }
    for (const edge of samples.edges.values()) {
      const subject = this.#numberOf(() =>
        subjectOfEdge(mint.edge(edge.kind, mint.node(edge.from), mint.node(edge.to))),
      );
      if (subject !== null)
        this.#see(subject, { sample: edge.sample, base: edge.sample.base ?? baseOfEdge(edge, samples), window, rows });
    }
    this.#fade(window, rows);
    const { fromS: from, toS: to } = window;
    const counts = window.isStructureOnly ? [] : this.#countsOf(window.traced, mint);
    const { measured, ended } = rows;
    return { type: "model.window", facts: { ...mint.minted, from, to, measured, ended, counts } };
  }

  /** All of it was named before: nothing is minted for it alone. */
  #countsOf(traced: readonly Traced[], mint: Mint): number[] {
    const counts: number[] = [];
    for (const { from, to, count, failed, p95Ms } of traced) {
      const subject = this.#numberOf(() =>
        to === null
          ? subjectOfNode(mint.node(from))
          : subjectOfEdge(mint.edge("calls", mint.node(from), mint.node(to))),
      );
      if (subject !== null) counts.push(subject, count, failed, p95Ms);
    }
    return counts;
  }

  #numberOf(mint: () => number): number | null {
    try {
      return mint();
    } catch (error) {
      if (!isAppError(error, "model-full")) throw error;
      this.dropped++;
      return null;
    }
  }

  #see(subject: number, { sample, base, window, rows }: Seen): void {
    let track = this.#tracks.get(subject);
    if (track === undefined) {
      track = new Track(0, this.#flowS);
      this.#tracks.set(subject, track);
    }
    const pauseS = track.lastS === 0 ? 0 : window.fromS - track.lastS;
    track.longestGapS = Math.max(track.longestGapS, pauseS);
    track.failures += sample.failures;
    track.spread += sample.spread;
    const isNew = !track.isPresent;
    const wasLastS = track.lastS;
    track.lastS = window.toS;
    track.lastFlowS = this.#flowS;
    // Where the day's bytes are spent what is known stands as it is.
    if (!isNew && window.isStructureOnly) return;
    const hasNumbers = sample.count > 0;
    const counts = Counts.of(sample, base, window.toS - window.fromS);
    const measured = hasNumbers ? track.take(counts) : isNew ? NOTHING_MEASURED : null;
    track.isPresent = true;
    if (measured === null) return;
    const first = Math.min(window.toS, Math.max(sample.firstS, window.fromS - LATE_MAX_S, wasLastS));
    rows.measure(subject, isNew && Number.isFinite(sample.firstS) ? first : window.fromS, measured);
  }

  #fade(window: Window, rows: Rows): void {
    for (const [subject, track] of this.#tracks) {
      if (!track.isPresent || track.lastS === window.toS) continue;
      const silentS = this.#flowS - track.lastFlowS;
      if (silentS <= this.#patienceS(subject, track, window)) continue;
      track.isPresent = false;
      rows.ended.push(subject, track.lastS);
    }
  }

  #patienceS(subject: number, track: Track, { toS }: Window): number {
    const { fadeAfterS, forgetAfterS } = this.#fading;
    const soon = Math.max(fadeAfterS, PAUSES * track.longestGapS);
    const isAlive = (node: number | undefined): boolean =>
      node !== undefined && this.#tracks.get(subjectOfNode(node))?.lastS === toS;
    const { names } = this.#graph;
    const index = indexOfSubject(subject);
    if (isEdgeSubject(subject)) return isAlive(names.fromOf(index)) ? soon : Math.max(soon, forgetAfterS);
    const kind = names.refOf(index).kind;
    if (SPEAKS_FOR_ITSELF.has(kind)) return Math.max(soon, forgetAfterS);
    // What others speak of is there as long as one of them uses it; an operation as long as its service is silent.
    const edges = kind === "operation" ? names.out(index) : names.into(index);
    for (const edge of edges) {
      const isUsed = this.#tracks.get(subjectOfEdge(edge))?.isPresent === true;
      if (kind !== "operation" && isUsed) return Infinity;
      if (kind === "operation" && names.kindOf(edge) === "member-of" && isAlive(names.toOf(edge))) return soon;
    }
    return kind === "operation" ? Math.max(soon, forgetAfterS) : soon;
  }
}

const SPEAKS_FOR_ITSELF: ReadonlySet<NodeKind> = new Set(["service"]);

type Seen = { readonly sample: Sample; readonly base: number; readonly window: Window; readonly rows: Rows };

class Rows {
  readonly measured: number[] = [];
  readonly ended: number[] = [];

  measure(subject: number, validFrom: number, of: Measured): void {
    const { perSecond, share, errorRatio, p50Ms, p95Ms, failures, spread } = of;
    this.measured.push(subject, validFrom, perSecond, share, errorRatio, p50Ms, p95Ms, failures, spread);
  }
}

const OPERATION = "operation:";

function environmentOf(text: string): string | null {
  return text.split(":", 2)[1] || null;
}

/** An operation is a part of its service's requests; everything else of the requests that came in from outside. */
function baseOfNode(text: string, samples: Samples): number {
  if (!text.startsWith(OPERATION)) return samples.entered.get(environmentOf(text)) ?? 0;
  const service = `service:${text.slice(OPERATION.length).split(" ", 1)[0] ?? ""}`;
  return samples.nodes.get(service)?.count ?? 0;
}

function baseOfEdge({ kind, from }: EdgeSample, samples: Samples): number {
  const node = samples.nodes.get(from);
  if (kind === "member-of") return samples.entered.get(environmentOf(from)) ?? 0;
  return (kind === "reaches" ? node?.entered : node?.count) ?? 0;
}
