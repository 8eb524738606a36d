// What the graph answers to what can be asked of it.

import { RecentMap } from "../core/recent-map.ts";
import type { ClusterObject } from "../wire/types/cluster-object.ts";
import type { Explained } from "../wire/types/explanation.ts";
import type { ModelCausesRead, ModelRead, ModelTimes } from "../wire/types/model-reads.ts";
import type { ModelCausesView } from "../wire/types/model-views.ts";
import type { Graph, Moment } from "./graph.ts";
import { explanationOf } from "./causes/explain.ts";
import { findMeasure } from "./causes/graph-question.ts";
import { readCauses } from "./causes/read-causes.ts";
import { predictImpact } from "./impact/blast-radius.ts";
import { predictAction } from "./impact/predict-action.ts";
import { relateServices } from "./impact/relate.ts";
import { serviceState } from "./impact/service-state.ts";
import { Present } from "./impact/present.ts";
import { readCalibration } from "./impact/read-calibration.ts";
import { readDiff, readGraph, readNode } from "./reads.ts";
import type { ClusterTerms } from "./kubernetes/graph-of-objects.ts";
import { mismatchesOf } from "./kubernetes/state-of-objects.ts";
import { momentOf, momentView } from "./views.ts";

/** How long what was laid out for walks is good for, as long as nothing is recorded, in seconds of what is asked about. */
const SAME_S = 60;
/** Whoever asked before it was laid out, and is answered after. */
const BEFORE_S = 2;

/** Predictions that are kept as long as what they were made of. */
const PREDICTIONS_KEPT = 64;

/** A question about a time that is longer past than this is none about what is seen now. */
const NOW_MS = 15 * 60_000;

export interface WatchedCluster {
  readonly objects: readonly ClusterObject[];
  readonly terms: ClusterTerms;
  /** In milliseconds since 1970. */
  readonly seenAt: number;
}

/** Answers questions about one graph; what it laid out for one walk serves the next. */
export class Answerer {
  readonly #graph: Graph;
  #present: Present | null = null;
  #predictions = new RecentMap<object>(PREDICTIONS_KEPT);
  /** Clusters that are watched now, by feed: only the present is known of them in such detail. */
  readonly #clusters = new Map<string, WatchedCluster>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** The document that is asked for. Throws `model-node-not-found`. */
  answer(read: ModelRead): object {
    const graph = this.#graph;
    switch (read.what) {
      case "graph":
        return readGraph(graph, read);
      case "node":
        return readNode(graph, read.id, read);
      case "diff":
        return readDiff(graph, read);
      case "causes":
        return this.#causes(read);
      case "explanation":
        return this.#explanation(read);
      case "impact":
        return { ...momentView(graph, read), ...this.#predicted(read, (present) => predictImpact(present, read)) };
      case "action":
        return this.#predicted(read, (present) => predictAction(present, read));
      case "calibration":
        return readCalibration(graph, read.kind);
      case "state":
        return serviceState(graph, read);
      case "relations":
        return relateServices(this.#presentAt(read), read.environment, read.services);
    }
  }

  /** What a feed sees now; it replaces what the feed saw before. */
  watch(feed: string, cluster: WatchedCluster): void {
    this.#clusters.set(feed, cluster);
  }

  /**
   * Lays out the graph as it is known by now, so that the next to ask needs not wait for it; where that would be as good
   * as what there is, it does not, and says so.
   */
  prepare(nowMs: number): boolean {
    const times = { at: nowMs, knownAt: nowMs };
    const last = this.#present?.moment;
    const { at, seqEnd } = momentOf(this.#graph, times);
    if (last !== undefined && last.seqEnd === seqEnd && Math.abs(at - last.at) < SAME_S / 2) return false;
    this.#layOut({ at, seqEnd });
    return true;
  }

  /** Of one target at one moment, once. */
  #predicted<T extends object>(read: ModelRead & ModelTimes, predict: (present: Present) => T): T {
    const present = this.#presentAt(read);
    const key = JSON.stringify({ ...read, at: 0, knownAt: 0 });
    // The key says what was asked, and so what kind of answer it is.
    const known = this.#predictions.get(key) as T | undefined;
    const answer = known ?? predict(present);
    if (known === undefined) this.#predictions.set(key, answer);
    return answer;
  }

  #causes(read: ModelCausesRead): ModelCausesView {
    return readCauses(this.#graph, read, (nodes) => this.#mismatchesAt(read, nodes));
  }

  /** Of what the node shows. */
  #explanation({ node, at, knownAt }: { readonly node: string } & ModelTimes): Explained {
    const measure = findMeasure(this.#graph, { node, at, knownAt });
    return explanationOf(this.#graph, measure, this.#causes({ what: "causes", node, measure, at, knownAt }));
  }

  #mismatchesAt({ at, knownAt }: ModelTimes, nodes: ReadonlySet<string>) {
    const isNow = ({ seenAt }: WatchedCluster): boolean => at >= seenAt - NOW_MS && knownAt >= seenAt - NOW_MS;
    return [...this.#clusters.values()]
      .filter(isNow)
      .flatMap(({ objects, terms }) => mismatchesOf(objects, terms, nodes));
  }

  #presentAt(times: ModelTimes): Present {
    const moment = momentOf(this.#graph, times);
    const last = this.#present?.moment;
    if (this.#present !== null && last !== undefined && isSame(moment, last)) return this.#present;
    return this.#layOut(moment);
  }

  #layOut(moment: Moment): Present {
    this.#present = new Present(this.#graph, moment);
    this.#predictions = new RecentMap(PREDICTIONS_KEPT);
    return this.#present;
  }
}

function isSame(a: Moment, b: Moment): boolean {
  return a.seqEnd === b.seqEnd && a.at >= b.at - BEFORE_S && a.at - b.at < SAME_S;
}
