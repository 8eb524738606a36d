// What one window of telemetry counted, by node and by edge.

import type { EdgeKind } from "../../wire/types/model.ts";
import { countDuration, newHistogram, type Histogram } from "./histogram.ts";

/** The counts of one node or edge in one window. */
export class Sample {
  /** Requests of a node, calls of an edge. */
  count = 0;
  /** What a share is made of: calls, requests, or requests of entries that got there. */
  hits = 0;
  failed = 0;
  /** Failures whose asker is known, and those of them that made it fail. */
  failures = 0;
  spread = 0;
  /** Of an operation: requests that began a trace here. */
  entered = 0;
  /** Seconds since 1970: when the first began. */
  firstS = Infinity;
  durations: Histogram | null = null;
  /** What its share is a part of, where whoever told it counted that too; else it follows from the other samples. */
  base: number | null = null;

  add({ isFailed, startMs, durationUs }: { isFailed: boolean; startMs: number; durationUs: number }): void {
    this.count++;
    if (isFailed) this.failed++;
    this.firstS = Math.min(this.firstS, Math.floor(startMs / 1000));
    this.durations ??= newHistogram();
    countDuration(this.durations, durationUs);
  }

  addFailure(isSpread: boolean): void {
    this.failures++;
    if (isSpread) this.spread++;
  }
}

export interface EdgeSample {
  readonly kind: EdgeKind;
  readonly from: string;
  readonly to: string;
  readonly sample: Sample;
}

/** All that was counted since the last window. Bounded: beyond, what is new is counted as dropped and nothing else. */
export class Samples {
  readonly nodes = new Map<string, Sample>();
  readonly edges = new Map<string, EdgeSample>();
  /** Requests that began a trace, by environment. */
  readonly entered = new Map<string | null, number>();
  dropped = 0;
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  /** Null where there is no room for another. */
  node(text: string): Sample | null {
    const known = this.nodes.get(text);
    if (known !== undefined) return known;
    if (this.nodes.size >= this.#max) {
      this.dropped++;
      return null;
    }
    const sample = new Sample();
    this.nodes.set(text, sample);
    return sample;
  }

  /** Null where there is no room for another. */
  edge(kind: EdgeKind, from: string, to: string): Sample | null {
    const name = `${kind} ${from} ${to}`;
    const known = this.edges.get(name);
    if (known !== undefined) return known.sample;
    if (this.edges.size >= this.#max) {
      this.dropped++;
      return null;
    }
    const sample = new Sample();
    this.edges.set(name, { kind, from, to, sample });
    return sample;
  }
}
