// One trace, read for its structure: requests, calls between services, what they depend on, and where it began.

import { SPAN_KIND, type TelemetrySpan } from "../../wire/types/telemetry-span.ts";
import { OPERATIONS_PER_SERVICE_MAX, REACHED_MAX } from "../limits.ts";
import type { Samples } from "./samples.ts";
import { dependencyOf, operationOf, operationText, placeOf, serviceText, type Place } from "./span-names.ts";

/** Steps from a span to the one that its service was asked with; a longer way is somebody's joke. */
const ANCESTORS_MAX = 256;
const OTHER = "other";
const KNOWN_MAX = 50_000;

type Span = TelemetrySpan;

/** What is remembered from trace to trace: names are made once, and addresses are known by what answered there. */
export class Directory {
  readonly #places = new Map<string, { readonly place: Place; readonly text: string }>();
  readonly #operations = new Map<string, Set<string>>();
  readonly #services = new Map<string, string>();

  place(span: Span): { readonly place: Place; readonly text: string } {
    const key = `${span.environment} ${span.service}`;
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place = placeOf(span);
    const made = { place, text: serviceText(place) };
    if (this.#places.size < KNOWN_MAX) this.#places.set(key, made);
    return made;
  }

  /** The operation's node. Beyond a bound a service's operations are one: names that never end are no names. */
  operation(span: Span): string {
    const { place, text } = this.place(span);
    const operations = this.#operations.get(text) ?? new Set();
    if (this.#operations.size < KNOWN_MAX) this.#operations.set(text, operations);
    const name = operationOf(span);
    if (!operations.has(name)) {
      if (operations.size >= OPERATIONS_PER_SERVICE_MAX) return operationText(place, OTHER);
      operations.add(name);
    }
    return operationText(place, name);
  }

  learn(address: string, environment: string | null, service: string): void {
    const key = `${environment ?? ""} ${address}`;
    if (this.#services.size < KNOWN_MAX || this.#services.has(key)) this.#services.set(key, service);
  }

  serviceAt(address: string, environment: string | null): string | undefined {
    return this.#services.get(`${environment ?? ""} ${address}`);
  }
}

/** Adds a trace's counts. What of it arrives later is digested by itself, and has no beginning. */
export function digestTrace(spans: readonly Span[], directory: Directory, samples: Samples): void {
  new Digest(spans, directory, samples).run();
}

class Digest {
  readonly #spans: readonly Span[];
  readonly #directory: Directory;
  readonly #samples: Samples;
  readonly #byId = new Map<string, Span>();
  /** Spans that another service answered. */
  readonly #answered = new Set<Span>();
  readonly #asked = new Map<Span, Span>();
  /** Nodes that the trace got to, and whether something failed there. */
  readonly #reached = new Map<string, boolean>();

  constructor(spans: readonly Span[], directory: Directory, samples: Samples) {
    this.#spans = spans;
    this.#directory = directory;
    this.#samples = samples;
    for (const span of spans) this.#byId.set(span.spanId, span);
  }

  run(): void {
    for (const span of this.#spans) {
      const parent = this.#parentOf(span);
      if (parent !== undefined && !this.#isSameService(span, parent)) this.#addCall(span, parent);
    }
    for (const span of this.#spans) {
      if (this.#isRequest(span)) this.#addRequest(span);
      if (!this.#answered.has(span)) this.#addDependency(span);
    }
    const first = this.#spans.find(({ parentId }) => parentId === "");
    if (first !== undefined) this.#addEntry(first);
  }

  #parentOf(span: Span): Span | undefined {
    return span.parentId === "" ? undefined : this.#byId.get(span.parentId);
  }

  #isSameService(a: Span, b: Span): boolean {
    return this.#directory.place(a).text === this.#directory.place(b).text;
  }

  /** What its service was asked with when the span ran: the span itself, or the one furthest above it in its service. */
  #askedWith(span: Span): Span {
    const known = this.#asked.get(span);
    if (known !== undefined) return known;
    let top = span;
    for (let step = 0; step < ANCESTORS_MAX; step++) {
      const parent = this.#parentOf(top);
      if (parent === undefined || parent === span || !this.#isSameService(parent, top)) break;
      top = parent;
    }
    this.#asked.set(span, top);
    return top;
  }

  /** A request is what a service was asked for: from outside the trace, by another service, or by nobody. */
  #isRequest(span: Span): boolean {
    if (span.parentId === "") return true;
    const parent = this.#parentOf(span);
    if (parent !== undefined) return !this.#isSameService(span, parent);
    return span.kind === SPAN_KIND.server || span.kind === SPAN_KIND.consumer;
  }

  #addCall(span: Span, parent: Span): void {
    // Through a queue nobody waits: the queue's own edges tell.
    if (span.kind === SPAN_KIND.consumer || parent.kind === SPAN_KIND.producer) return;
    this.#answered.add(parent);
    const { place, text: from } = this.#directory.place(parent);
    const { place: callee, text: to } = this.#directory.place(span);
    const address = parent.names.serverAddress;
    if (address !== undefined) this.#directory.learn(address, place.environment, callee.service);
    const seen = parent.kind === SPAN_KIND.client ? parent : span;
    const isFailed = span.isFailed || parent.isFailed;
    this.#addEdge("calls", { from, to, span: seen, isFailed, asker: this.#askedWith(parent) });
  }

  #addEdge(
    kind: "calls" | "reads" | "writes",
    call: { from: string; to: string; span: Span; isFailed: boolean; asker: Span },
  ): void {
    const sample = this.#samples.edge(kind, call.from, call.to);
    if (sample === null) return;
    const { startMs, durationUs } = call.span;
    sample.add({ startMs, durationUs, isFailed: call.isFailed });
    sample.hits++;
    if (call.isFailed) sample.addFailure(call.asker.isFailed);
  }

  #addRequest(span: Span): void {
    const { text } = this.#directory.place(span);
    const operation = this.#directory.operation(span);
    this.#samples.node(text)?.add(span);
    const sample = this.#samples.node(operation);
    sample?.add(span);
    if (sample !== null) sample.hits++;
    this.#samples.edge("member-of", operation, text);
    this.#reach(text, span.isFailed);
  }

