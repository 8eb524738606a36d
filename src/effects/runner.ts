// Runs what state wants: each effect starts from a durable event and ends in a command. Failures are left to the next
// sweep, so nothing is lost and nothing is remembered here that state does not know.

import type { Kernel } from "../kernel/kernel.ts";
import type { UnsealedEvent } from "../wire/types/event.ts";
import { classifyRun, type ClassifyParts } from "./classify.ts";
import { executeStep, planTriageAction, reconcileStep, type ExecuteParts } from "./execute.ts";
import { allWork, workForSubject, type Work, type WorkView } from "./work.ts";

const CONCURRENT_MAX = 64;

export type RunnerParts = ClassifyParts &
  ExecuteParts & {
    readonly kernel: Kernel;
    readonly nowMs: () => number;
    /** Told of what went wrong; the work itself is tried again. */
    readonly onProblem: (work: Work, error: unknown) => void;
  };

export class EffectRunner {
  readonly #parts: RunnerParts;
  readonly #running = new Map<string, Promise<void>>();
  #stopped = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    parts.kernel.onDurable((events) => this.#onDurable(events));
  }

  /** Starts whatever state wants and is not running: after a start, and every second or so. */
  sweep(): void {
    for (const work of allWork(this.#view())) this.#start(work);
  }

  get running(): number {
    return this.#running.size;
  }

  /** Starts nothing more and waits for what runs. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled(this.#running.values());
  }

  #view(): WorkView {
    const { kernel, nowMs } = this.#parts;
    return { state: kernel.state, durableSize: kernel.durableSize, now: nowMs() };
  }

  #onDurable(events: readonly UnsealedEvent[]): void {
    const view = this.#view();
    let last = "";
    for (const event of events) {
      if (event.subject === last) continue;
      last = event.subject;
      const work = workForSubject(view, event.subject);
      if (work !== undefined) this.#start(work);
    }
  }

  #start(work: Work): void {
    if (this.#stopped || this.#running.has(work.subject) || this.#running.size >= CONCURRENT_MAX) return;
    if (this.#parts.kernel.failure !== null) return;
    const done = this.#run(work)
      .catch((error: unknown) => this.#parts.onProblem(work, error))
      .finally(() => this.#finished(work));
    this.#running.set(work.subject, done);
  }

  /** One effect often makes the next one due; its durable event came while this one still ran. */
  #finished(work: Work): void {
    this.#running.delete(work.subject);
    const next = workForSubject(this.#view(), work.subject);
    if (next !== undefined && next.kind !== work.kind) this.#start(next);
  }

  #run(work: Work): Promise<void> {
    switch (work.kind) {
      case "classify":
        return classifyRun(this.#parts, work.subject);
      case "plan":
        return planTriageAction(this.#parts, work.subject);
      case "execute":
        return executeStep(this.#parts, work.subject);
      case "reconcile":
        return reconcileStep(this.#parts, work.subject);
    }
  }
}
