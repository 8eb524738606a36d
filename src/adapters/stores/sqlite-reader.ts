// Reading an SQLite ledger: the part that the writer's store and read-only connections share.

import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { LeafBatch, LedgerReader, Snapshot, StoredBatch, StoredPayload } from "../../wire/contracts/store.ts";
import type { Head } from "../../wire/types/event.ts";
import { assertRead, keySeqOf } from "./batch-shape.ts";
import { decodePayloads, findKey, findPayload } from "./payload-frames.ts";
import { connectReader, readError } from "./sqlite-connection.ts";
import { unpackRows } from "./stored-leaves.ts";

interface LeafRow {
  readonly first_seq: number;
  readonly count: number;
  readonly checkpoint: string;
  readonly leaf_hashes: Uint8Array;
  readonly leaves: Uint8Array;
}

interface BatchRow extends LeafRow {
  readonly payloads: Uint8Array | null;
}

/**
 * Opens the ledger at `path` for reading only: the follower, the command line and payload reads. It may stand beside a
 * live writer. Throws `store-unavailable` (no ledger there), `store-newer`, `ledger-corrupt`.
 */
export function openSqliteReader(path: string): LedgerReader {
  return new SqliteReader(connectReader(path));
}

export class SqliteReader implements LedgerReader {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  async head(): Promise<Head> {
    const row = this.#get<Pick<BatchRow, "first_seq" | "count" | "checkpoint">>(
      "select first_seq, count, checkpoint from batches order by first_seq desc limit 1",
    );
    return row === undefined
      ? { size: 0, checkpoint: null }
      : { size: row.first_seq + row.count, checkpoint: row.checkpoint };
  }

  async readLeaves(fromSeq: number, batchesMax: number): Promise<readonly LeafBatch[]> {
    const rows = this.#rows<LeafRow>("first_seq, count, checkpoint, leaf_hashes, leaves", fromSeq, batchesMax);
    return unpackRows(rows).map(leafBatch);
  }

  async readBatches(fromSeq: number, batchesMax: number): Promise<readonly StoredBatch[]> {
    const columns = "first_seq, count, checkpoint, leaf_hashes, leaves, payloads";
    const rows = unpackRows(this.#rows<BatchRow>(columns, fromSeq, batchesMax));
    return rows.map((row) => ({ ...leafBatch(row), payloads: decodePayloads(row.first_seq, row.payloads) }));
  }

  #rows<Row>(columns: string, fromSeq: number, batchesMax: number): Row[] {
    assertRead(fromSeq, batchesMax);
    return this.#all<Row>(
      `select ${columns} from batches
       where first_seq >= coalesce((select max(first_seq) from batches where first_seq <= ?1), 0) and first_seq + count > ?1
       order by first_seq limit ?2`,
      fromSeq,
      batchesMax,
    );
  }

  async readPayload(seq: number): Promise<StoredPayload | null> {
    const row = this.#get<Pick<BatchRow, "first_seq" | "payloads">>(
      "select first_seq, payloads from batches where first_seq <= ? order by first_seq desc limit 1",
      seq,
    );
    const found = row === undefined ? null : findPayload(row.first_seq, row.payloads, seq);
    return found === null ? null : { box: found.box, keyId: found.keyId, wrapped: await this.readKey(found.keyId) };
  }

  async readKey(keyId: string): Promise<Uint8Array | null> {
    const keySeq = keySeqOf(keyId) ?? -1;
    const row = this.#get<{ first_seq: number; frames: Uint8Array }>(
      "select first_seq, frames from keys where first_seq <= ? order by first_seq desc limit 1",
      keySeq,
    );
    return findKey(row?.first_seq ?? 0, row?.frames ?? null, keySeq);
  }

  async readTile(level: number, index: number): Promise<Uint8Array | null> {
    const row = this.#get<{ hashes: Uint8Array }>(
      "select hashes from tiles where level = ? and tile_index = ?",
      level,
      index,
    );
    return row?.hashes ?? null;
  }

  async latestSnapshot(sizeMax: number): Promise<Snapshot | null> {
    const row = this.#get<{ size: number; note: string; bytes: Uint8Array }>(
      "select size, note, bytes from snapshots where size <= ? order by size desc, id desc limit 1",
      sizeMax,
    );
    return row === undefined ? null : { size: row.size, note: row.note, bytes: row.bytes };
  }

  async readMeta(name: string): Promise<string | null> {
    return this.#get<{ value: string }>("select value from meta where name = ?", name)?.value ?? null;
  }

  async close(): Promise<void> {
    if (this.#db.isOpen) this.#db.close();
  }

  #get<Row>(sql: string, ...parameters: (string | number)[]): Row | undefined {
    try {
      // The strict tables of the schema fix the types of these columns.
      return this.#statement(sql).get(...parameters) as Row | undefined;
    } catch (error) {
      throw readError(error);
    }
  }

  #all<Row>(sql: string, ...parameters: (string | number)[]): Row[] {
    try {
      return this.#statement(sql).all(...parameters) as Row[];
    } catch (error) {
      throw readError(error);
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

function leafBatch(row: Omit<LeafRow, "leaves"> & { leaves: string }): LeafBatch {
  const { first_seq: firstSeq, count, leaves, leaf_hashes: leafHashes, checkpoint } = row;
  return { firstSeq, count, leaves, leafHashes, checkpoint };
}
