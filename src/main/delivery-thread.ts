// The main thread's end of a thread that delivers what is recorded: how far each receiver is, and a thread that died is
// started again.

import { Worker } from "node:worker_threads";
import type { ExporterStatus } from "../history/exporter.ts";
import type { DeliveryReport, DeliveryRequest } from "./delivery-protocol.ts";

const RESTART_MS = 5_000;
const STOP_MAX_MS = 5_000;

/** A thread and what it delivers to. */
export type Deliveries = {
  readonly name: string;
  readonly module: URL;
  readonly data: object;
  readonly receivers: readonly string[];
};

export type DeliveryHooks = {
  /** Told when a receiver begins to fail, fails for another reason, or is well again (null). */
  readonly onChange: (name: string, failing: string | null) => void;
  /** Told when another one was told instead of `name`, and why. */
  readonly onFallback?: (name: string, code: string) => void;
  readonly onProblem: (error: unknown) => void;
};

export class DeliveryThread {
  readonly #of: Deliveries;
  readonly #hooks: DeliveryHooks;
  readonly #statuses = new Map<string, ExporterStatus>();
  /** Of threads that ended: what they had counted. */
  readonly #before = new Map<string, { readonly failures: number; readonly rejected: number }>();
  readonly #fallbacks = new Map<string, number>();
  #worker: Worker | null = null;
  #restart: NodeJS.Timeout | undefined;
  #stopping = false;

  /** Starts the thread where there is a receiver. */
  constructor(of: Deliveries, hooks: DeliveryHooks) {
    this.#of = of;
    this.#hooks = hooks;
    for (const name of of.receivers) {
      this.#statuses.set(name, { name, position: 0, failures: 0, rejected: 0, failing: null, stopped: false });
    }
    if (this.#statuses.size > 0) this.#start();
  }

  /** One for each receiver, counted since this process began. */
  statuses(): readonly ExporterStatus[] {
    return [...this.#statuses.values()].map((status) => {
      const before = this.#before.get(status.name) ?? { failures: 0, rejected: 0 };
      return { ...status, failures: status.failures + before.failures, rejected: status.rejected + before.rejected };
    });
  }

  /** How often another one was told instead of `name` since this process began. */
  fallbacks(name: string): number {
    return this.#fallbacks.get(name) ?? 0;
  }

  /** Resolves when nothing is delivered any more; what was not accepted comes again after the next start. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === null) return;
    const stopped = new Promise<void>((resolve) => {
      worker.on("message", (report: DeliveryReport) => {
        if (report.type === "stopped") resolve();
      });
      worker.once("exit", () => resolve());
      setTimeout(resolve, STOP_MAX_MS).unref();
    });
    worker.postMessage({ do: "stop" } satisfies DeliveryRequest);
    await stopped;
    await worker.terminate();
  }

  #start(): void {
    const { module, name, data } = this.#of;
    const worker = new Worker(module, { name, workerData: data });
    this.#worker = worker;
    worker.on("message", (report: DeliveryReport) => this.#take(report));
    worker.on("error", (error) => this.#hooks.onProblem(error));
    worker.once("exit", () => this.#ended());
  }

  #ended(): void {
    this.#worker = null;
    if (this.#stopping) return;
    for (const { name, failures, rejected } of this.statuses())
      this.#before.set(name, { failures: failures + 1, rejected });
    for (const status of this.#statuses.values()) {
      this.#take({ type: "status", status: { ...status, failures: 0, rejected: 0, failing: "thread-ended" } });
    }
    this.#restart = setTimeout(() => this.#start(), RESTART_MS).unref();
  }

  #take(report: DeliveryReport): void {
    if (report.type === "fallback") return this.#toldInstead(report.name, report.code);
    if (report.type !== "status") return;
    const { name, failing } = report.status;
    const before = this.#statuses.get(name)?.failing ?? null;
    this.#statuses.set(name, report.status);
    if (failing !== before) this.#hooks.onChange(name, failing);
  }

  #toldInstead(name: string, code: string): void {
    this.#fallbacks.set(name, this.fallbacks(name) + 1);
    this.#hooks.onFallback?.(name, code);
  }
}
