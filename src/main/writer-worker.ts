// The writer thread: seals batches and appends them to the store, one at a time.

import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { AppError, isAppError } from "../core/errors.ts";
import { assert } from "../core/assert.ts";
import type { Drafts } from "../ledger/drafts.ts";
import { Sealer } from "../ledger/seal.ts";
import type { LedgerStore } from "../wire/contracts/store.ts";
import { loadKeys, prepareKeys } from "./keys.ts";
import { prepareModelKey } from "./model-keys.ts";
import { openStore } from "./open-store.ts";
import { systemRandom } from "./system.ts";
import { transferOf } from "./writer-protocol.ts";
import type { WriterAnswer, WriterData, WriterLoss, WriterRequest } from "./writer-protocol.ts";

type Done = Pick<WriterAnswer & { ok: true }, "head" | "count" | "drafts">;

const MAINTAIN_AFTER_IDLE_MS = 200;
const MAINTAIN_EVERY_APPENDS = 2_000;

class Writer {
  readonly #store: LedgerStore;
  readonly #sealer: Sealer;
  readonly #port: MessagePort;
  #queue: Promise<void> = Promise.resolve();
  #appends = 0;
  /** After an append that failed nothing follows: the sealer stands where the log may not. */
  #failed = false;
  #idle: NodeJS.Timeout | undefined;

  constructor(parts: { store: LedgerStore; sealer: Sealer; port: MessagePort }) {
    this.#store = parts.store;
    this.#sealer = parts.sealer;
    this.#port = parts.port;
  }

  /** Requests are answered in order, each after the one before it. */
  take(request: WriterRequest): void {
    this.#queue = this.#queue.then(() => this.#answer(request));
  }

  async #answer(request: WriterRequest): Promise<void> {
    let answer: WriterAnswer;
    try {
      answer = { id: request.id, ok: true, ...(await this.#do(request)) };
    } catch (error) {
      const code = isAppError(error) ? error.code : "internal";
      answer = { id: request.id, ok: false, code, message: error instanceof Error ? error.message : String(error) };
    }
    this.#port.postMessage(answer, answer.ok && answer.drafts !== undefined ? transferOf(answer.drafts) : []);
  }

  async #do(request: WriterRequest): Promise<Done> {
    switch (request.do) {
      case "append":
        return this.#append(request.drafts);
      case "erase":
        return { head: null, count: await this.#erase(request.keyIds) };
      case "snapshot":
        await this.#store.saveSnapshot(request.snapshot);
        return { head: null, count: 1 };
      case "close":
        clearTimeout(this.#idle);
        await this.#store.maintain?.();
        await this.#store.close();
        return { head: null, count: 0 };
    }
  }

  async #append(drafts: Drafts): Promise<Done> {
    if (this.#failed) throw new AppError("commit-unknown", "an earlier append failed");
    this.#failed = true;
    const batch = this.#sealer.sealDrafts(drafts);
    await this.#store.append(batch);
    this.#failed = false;
    if (++this.#appends >= MAINTAIN_EVERY_APPENDS) await this.#maintain();
    else this.#awaitIdle();
    return { head: { size: batch.firstSeq + batch.count, checkpoint: batch.checkpoint }, count: batch.count, drafts };
  }

  /** One timer, put off again and again. */
  #awaitIdle(): void {
    if (this.#idle === undefined) this.#idle = setTimeout(() => this.#maintainInTurn(), MAINTAIN_AFTER_IDLE_MS);
    else this.#idle.refresh();
  }

  #maintainInTurn(): void {
    this.#queue = this.#queue.then(() => this.#maintain());
  }

  /** Housekeeping that fails is tried again later; the log does not depend on it. */
  async #maintain(): Promise<void> {
    if (this.#failed) return;
    this.#appends = 0;
    await this.#store.maintain?.().catch(() => undefined);
  }

  async #erase(keyIds: readonly string[]): Promise<number> {
    let erased = 0;
    for (const keyId of keyIds) if (await this.#store.eraseKey(keyId)) erased++;
    await this.#store.compact();
    return erased;
  }
}

async function main(port: MessagePort): Promise<void> {
  const { place, places, origin } = workerData as WriterData;
  try {
    const store = await openStore(place, ({ message }) => port.postMessage({ lost: message } satisfies WriterLoss));
    await prepareKeys(store, places, systemRandom, origin);
    await prepareModelKey(store, places, systemRandom);
    const keys = await loadKeys(store, places.dataDir);
    const { signer, keyEncryptionKey, logKeys } = keys;
    const sealer = await Sealer.resume(store, logKeys, { signer, random: systemRandom, keyEncryptionKey });
    const writer = new Writer({ store, sealer, port });
    port.on("message", (request: WriterRequest) => writer.take(request));
    port.postMessage({ id: 0, ok: true, head: await store.head(), count: 0 } satisfies WriterAnswer);
  } catch (error) {
    const code = isAppError(error) ? error.code : "internal";
    const message = error instanceof Error ? error.message : String(error);
    port.postMessage({ id: 0, ok: false, code, message } satisfies WriterAnswer);
  }
}

assert(parentPort !== null, "the writer runs as a worker thread");
await main(parentPort);
