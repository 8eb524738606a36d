// A ledger store in memory that models a disk: it fails in every way a real one does, when and where a seed says.
//
// An append goes through three steps: `append.write` (in the journal, not synced: a crash may tear it off),
// `append.sync` (durable and visible) and `append.answer` (the caller hears of it). A crash can fall between any two.

import { assert } from "../../src/core/assert.ts";
import { AppError } from "../../src/core/errors.ts";
import type { Random } from "../../src/core/random.ts";
import type {
  LeafBatch,
  LedgerStore,
  SealedBatch,
  Snapshot,
  StoredBatch,
  StoredPayload,
} from "../../src/wire/contracts/store.ts";
import type { Head } from "../../src/wire/types/event.ts";
import { assertBatch, assertRead } from "../../src/adapters/stores/batch-shape.ts";

/**
 * `failed-kept`: the append throws and the batch is there all the same. `failed-lost`: it throws and is not.
 * `failed-torn`: it throws, and only the next head or crash decides. `answer-lost`: durable, but the caller is told that
 * the outcome is unknown. `conflict`: as if another writer had been there. `full`: this write does not fit. `read-only`:
 * this and every later write is refused until the store is opened anew. `slow`: the answer takes more steps.
 */
export type StoreFailure =
  | "failed-kept"
  | "failed-lost"
  | "failed-torn"
  | "answer-lost"
  | "conflict"
  | "full"
  | "read-only"
  | "slow";

/** Runs one step of an operation when it likes; the simulation interleaves by choosing when. */
export type Schedule = <T>(label: string, run: () => T) => Promise<T>;

export interface ModelStoreOptions {
  /** Runs steps at once when absent. */
  readonly schedule?: Schedule;
  /** Needed when there are rates, or a crash can tear. */
  readonly random?: Random;
  /** Chance of each failure per write, 0 to 1, together at most 1. Writes other than append know `full` and `read-only`. */
  readonly rates?: Partial<Record<StoreFailure, number>>;
}

interface Limbo {
  readonly batch: SealedBatch;
  readonly owner: ModelStore;
  /** In progress: its owner still works on it. Else the batch is there (`kept`) or chance decides (`torn`). */
  fate: "in-progress" | "kept" | "torn";
}

const SNAPSHOTS_KEPT = 2;
const SLOW_STEPS_MAX = 8;

const runAtOnce: Schedule = async (_label, run) => run();

/** What survives a crash. Several stores may stand on one disk: replicas, or the process before and after a crash. */
export class ModelDisk {
  readonly batches: SealedBatch[] = [];
  /** Null: destroyed. */
  readonly keys = new Map<string, Uint8Array | null>();
  readonly tiles = new Map<string, Uint8Array>();
  readonly meta = new Map<string, string>();
  snapshots: Snapshot[] = [];
  limbo: Limbo | null = null;
  /** Stores opened before the last crash belong to a process that is gone. */
  epoch = 0;
  /** Failures to inject before chance is asked, in order. */
  readonly plan: StoreFailure[] = [];
  /** How often each failure was injected. */
  readonly injected = new Map<StoreFailure, number>();

  size(): number {
    const last = this.batches.at(-1);
    return last === undefined ? 0 : last.firstSeq + last.count;
  }

  /** Power off: what was not synced is there or torn off; every open store is dead. */
  crash(random?: Random): void {
    this.epoch += 1;
    if (this.limbo?.fate === "in-progress") this.limbo.fate = "torn";
    this.settle(random);
  }

  /** Decides what became of a batch that nobody is working on any more; from then on that stays so. */
  settle(random?: Random): void {
    const { limbo } = this;
    if (limbo === null || limbo.fate === "in-progress") return;
    const isKept = limbo.fate === "kept" || (random !== undefined && fraction(random) < 0.5);
    this.limbo = null;
    if (isKept) this.commit(limbo.batch);
  }

  commit(batch: SealedBatch): void {
    this.batches.push(batch);
    for (const key of batch.keys) this.keys.set(key.keyId, key.wrapped);
    for (const tile of batch.tiles) this.tiles.set(`${tile.level}/${tile.index}`, tile.hashes);
  }
}

export class ModelStore implements LedgerStore {
  readonly #disk: ModelDisk;
  readonly #schedule: Schedule;
  readonly #random: Random | undefined;
  readonly #rates: Partial<Record<StoreFailure, number>>;
  readonly #epoch: number;
  #closed = false;
  #readOnly = false;
  #unsettled = false;

