// Runs what state wants: each effect starts from a durable event and ends in a command. Failures are left to the next
// sweep, so nothing is lost and nothing is remembered here that state does not know.

import type { Kernel } from "../kernel/kernel.ts";
import type { UnsealedEvent } from "../wire/types/event.ts";
import { reportAwaited } from "./awaited.ts";
import { checkInverse, type UntoldInverses } from "./check-inverse.ts";
import { classifyRun, type ClassifyParts } from "./classify.ts";
import { executeStep, reconcileStep, type ExecuteParts, type UnreportedEnds } from "./execute.ts";
import { sampleHealth, type VerifyParts } from "./verify.ts";
import { planAction } from "./plan.ts";
import { measureImpact } from "./measure-impact.ts";
import { predictAction, type PredictParts } from "./predict.ts";
import { IncidentExplainer, type ExplainParts } from "./explain.ts";
import { relateRun, type RelateParts } from "./relate.ts";
import { allWork, workForSubject, type Work, type WorkView } from "./work.ts";

type Lane = { running: number; readonly waiting: Set<string> };

export type RunnerParts = ClassifyParts &
  ExecuteParts &
  PredictParts &
  RelateParts &
  ExplainParts &
  VerifyParts & {
    readonly kernel: Kernel;
    readonly nowMs: () => number;
    /** Effects of one lane at a time; the others of that lane wait for room. */
    readonly laneMax: number;
    /** Told of what went wrong; the work itself is tried again. */
    readonly onProblem: (work: Work, error: unknown) => void;
  };

export class EffectRunner {
  readonly #parts: RunnerParts;
  readonly #running = new Map<string, Promise<void>>();
  readonly #lanes = new Map<string, Lane>();
  readonly #unreported: UnreportedEnds = new Map();
  readonly #untold: UntoldInverses = new Map();
  readonly #explainer: IncidentExplainer;
  #stopped = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#explainer = new IncidentExplainer(parts);
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
      if (event.type === "action.grant-revoked") this.#parts.brake.stop(event.subject);
      if (event.subject === last) continue;
      last = event.subject;
      const work = workForSubject(view, event.subject);
      if (work !== undefined) this.#start(work);
    }
  }

  #start(work: Work): void {
    if (this.#stopped || this.#running.has(work.subject) || this.#parts.kernel.failure !== null) return;
    const lane = this.#laneOf(work);
    if (lane.running >= this.#parts.laneMax) return void lane.waiting.add(work.subject);
    lane.running++;
    const done = this.#run(work)
      .catch((error: unknown) => this.#parts.onProblem(work, error))
      .finally(() => this.#finished(work, lane));
    this.#running.set(work.subject, done);
  }

  #laneOf(work: Work): Lane {
    const known = this.#lanes.get(work.lane);
    if (known !== undefined) return known;
    const lane = { running: 0, waiting: new Set<string>() };
    this.#lanes.set(work.lane, lane);
    return lane;
  }

  /** One effect often makes the next one due; its durable event came while this one still ran. */
  #finished(work: Work, lane: Lane): void {
    this.#running.delete(work.subject);
    lane.running--;
    const view = this.#view();
    const next = workForSubject(view, work.subject);
    if (next !== undefined && next.kind !== work.kind) this.#start(next);
    for (const subject of lane.waiting) {
      if (lane.running >= this.#parts.laneMax) break;
      lane.waiting.delete(subject);
      const waiting = workForSubject(view, subject);
      if (waiting !== undefined) this.#start(waiting);
    }
  }

  async #triage(run: string): Promise<void> {
    await relateRun(this.#parts, run, this.#parts.nowMs());
    await classifyRun(this.#parts, run);
  }

  #run(work: Work): Promise<void> {
    switch (work.kind) {
      case "classify":
        return this.#triage(work.subject);
      case "explain":
        return this.#explainer.explain(work.subject);
      case "check-inverse":
        return checkInverse(this.#parts, this.#untold, work.subject);
      case "measure":
        return measureImpact(this.#parts, work.subject);
      case "predict":
        return predictAction(this.#parts, work.subject);
      case "plan":
        return planAction(this.#parts, work.subject);
      case "await":
        return reportAwaited(this.#parts, work.subject);
      case "execute":
        return executeStep(this.#parts, this.#unreported, work.subject);
      case "verify":
        return sampleHealth(this.#parts, work.subject);
      case "reconcile":
        return reconcileStep(this.#parts, this.#unreported, work.subject);
    }
  }
}
