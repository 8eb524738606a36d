// Spans that wait for the rest of their trace. They are never recorded: a trace is digested, and forgotten.

import type { TelemetrySpan } from "../../wire/types/telemetry-span.ts";

const SPANS_PER_TRACE_MAX = 10_000;

type Waiting = { readonly sinceMs: number; readonly spans: TelemetrySpan[] };

export class TraceBuffer {
  readonly #traces = new Map<string, Waiting>();
  readonly #spansMax: number;
  readonly #onWhole: (spans: readonly TelemetrySpan[]) => void;
  #spans = 0;
  /** Spans of traces that were too long to be kept whole. */
  dropped = 0;

  /** `onWhole` is given each trace once, when its time is over or there is no room for it any more. */
  constructor(spansMax: number, onWhole: (spans: readonly TelemetrySpan[]) => void) {
    this.#spansMax = spansMax;
    this.#onWhole = onWhole;
  }

  get spans(): number {
    return this.#spans;
  }

  add(span: TelemetrySpan, nowMs: number): void {
    let trace = this.#traces.get(span.traceId);
    if (trace === undefined) {
      trace = { sinceMs: nowMs, spans: [] };
      this.#traces.set(span.traceId, trace);
    }
    if (trace.spans.length >= SPANS_PER_TRACE_MAX) {
      this.dropped++;
      return;
    }
    trace.spans.push(span);
    this.#spans++;
    if (this.#spans > this.#spansMax) this.#releaseFirst();
  }

  /** Lets go of the traces whose first span came by `sinceMs`. */
  release(sinceMs: number): void {
    // The first that came stands first.
    for (const trace of this.#traces.values()) {
      if (trace.sinceMs > sinceMs) return;
      this.#releaseFirst();
    }
  }

  #releaseFirst(): void {
    for (const [id, { spans }] of this.#traces) {
      this.#traces.delete(id);
      this.#spans -= spans.length;
      this.#onWhole(spans);
      return;
    }
  }
}