  constructor(disk: ModelDisk, options: ModelStoreOptions = {}) {
    this.#disk = disk;
    this.#schedule = options.schedule ?? runAtOnce;
    this.#random = options.random;
    this.#rates = options.rates ?? {};
    this.#epoch = disk.epoch;
    assert(options.rates === undefined || options.random !== undefined, "failures by chance need a random source");
    const total = Object.values(this.#rates).reduce((sum, rate) => sum + rate, 0);
    assert(total <= 1, "the chances of all failures together are at most 1");
    disk.settle(options.random);
  }

  async append(batch: SealedBatch): Promise<void> {
    assertBatch(batch);
    const copy = copyBatch(batch);
    let failure = await this.#step("append.write", () => this.#beginAppend(copy));
    // As at the lock of a real store: a second writer waits until the first is done.
    while (failure === "locked") failure = await this.#step("append.write", () => this.#beginAppend(copy));
    if (failure === "slow") await this.#dawdle();
    const shown = failure;
    await this.#liveStep("append.sync", () => this.#endAppend(shown));
    await this.#liveStep("append.answer", () => {
      if (failure === "answer-lost") throw this.#unknown("the answer is lost");
    });
  }

  head(): Promise<Head> {
    return this.#step("head", () => {
      this.#disk.settle(this.#random);
      this.#unsettled = false;
      return { size: this.#disk.size(), checkpoint: this.#disk.batches.at(-1)?.checkpoint ?? null };
    });
  }

  async readBatches(fromSeq: number, batchesMax: number): Promise<readonly StoredBatch[]> {
    assertRead(fromSeq, batchesMax);
    return this.#step("readBatches", () => {
      const { batches } = this.#disk;
      const start = indexOfSeq(batches, fromSeq);
      return start === -1 ? [] : batches.slice(start, start + batchesMax).map(readCopy);
    });
  }

  readLeaves(fromSeq: number, batchesMax: number): Promise<readonly LeafBatch[]> {
    return this.readBatches(fromSeq, batchesMax);
  }

  readPayload(seq: number): Promise<StoredPayload | null> {
    return this.#step("readPayload", () => {
      const batch = this.#disk.batches[indexOfSeq(this.#disk.batches, seq)];
      const payload = batch?.payloads.find((one) => one.seq === seq);
      if (payload === undefined) return null;
      const wrapped = this.#disk.keys.get(payload.keyId) ?? null;
      return { box: copyOf(payload.box), keyId: payload.keyId, wrapped: wrapped === null ? null : copyOf(wrapped) };
    });
  }

  readKey(keyId: string): Promise<Uint8Array | null> {
    return this.#step("readKey", () => {
      const wrapped = this.#disk.keys.get(keyId);
      if (wrapped === undefined) throw new AppError("ledger-corrupt", "there is no such key");
      return copyOrNull(wrapped);
    });
  }

  readTile(level: number, index: number): Promise<Uint8Array | null> {
    return this.#step("readTile", () => copyOrNull(this.#disk.tiles.get(`${level}/${index}`)));
  }

  eraseKey(keyId: string): Promise<boolean> {
    return this.#write("eraseKey", () => {
      const existed = (this.#disk.keys.get(keyId) ?? null) !== null;
      if (existed) this.#disk.keys.set(keyId, null);
      return existed;
    });
  }

  compact(): Promise<number> {
    return this.#write("compact", () => {
      const { batches, keys } = this.#disk;
      let dropped = 0;
      batches.forEach((batch, i) => {
        const payloads = batch.payloads.filter((payload) => keys.get(payload.keyId) !== null);
        dropped += batch.payloads.length - payloads.length;
        if (payloads.length < batch.payloads.length) batches[i] = { ...batch, payloads };
      });
      return dropped;
    });
  }

  saveSnapshot(snapshot: Snapshot): Promise<void> {
    const copy = { ...snapshot, bytes: copyOf(snapshot.bytes) };
    return this.#write("saveSnapshot", () => {
      this.#disk.snapshots = [...this.#disk.snapshots, copy].slice(-SNAPSHOTS_KEPT);
    });
  }

  latestSnapshot(sizeMax: number): Promise<Snapshot | null> {
    return this.#step("latestSnapshot", () => {
      const fitting = this.#disk.snapshots.filter((one) => one.size <= sizeMax).sort((a, b) => a.size - b.size);
      const newest = fitting.at(-1);
      return newest === undefined ? null : { ...newest, bytes: copyOf(newest.bytes) };
    });
  }

  readMeta(name: string): Promise<string | null> {
    return this.#step("readMeta", () => this.#disk.meta.get(name) ?? null);
  }

  writeMeta(name: string, value: string): Promise<void> {
    return this.#write("writeMeta", () => void this.#disk.meta.set(name, value));
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #step<T>(label: string, run: () => T): Promise<T> {
    return this.#liveStep(label, () => {
      if (this.#closed) throw new AppError("store-unavailable", "the store is closed");
      return run();
    });
  }

  /** A step that a crash prevents, but not `close`: what was begun before it is finished. */
  async #liveStep<T>(label: string, run: () => T): Promise<T> {
    return this.#schedule(label, () => {
      if (this.#epoch !== this.#disk.epoch) throw new AppError("commit-unknown", "this process is gone");
      return run();
    });
  }

  /** A write beside the log. */
  #write<T>(label: string, run: () => T): Promise<T> {
    return this.#step(label, () => {
      this.#refuseWrites();
      const failure = this.#chooseFailure();
      if (failure === "full" || failure === "read-only") this.#refuse(failure);
      return run();
    });
  }

  #isLockedByAnother(): boolean {
    const { limbo } = this.#disk;
    return limbo !== null && limbo.fate === "in-progress" && limbo.owner !== this;
  }

  /** Returns the failure that is to show later, if any; throws those that show at once. */
  #beginAppend(batch: SealedBatch): StoreFailure | "locked" | undefined {
    this.#refuseWrites();
    if (this.#isLockedByAnother()) return "locked";
    const disk = this.#disk;
    disk.settle(this.#random);
    const size = disk.size();
    if (size !== batch.firstSeq) throw conflict(size, batch.firstSeq);
    for (const key of batch.keys) assert(!disk.keys.has(key.keyId), "a key id is never used twice");
    const failure = this.#chooseFailure();
    if (failure === "full" || failure === "read-only") this.#refuse(failure);
    if (failure === "conflict") throw conflict(size, batch.firstSeq);
    if (failure === "failed-lost") throw this.#unknown("the write failed");
    disk.limbo = { batch, owner: this, fate: "in-progress" };
    return failure;
  }

  #endAppend(failure: StoreFailure | undefined): void {
    const { limbo } = this.#disk;
    assert(limbo !== null && limbo.owner === this, "the batch in limbo is the one being appended");
    limbo.fate = failure === "failed-torn" ? "torn" : "kept";
    if (failure === "failed-kept" || failure === "failed-torn") throw this.#unknown("the sync failed");
    this.#disk.settle();
  }

  async #dawdle(): Promise<void> {
    const steps = this.#random === undefined ? 1 : 1 + Math.floor(fraction(this.#random) * SLOW_STEPS_MAX);
    for (let i = 0; i < steps; i++) await this.#liveStep("append.slow", () => undefined);
  }

  #refuseWrites(): void {
    if (this.#unsettled) throw new AppError("commit-unknown", "an earlier commit is unsettled; read the head first");
    if (this.#readOnly) throw new AppError("store-unavailable", "the disk is read-only");
  }

  #refuse(failure: "full" | "read-only"): never {
    if (failure === "read-only") this.#readOnly = true;
    throw new AppError("store-unavailable", `the disk is ${failure}`);
  }

  #unknown(detail: string): AppError {
    this.#unsettled = true;
    return new AppError("commit-unknown", detail);
  }

  #chooseFailure(): StoreFailure | undefined {
    const failure = this.#disk.plan.shift() ?? this.#failureByChance();
    if (failure !== undefined) this.#disk.injected.set(failure, (this.#disk.injected.get(failure) ?? 0) + 1);
    return failure;
  }

  #failureByChance(): StoreFailure | undefined {
    const rates = Object.entries(this.#rates) as [StoreFailure, number][];
    if (rates.length === 0 || this.#random === undefined) return undefined;
    let rest = fraction(this.#random);
    for (const [failure, rate] of rates) {
      if (rest < rate) return failure;
      rest -= rate;
    }
    return undefined;
  }
}

function conflict(size: number, firstSeq: number): AppError {
  return new AppError("store-conflict", `the log ends at ${size}, not at ${firstSeq}`, { size });
}

/** 0 to 1, without 1. */
function fraction(random: Random): number {
  const [a = 0, b = 0, c = 0, d = 0] = random.bytes(4);
  return (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) / 2 ** 32;
}

/** Index of the batch that holds `seq`, -1 beyond the end. */
function indexOfSeq(batches: readonly SealedBatch[], seq: number): number {
  let low = 0;
  let high = batches.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const batch = batches[middle] as SealedBatch;
    if (batch.firstSeq + batch.count <= seq) low = middle + 1;
    else high = middle;
  }
  return low < batches.length ? low : -1;
}

/** Never `slice`: on a Buffer that is a view of the same bytes. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

function copyOrNull(bytes: Uint8Array | null | undefined): Uint8Array | null {
  return bytes === null || bytes === undefined ? null : copyOf(bytes);
}

function copyBatch(batch: SealedBatch): SealedBatch {
  return {
    ...batch,
    leaves: copyOf(batch.leaves),
    leafHashes: copyOf(batch.leafHashes),
    payloads: batch.payloads.map((one) => ({ ...one, box: copyOf(one.box) })),
    keys: batch.keys.map((one) => ({ ...one, wrapped: copyOf(one.wrapped) })),
    tiles: batch.tiles.map((one) => ({ ...one, hashes: copyOf(one.hashes) })),
  };
}

function readCopy(batch: SealedBatch): StoredBatch {
  const { firstSeq, count, leaves, checkpoint } = batch;
  const payloads = batch.payloads.map((one) => ({ ...one, box: copyOf(one.box) }));
  return {
    firstSeq,
    count,
    leaves: Buffer.from(leaves).toString(),
    leafHashes: copyOf(batch.leafHashes),
    payloads,
    checkpoint,
  };
}