  #addDependency(span: Span): void {
    const { place, text } = this.#directory.place(span);
    const found = dependencyOf(span, place, (address) => this.#directory.serviceAt(address, place.environment));
    if (found === null || found.node === text) return;
    this.#samples.node(found.node)?.add(span);
    const asker = this.#askedWith(span);
    this.#addEdge(found.kind, { from: text, to: found.node, span, isFailed: span.isFailed, asker });
    this.#reach(found.node, span.isFailed);
  }

  #reach(node: string, isFailed: boolean): void {
    this.#reached.set(node, isFailed || this.#reached.get(node) === true);
  }

  #addEntry(first: Span): void {
    const entry = this.#directory.operation(first);
    const { place, text } = this.#directory.place(first);
    const { environment } = place;
    this.#samples.entered.set(environment, (this.#samples.entered.get(environment) ?? 0) + 1);
    const own = this.#samples.node(entry);
    if (own !== null) own.entered++;
    const membership = this.#samples.edge("member-of", entry, text);
    membership?.add(first);
    if (membership !== null) membership.hits++;
    let count = 0;
    for (const [node, isFailed] of this.#reached) {
      if (++count > REACHED_MAX) break;
      const reached = this.#samples.node(node);
      if (reached !== null) reached.hits++;
      const sample = this.#samples.edge("reaches", entry, node);
      if (sample === null) continue;
      sample.add({ startMs: first.startMs, durationUs: first.durationUs, isFailed });
      sample.hits++;
      if (isFailed) sample.addFailure(first.isFailed);
    }
  }
}
