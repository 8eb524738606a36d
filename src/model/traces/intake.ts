// The way of spans: they wait for their trace, are digested, counted, and become an event a window.

import type { MeasuredRows } from "../../wire/types/measured-rows.ts";
import type { TelemetrySpan } from "../../wire/types/telemetry-span.ts";
import type { ModelDraft } from "../events.ts";
import type { Graph } from "../graph.ts";
import { digestTrace, Directory } from "./digest.ts";
import { Observer, type Fading } from "./observer.ts";
import { Samples } from "./samples.ts";
import { countTraced } from "./traced.ts";
import { ToldRates } from "./told-rates.ts";
import { TraceBuffer } from "./trace-buffer.ts";

export interface IntakeTerms extends Fading {
  /** Seconds. */
  readonly windowS: number;
  /** How long spans wait for the rest of their trace, after the first came. */
  readonly holdMs: number;
  /** Of facts, in one day of UTC; beyond, only what is new or gone is recorded. */
  readonly dayBytesMax: number;
  readonly waitingMax: number;
  /** Nodes, and edges, that one window tells apart. */
  readonly namesMax: number;
}

const DAY_S = 86_400;

export class Intake {
  readonly #terms: IntakeTerms;
  readonly #directory = new Directory();
  readonly #buffer: TraceBuffer;
  readonly #observer: Observer;
  readonly #told = new ToldRates();
  #samples: Samples;
  #fromS: number;
  #day = 0;
  #dayBytes = 0;
  #dropped = 0;
  /** Taken since the start. */
  spans = 0;

  constructor(graph: Graph, terms: IntakeTerms, nowMs: number) {
    this.#terms = terms;
    this.#samples = new Samples(terms.namesMax);
    this.#buffer = new TraceBuffer(terms.waitingMax, (spans) => digestTrace(spans, this.#directory, this.#samples));
    this.#fromS = Math.floor(nowMs / 1000);
    this.#observer = new Observer(graph, terms, this.#fromS);
  }

  get waiting(): number {
    return this.#buffer.spans;
  }

  get dropped(): number {
    return this.#dropped + this.#samples.dropped + this.#observer.dropped + this.#buffer.dropped;
  }

  add(span: TelemetrySpan, nowMs: number): void {
    this.spans++;
    this.#buffer.add(span, nowMs);
  }

  /** What a metrics server says now of services and calls. */
  tell(feed: string, environment: string, rows: MeasuredRows): void {
    this.#told.tell(feed, environment, rows);
  }

  /** Digests the traces whose time is over, so that a window's end has little left to do. */
  digestDue(nowMs: number): void {
    this.#buffer.release(nowMs - this.#terms.holdMs);
  }

  /** The event of the window that ends now, if it has come to its end; null otherwise, and where no telemetry came. */
  closeDue(nowMs: number): ModelDraft | null {
    const toS = Math.floor(nowMs / 1000);
    if (toS - this.#fromS < this.#terms.windowS) return null;
    this.digestDue(nowMs);
    const traced = countTraced(this.#samples); // before metrics are added, which tell nothing of entries
    this.#told.addTo(this.#samples, toS - this.#fromS);
    const isStructureOnly = this.#bytesOf(toS) > this.#terms.dayBytesMax;
    const draft = this.#observer.close(this.#samples, { fromS: this.#fromS, toS, isStructureOnly, traced });
    this.#dropped += this.#samples.dropped;
    this.#samples = new Samples(this.#terms.namesMax);
    this.#fromS = toS;
    if (draft !== null) this.#dayBytes += JSON.stringify(draft.facts).length;
    return draft;
  }

  #bytesOf(nowS: number): number {
    const day = Math.floor(nowS / DAY_S);
    if (day !== this.#day) {
      this.#day = day;
      this.#dayBytes = 0;
    }
    return this.#dayBytes;
  }
}
