// A production of queues (M/M/c services, timeouts, retries, fallbacks) under a clock of its own: its spans, and its truth.
//
// Every chance is drawn from the request, the service and the attempt alone, so that a run without a change differs from
// one with it by the change and by nothing else.

import { SPAN_KIND, type TelemetrySpan } from "../../src/wire/types/telemetry-span.ts";

export interface QueueingCall {
  readonly to: number;
  readonly use: number;
  readonly timeoutMs: number;
  readonly retries: number;
  /** How often a call that failed to the last attempt makes the caller fail: the rest falls back. */
  readonly spread: number;
}

export interface QueueingService {
  readonly servers: number;
  readonly meanMs: number;
  readonly calls: readonly QueueingCall[];
  /** Of the traffic from outside. */
  readonly entry: number;
}

/** From `fromMs` until before `toMs` one service is slower, and fails by itself. */
export interface Change {
  readonly service: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly slower: number;
  readonly failing: number;
}

export interface Arrival {
  readonly id: number;
  readonly atMs: number;
  readonly entry: number;
}

export interface Served {
  readonly arrival: Arrival;
  readonly isFailed: boolean;
}

export const queueingName = (service: number): string => `q${service}`;

/** From 0 to 1, from what it is drawn for alone (murmur3's finalizer). */
function drawn(...of: readonly number[]): number {
  let hash = 0x9e3779b9;
  for (const one of of) {
    hash = Math.imul(hash ^ one, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return (hash >>> 0) / 2 ** 32;
}

export function arrivals(
  services: readonly QueueingService[],
  { seed, fromMs, toMs, perSecond }: { seed: number; fromMs: number; toMs: number; perSecond: number },
): readonly Arrival[] {
  const made: Arrival[] = [];
  const entries = services.flatMap(({ entry }, service) => (entry > 0 ? [{ entry, service }] : []));
  for (let atMs = fromMs, id = 1; ; id++) {
    atMs += (-Math.log(1 - drawn(seed, id, 1)) * 1000) / perSecond;
    if (atMs >= toMs) return made;
    let left = drawn(seed, id, 2) * entries.reduce((sum, { entry }) => sum + entry, 0);
    const entry = entries.find((one) => (left -= one.entry) < 0) ?? entries[0];
    made.push({ id: seed * 1_000_000 + id, atMs, entry: entry?.service ?? 0 });
  }
}

type Timed = { readonly atMs: number; readonly run: () => void };

/** The earliest first. */
class Agenda {
  readonly #heap: Timed[] = [];

  add(one: Timed): void {
    const heap = this.#heap;
    let at = heap.push(one) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if ((heap[up] as Timed).atMs <= one.atMs) break;
      heap[at] = heap[up] as Timed;
      at = up;
    }
    heap[at] = one;
  }

  take(): Timed | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (let down = 1; down < heap.length; down = 2 * at + 1) {
      if (down + 1 < heap.length && (heap[down + 1] as Timed).atMs < (heap[down] as Timed).atMs) down++;
      if ((heap[down] as Timed).atMs >= last.atMs) break;
      heap[at] = heap[down] as Timed;
      at = down;
    }
    heap[at] = last;
    return first;
  }
}

type Job = {
  readonly request: number;
  readonly attempt: number;
  readonly parentId: string;
  readonly done: (isFailed: boolean) => void;
};

export class Queueing {
  nowMs = 0;
  readonly #services: readonly QueueingService[];
  readonly #changes: readonly Change[];
  readonly #onSpan: (span: TelemetrySpan) => void;
  readonly #agenda = new Agenda();
  readonly #waiting: Job[][];
  readonly #busy: number[];
  #spans = 0;

  constructor(services: readonly QueueingService[], changes: readonly Change[], onSpan: (span: TelemetrySpan) => void) {
    this.#services = services;
    this.#changes = changes;
    this.#onSpan = onSpan;
    this.#waiting = services.map(() => []);
    this.#busy = services.map(() => 0);
  }

