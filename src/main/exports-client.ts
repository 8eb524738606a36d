// The main thread's end of the exports thread: how far each receiver is, and a thread that died is started again.

import { Worker } from "node:worker_threads";
import type { ExporterStatus } from "../history/exporter.ts";
import type { ExportsData, ExportsReport, ExportsRequest } from "./exports-protocol.ts";

const RESTART_MS = 5_000;
const STOP_MAX_MS = 5_000;

export type ExportsHooks = {
  /** Told when an exporter begins to fail, fails for another reason, or is well again (null). */
  readonly onChange: (name: string, failing: string | null) => void;
  readonly onProblem: (error: unknown) => void;
};

export class ExportsClient {
  readonly #data: ExportsData;
  readonly #hooks: ExportsHooks;
  readonly #statuses = new Map<string, ExporterStatus>();
  /** Of threads that ended: what they had counted. */
  readonly #before = new Map<string, { readonly failures: number; readonly rejected: number }>();
  #worker: Worker | null = null;
  #restart: NodeJS.Timeout | undefined;
  #stopping = false;

  /** Starts a thread where anything is to be exported. */
  constructor(data: ExportsData, hooks: ExportsHooks) {
    this.#data = data;
    this.#hooks = hooks;
    for (const name of Object.keys(data.exporters)) {
      this.#statuses.set(name, { name, position: 0, failures: 0, rejected: 0, failing: null, stopped: false });
    }
    if (this.#statuses.size > 0) this.#start();
  }

  /** One for each exporter, counted since this process began. */
  statuses(): readonly ExporterStatus[] {
    return [...this.#statuses.values()].map((status) => {
      const before = this.#before.get(status.name) ?? { failures: 0, rejected: 0 };
      return { ...status, failures: status.failures + before.failures, rejected: status.rejected + before.rejected };
    });
  }

  /** Resolves when nothing is delivered any more; what was not accepted comes again after the next start. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === null) return;
    const stopped = new Promise<void>((resolve) => {
      worker.on("message", (report: ExportsReport) => {
        if (report.type === "stopped") resolve();
      });
      worker.once("exit", () => resolve());
      setTimeout(resolve, STOP_MAX_MS).unref();
    });
    worker.postMessage({ do: "stop" } satisfies ExportsRequest);
    await stopped;
    await worker.terminate();
  }

  #start(): void {
    const worker = new Worker(new URL("./exports-worker.ts", import.meta.url), {
      name: "exports",
      workerData: this.#data,
    });
    this.#worker = worker;
    worker.on("message", (report: ExportsReport) => this.#take(report));
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

  #take(report: ExportsReport): void {
    if (report.type !== "status") return;
    const { name, failing } = report.status;
    const before = this.#statuses.get(name)?.failing ?? null;
    this.#statuses.set(name, report.status);
    if (failing !== before) this.#hooks.onChange(name, failing);
  }
}
