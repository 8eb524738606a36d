// The main thread's end of the writer thread.

import { Worker } from "node:worker_threads";
import { AppError, ERRORS, type ErrorCode } from "../core/errors.ts";
import { writeDrafts, type Drafts } from "../ledger/drafts.ts";
import type { Snapshot } from "../wire/contracts/store.ts";
import type { LedgerWriter } from "../wire/contracts/writer.ts";
import type { Head, UnsealedEvent } from "../wire/types/event.ts";
import { transferOf } from "./writer-protocol.ts";
import type { WriterAnswer, WriterData, WriterLoss, WriterRequest } from "./writer-protocol.ts";

type Pending = {
  readonly resolve: (answer: WriterAnswer & { ok: true }) => void;
  readonly reject: (error: AppError) => void;
};

/** Spent drafts to write the next into: fresh memory costs more than writing it. As many as batches are under way. */
const SPENT_MAX = 3;
const SPENT_BYTES_MAX = 4 * 1024 * 1024;

export class WriterClient implements LedgerWriter {
  readonly #worker: Worker;
  readonly #onLost: (error: AppError) => void;
  readonly #pending = new Map<number, Pending>();
  readonly #spent: Drafts[] = [];
  #lastId = 0;
  #gone: AppError | null = null;

  private constructor(worker: Worker, onLost: (error: AppError) => void) {
    this.#worker = worker;
    this.#onLost = onLost;
    worker.on("message", (message: WriterAnswer | WriterLoss) =>
      "lost" in message ? this.#lose(new Error(message.lost)) : this.#settle(message),
    );
    worker.on("error", (error) => this.#lose(error));
    worker.on("exit", () => this.#lose(new Error("the writer thread ended")));
  }

  /**
   * Starts the thread; resolves when the store is open and its head is known. Throws what opening threw. `onLost` is
   * called when nothing can be written any more, even if nothing is just being written: the process must then stop.
   */
  static async start(
    data: WriterData,
    onLost: (error: AppError) => void,
  ): Promise<{ writer: WriterClient; head: Head }> {
    const worker = new Worker(new URL("./writer-worker.ts", import.meta.url), {
      name: "writer",
      workerData: data,
    });
    const writer = new WriterClient(worker, onLost);
    const answer = await new Promise<WriterAnswer & { ok: true }>((resolve, reject) => {
      writer.#pending.set(0, { resolve, reject });
    });
    return { writer, head: answer.head ?? { size: 0, checkpoint: null } };
  }

  async append(events: readonly UnsealedEvent[]): Promise<Head> {
    const drafts = writeDrafts(events, this.#spent.pop());
    const answer = await this.#ask({ id: this.#nextId(), do: "append", drafts }, transferOf(drafts));
    if (answer.drafts !== undefined) this.#keepSpent(answer.drafts);
    return answer.head ?? { size: 0, checkpoint: null };
  }

  /** Destroys payload keys and removes what they sealed; how many keys existed. */
  async erase(keyIds: readonly string[]): Promise<number> {
    return (await this.#ask({ id: this.#nextId(), do: "erase", keyIds })).count;
  }

  async saveSnapshot(snapshot: Snapshot): Promise<void> {
    await this.#ask({ id: this.#nextId(), do: "snapshot", snapshot });
  }

  async close(): Promise<void> {
    if (this.#gone !== null) return;
    await this.#ask({ id: this.#nextId(), do: "close" });
    this.#gone = new AppError("not-ready", "the writer is closed");
    await this.#worker.terminate();
  }

  #keepSpent(drafts: Drafts): void {
    const bytes = drafts.leaves.length + drafts.payloads.length;
    if (this.#spent.length < SPENT_MAX && bytes <= SPENT_BYTES_MAX) this.#spent.push(drafts);
  }

  #nextId(): number {
    return ++this.#lastId;
  }

  #ask(request: WriterRequest, transfer: ArrayBuffer[] = []): Promise<WriterAnswer & { ok: true }> {
    if (this.#gone !== null) return Promise.reject(this.#gone);
    return new Promise((resolve, reject) => {
      this.#pending.set(request.id, { resolve, reject });
      this.#worker.postMessage(request, transfer);
    });
  }

  #settle(answer: WriterAnswer): void {
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if (answer.ok) pending?.resolve(answer);
    else pending?.reject(new AppError(toCode(answer.code), answer.message));
  }

  /** What was asked and not answered may or may not have happened. */
  #lose(cause: unknown): void {
    if (this.#gone !== null) return;
    this.#gone = new AppError("commit-unknown", "the writer thread is gone", {}, cause);
    for (const { reject } of this.#pending.values()) reject(this.#gone);
    this.#pending.clear();
    this.#onLost(this.#gone);
  }
}

function toCode(code: string): ErrorCode {
  return Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : "internal";
}