  /** All of them from beginning to end; `onServed` is told when each has its answer, in order of time. */
  run(all: readonly Arrival[], onServed: (served: Served) => void): void {
    for (const arrival of all) {
      const done = (isFailed: boolean): void => onServed({ arrival, isFailed });
      const run = (): void => this.#serve(arrival.entry, { request: arrival.id, attempt: 0, parentId: "", done });
      this.#agenda.add({ atMs: arrival.atMs, run });
    }
    for (let next = this.#agenda.take(); next !== undefined; next = this.#agenda.take()) {
      this.nowMs = next.atMs;
      next.run();
    }
  }

  #in(ms: number, run: () => void): void {
    this.#agenda.add({ atMs: this.nowMs + ms, run });
  }

  #serve(service: number, job: Job): void {
    const beganMs = this.nowMs;
    const spanId = this.#nextId();
    const finish = (isFailed: boolean): void => {
      this.#tell({ service, job, spanId, beganMs, isFailed, kind: SPAN_KIND.server });
      job.done(isFailed);
    };
    const worked = (): void => {
      const own = this.#changeOf(service)?.failing ?? 0;
      if (drawn(job.request, service, job.attempt, 3) < own) return finish(true);
      this.#callAll(service, { ...job, parentId: spanId, done: finish }, 0);
    };
    this.#waiting[service]?.push({ ...job, done: worked });
    this.#work(service);
  }

  #work(service: number): void {
    const { servers, meanMs } = this.#services[service] as QueueingService;
    const waiting = this.#waiting[service] as Job[];
    while ((this.#busy[service] ?? 0) < servers && waiting.length > 0) {
      const job = waiting.shift() as Job;
      this.#busy[service] = (this.#busy[service] ?? 0) + 1;
      const slower = this.#changeOf(service)?.slower ?? 1;
      const ms = -Math.log(1 - drawn(job.request, service, job.attempt, 4)) * meanMs * slower;
      this.#in(ms, () => {
        this.#busy[service] = (this.#busy[service] ?? 0) - 1;
        job.done(false);
        this.#work(service);
      });
    }
  }

  #changeOf(service: number): Change | undefined {
    return this.#changes.find((one) => one.service === service && this.nowMs >= one.fromMs && this.nowMs < one.toMs);
  }

  #callAll(service: number, job: Job, index: number): void {
    const call = this.#services[service]?.calls[index];
    if (call === undefined) return job.done(false);
    if (drawn(job.request, service, index, 5) >= call.use) return this.#callAll(service, job, index + 1);
    this.#call(service, { job, call, attempt: 0 }, (isFailed) => {
      if (isFailed && drawn(job.request, service, index, 6) < call.spread) return job.done(true);
      this.#callAll(service, job, index + 1);
    });
  }

  #call(
    service: number,
    { job, call, attempt }: { job: Job; call: QueueingCall; attempt: number },
    done: (isFailed: boolean) => void,
  ): void {
    const beganMs = this.nowMs;
    const spanId = this.#nextId();
    let isOver = false;
    const end = (isFailed: boolean): void => {
      if (isOver) return;
      isOver = true;
      this.#tell({ service, job, spanId, beganMs, isFailed, kind: SPAN_KIND.client });
      if (isFailed && attempt < call.retries) return this.#call(service, { job, call, attempt: attempt + 1 }, done);
      done(isFailed);
    };
    this.#in(call.timeoutMs, () => end(true));
    const asked = { request: job.request, attempt: job.attempt * 4 + attempt, parentId: spanId, done: end };
    this.#serve(call.to, asked);
  }

  #nextId(): string {
    return String(++this.#spans);
  }

  #tell(of: { service: number; job: Job; spanId: string; beganMs: number; isFailed: boolean; kind: number }): void {
    const { service, job, spanId, beganMs, isFailed, kind } = of;
    this.#onSpan({
      traceId: String(job.request),
      spanId,
      parentId: job.parentId,
      service: queueingName(service),
      environment: "production",
      name: "GET /",
      kind,
      isFailed,
      startMs: beganMs,
      durationUs: Math.round((this.nowMs - beganMs) * 1000),
      names: {},
    });
  }
}
