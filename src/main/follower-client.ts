// The main thread's end of the follower thread: how far the views are, and snapshots to sign and keep.

import { Worker } from "node:worker_threads";
import { AppError } from "../core/errors.ts";
import type { FollowerStatus } from "../history/follower.ts";
import type { Mismatch } from "../history/redecide.ts";
import type { FollowerData, FollowerReport, FollowerRequest } from "./follower-protocol.ts";

const WAIT_MAX_MS = 5_000;
const NOTIFY_EVERY_MS = 100;
/**
 * Events after which the follower's thread moves the ledger's journal into its file: the writer need not stop for it, and
 * a commit that meets a move waits for little.
 */
const MOVE_EVERY_EVENTS = 500;

export type FollowerHooks = {
  readonly keepSnapshot: (size: number, bytes: Uint8Array) => Promise<void>;
  readonly onMismatch: (mismatch: Mismatch) => void;
  readonly onProblem: (message: string, fatal: boolean) => void;
};

type Waiter = { readonly size: number; readonly resolve: () => void };

export class FollowerClient {
  readonly #worker: Worker;
  readonly #hooks: FollowerHooks;
  #status: FollowerStatus | null = null;
  #failure: string | null = null;
  #waiters: Waiter[] = [];
  #notified = false;
  #movedAt = 0;
  #ready: () => void = () => undefined;
  #stopped: () => void = () => undefined;

  constructor(data: FollowerData, hooks: FollowerHooks) {
    this.#hooks = hooks;
    this.#worker = new Worker(new URL("./follower-worker.ts", import.meta.url), {
      name: "follower",
      workerData: data,
    });
    this.#worker.on("message", (report: FollowerReport) => this.#take(report));
    this.#worker.on("error", (error) => hooks.onProblem(String(error), true));
  }

  get status(): FollowerStatus | null {
    return this.#status;
  }

  /** Why it follows no more, or null. */
  get failure(): string | null {
    return this.#failure;
  }

  /** Resolves once the follower has opened its stores. */
  started(): Promise<void> {
    return new Promise((resolve) => (this.#ready = resolve));
  }

  /** `size` events are durable. Told at most every 100 ms: a busy log is followed in large steps, and reads ask by themselves. */
  notify(size: number): void {
    this.#moveJournal(size);
    if (this.#notified) return;
    this.#notified = true;
    setTimeout(() => {
      this.#notified = false;
      this.#send({ do: "catch-up" });
    }, NOTIFY_EVERY_MS).unref();
  }

  /** Resolves when the views hold the first `size` events; throws `views-behind` after 5 s. */
  async reached(size: number): Promise<void> {
    if ((this.#status?.position ?? 0) >= size) return;
    let timer: NodeJS.Timeout | undefined;
    let waiter: Waiter | undefined;
    const reached = new Promise<boolean>((resolve) => {
      waiter = { size, resolve: () => resolve(true) };
      this.#waiters.push(waiter);
      timer = setTimeout(() => resolve(false), WAIT_MAX_MS);
    });
    this.#send({ do: "catch-up" });
    const inTime = await reached;
    clearTimeout(timer);
    this.#waiters = this.#waiters.filter((one) => one !== waiter);
    if (!inTime) throw new AppError("views-behind", "ask again", { retryAfterS: 1 });
  }

  #moveJournal(size: number): void {
    if (size - this.#movedAt < MOVE_EVERY_EVENTS) return;
    this.#movedAt = size;
    this.#send({ do: "move-journal" });
  }

  async stop(): Promise<void> {
    const stopped = new Promise<void>((resolve) => (this.#stopped = resolve));
    this.#worker.once("exit", () => this.#stopped());
    this.#send({ do: "stop" });
    await stopped;
    await this.#worker.terminate();
  }

  #send(request: FollowerRequest): void {
    this.#worker.postMessage(request);
  }

  #take(report: FollowerReport): void {
    switch (report.type) {
      case "ready":
        return this.#ready();
      case "status":
        return this.#moved(report.status);
      case "snapshot":
        return void this.#keep(report.size, report.bytes);
      case "mismatch":
        return this.#hooks.onMismatch(report.mismatch);
      case "problem":
        this.#hooks.onProblem(report.message, report.fatal);
        if (report.fatal) this.#failure = report.message;
        return report.fatal ? this.#ready() : undefined;
      case "stopped":
        return this.#stopped();
    }
  }

  #moved(status: FollowerStatus): void {
    this.#status = status;
    for (const waiter of this.#waiters) if (waiter.size <= status.position) waiter.resolve();
  }

  async #keep(size: number, bytes: Uint8Array): Promise<void> {
    const ok = await this.#hooks.keepSnapshot(size, bytes).then(
      () => true,
      () => false,
    );
    this.#send({ do: "snapshot-kept", size, ok });
  }
}
