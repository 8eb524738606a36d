// The embedded ledger store: one SQLite file in write-ahead mode, one writer, one row and one sync per commit.

import type { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { AppError, isAppError } from "../../core/errors.ts";
import type {
  LeafBatch,
  LedgerStore,
  SealedBatch,
  Snapshot,
  StoredBatch,
  StoredPayload,
} from "../../wire/contracts/store.ts";
import type { Head } from "../../wire/types/event.ts";
import { assertBatch, keySeqOf } from "./batch-shape.ts";
import { encodeKeys, encodePayloads } from "./payload-frames.ts";
import { connectWriter, readError, takeWriteLock, transact, truncateJournal } from "./sqlite-connection.ts";
import type { SqliteWriterOptions } from "./sqlite-connection.ts";
import { destroyKey, holeBytes, rebuildFile, zeroPayloads } from "./sqlite-erasure.ts";
import { SqliteReader } from "./sqlite-reader.ts";
import { packLeaves } from "./stored-leaves.ts";

/** Beyond this the next append moves the journal into the file itself, whether or not its owner found time to. */
const JOURNAL_BYTES_MAX = 64 * 1024 * 1024;
/** Below this `maintain` leaves the journal alone: moving a few pages costs as many syncs as moving many. */
const JOURNAL_BYTES_WORTHWHILE = 1024 * 1024;
const REBUILD_BYTES_MIN = 64 * 1024 * 1024;
const SNAPSHOTS_KEPT = 2;

export interface SqliteOptions extends SqliteWriterOptions {
  /** Compaction rebuilds the file when at least this much, and a quarter of the file, is zeroed; 64 MiB when absent. */
  readonly rebuildBytesMin?: number;
}

/**
 * Opens the ledger at `path` as its one writer and makes it when absent. Throws `store-unavailable` (another process
 * writes to it, or the disk refuses), `store-newer`, `config-invalid` (a released migration was changed), `ledger-corrupt`.
 */
export function openSqlite(path: string, options: SqliteOptions = {}): SqliteStore {
  return new SqliteStore(path, options);
}

/** Methods run to their end before they return (`compact` alone lets others in between); run it in a worker. */
export class SqliteStore implements LedgerStore {
  readonly #path: string;
  readonly #options: SqliteOptions;
  readonly #lock: DatabaseSync;
  #connection: Connection;
  /** Set by a commit with an unknown outcome, until `head` has opened the file anew. */
  #unsettled = false;
  #journalBytes = 0;

  constructor(path: string, options: SqliteOptions) {
    this.#path = path;
    this.#options = options;
    this.#lock = takeWriteLock(path);
    try {
      this.#connection = connect(path, options);
    } catch (error) {
      this.#lock.close();
      throw error;
    }
  }

  async append(batch: SealedBatch): Promise<void> {
    assertBatch(batch);
    if (this.#journalBytes > JOURNAL_BYTES_MAX) this.#moveJournal();
    const { insertBatch, insertKeys, insertTile, selectEnd } = this.#connection.statements;
    const [leaves, payloads, keys] = [packLeaves(batch.leaves), encodePayloads(batch), encodeKeys(batch)];
    this.#write(() => {
      const size = Number(selectEnd.get()?.["size"] ?? 0);
      if (size !== batch.firstSeq) {
        throw new AppError("store-conflict", `the log ends at ${size}, not at ${batch.firstSeq}`, { size });
      }
      insertBatch.run(batch.firstSeq, batch.count, batch.checkpoint, batch.leafHashes, leaves, payloads);
      if (keys !== null) insertKeys.run(batch.firstSeq, keys);
      for (const tile of batch.tiles) insertTile.run(tile.level, tile.index, tile.hashes);
    });
    this.#journalBytes += batch.leafHashes.length + leaves.length + (payloads?.length ?? 0) + (keys?.length ?? 0);
  }

  async head(): Promise<Head> {
    if (this.#unsettled) this.#settle();
    return this.#connection.reader.head();
  }

  async readLeaves(fromSeq: number, batchesMax: number): Promise<readonly LeafBatch[]> {
    return this.#connection.reader.readLeaves(fromSeq, batchesMax);
  }

  async readBatches(fromSeq: number, batchesMax: number): Promise<readonly StoredBatch[]> {
    return this.#connection.reader.readBatches(fromSeq, batchesMax);
  }

  async readPayload(seq: number): Promise<StoredPayload | null> {
    return this.#connection.reader.readPayload(seq);
  }

  async readKey(keyId: string): Promise<Uint8Array | null> {
    return this.#connection.reader.readKey(keyId);
  }

  async readTile(level: number, index: number): Promise<Uint8Array | null> {
    return this.#connection.reader.readTile(level, index);
  }

  async latestSnapshot(sizeMax: number): Promise<Snapshot | null> {
    return this.#connection.reader.latestSnapshot(sizeMax);
  }

  async readMeta(name: string): Promise<string | null> {
    return this.#connection.reader.readMeta(name);
  }

  async eraseKey(keyId: string): Promise<boolean> {
    const keySeq = keySeqOf(keyId);
    if (keySeq === null) return false;
    const existed = this.#writing(() => destroyKey(this.#connection.db, keySeq));
    try {
      this.#emptyJournal();
    } catch (error) {
      // A reader stands on the journal. The key is destroyed all the same; compaction insists on the bytes.
      if (!isAppError(error, "store-unavailable")) throw error;
    }
    return existed;
  }

  async compact(): Promise<number> {
    const { db } = this.#connection;
    const steps = zeroPayloads(db);
    let step = this.#writing(() => steps.next());
    while (step.done !== true) {
      await setImmediate();
      step = this.#writing(() => steps.next());
    }
    if (this.#isRebuildWorthwhile()) this.#writing(() => rebuildFile(db));
    this.#emptyJournal();
    return step.value;
  }

  async saveSnapshot(snapshot: Snapshot): Promise<void> {
    this.#write(() => {
      const { db } = this.#connection;
      db.prepare("insert into snapshots (size, note, bytes) values (?, ?, ?)").run(
        snapshot.size,
        snapshot.note,
        snapshot.bytes,
      );
      db.prepare("delete from snapshots where id not in (select id from snapshots order by id desc limit ?)").run(
        SNAPSHOTS_KEPT,
      );
    });
    this.#journalBytes += snapshot.bytes.length * 2;
  }

  async writeMeta(name: string, value: string): Promise<void> {
    this.#write(() => {
      const upsert = "insert into meta values (?, ?) on conflict (name) do update set value = excluded.value";
      this.#connection.db.prepare(upsert).run(name, value);
    });
  }

  /** Moves the journal into the file when there is enough of it; never waits for readers. */
  async maintain(): Promise<void> {
    if (!this.#unsettled && this.#journalBytes >= JOURNAL_BYTES_WORTHWHILE) this.#moveJournal();
  }

  async close(): Promise<void> {
    await this.#connection.reader.close();
    if (this.#lock.isOpen) this.#lock.close();
  }

  #write(work: () => void): void {
    this.#writing(() => transact(this.#connection.db, work));
  }

  /** Runs code that commits; from the first unknown outcome on, none does until `head` has told the truth. */
  #writing<T>(work: () => T): T {
    if (this.#unsettled) throw new AppError("commit-unknown", "an earlier commit is unsettled; read the head first");
    try {
      return work();
    } catch (error) {
      const known = readError(error);
      if (isAppError(known, "commit-unknown")) this.#unsettled = true;
      throw known;
    }
  }

  /**
   * After a failed sync this connection believes that the commit did not happen, yet its record may be in the journal,
   * where the next start would find it. Opening anew empties the journal either way, so that the answer stays true.
   */
  #settle(): void {
    if (this.#connection.db.isOpen) this.#connection.db.close();
    this.#connection = connect(this.#path, this.#options);
    this.#journalBytes = 0;
    this.#unsettled = false;
  }

  #moveJournal(): void {
    this.#reading(() => {
      const row = this.#connection.statements.moveJournal.get();
      if (row?.["busy"] === 0 && row["log"] === row["checkpointed"]) this.#journalBytes = 0;
    });
  }

  #emptyJournal(): void {
    this.#reading(() => truncateJournal(this.#connection.db, this.#path));
    this.#journalBytes = 0;
  }

  #reading(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw readError(error);
    }
  }

  #isRebuildWorthwhile(): boolean {
    const { db } = this.#connection;
    const pages = Number(db.prepare("pragma page_count").get()?.["page_count"]);
    const pageBytes = Number(db.prepare("pragma page_size").get()?.["page_size"]);
    const holes = holeBytes(db);
    return holes >= (this.#options.rebuildBytesMin ?? REBUILD_BYTES_MIN) && holes * 4 >= pages * pageBytes;
  }
}

type Connection = ReturnType<typeof connect>;

function connect(path: string, options: SqliteOptions) {
  const db = connectWriter(path, options);
  const statements = {
    selectEnd: db.prepare("select first_seq + count as size from batches order by first_seq desc limit 1"),
    insertBatch: db.prepare(
      "insert into batches (first_seq, count, checkpoint, leaf_hashes, leaves, payloads) values (?, ?, ?, ?, ?, ?)",
    ),
    insertKeys: db.prepare("insert into keys (first_seq, frames) values (?, ?)"),
    insertTile: db.prepare("insert into tiles (level, tile_index, hashes) values (?, ?, ?)"),
    moveJournal: db.prepare("pragma wal_checkpoint(passive)"),
  };
  return { db, statements, reader: new SqliteReader(db) };
}
