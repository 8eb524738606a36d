// The ledger store on PostgreSQL, for replicas: appends are fenced by the row that says where the log ends.

import type pg from "pg";
import { AppError, isAppError } from "../../core/errors.ts";
import type {
  LeafBatch,
  LedgerReader,
  LedgerStore,
  SealedBatch,
  Snapshot,
  StoredBatch,
  StoredPayload,
} from "../../wire/contracts/store.ts";
import type { Head } from "../../wire/types/event.ts";
import { assertBatch, assertRead, keySeqOf } from "./batch-shape.ts";
import {
  decodePayloads,
  dropErased,
  encodeKeys,
  encodePayloads,
  eraseFrames,
  findKey,
  findPayload,
} from "./payload-frames.ts";
import {
  checkStore,
  isReadOnlyError,
  makePool,
  prepareStore,
  transact,
  vacuum,
  withClient,
} from "./postgres-connection.ts";
import type { PostgresOptions } from "./postgres-connection.ts";
import { takeWriteLock } from "./postgres-lock.ts";
import type { WriteLock } from "./postgres-lock.ts";
import { packLeaves, unpackRows } from "./stored-leaves.ts";

const COMPACT_CHUNK_BATCHES = 16;
const SNAPSHOTS_KEPT = 2;

/**
 * The whole append in one statement. Updating `head` takes the lock between writers; when the log does not end where
 * the batch begins, no row is updated and nothing is inserted.
 */
const APPEND = `
  with fence as (update head set size = $1::bigint + $2::integer where size = $1::bigint returning size),
  batch as (
    insert into batches (first_seq, count, checkpoint, leaf_hashes, leaves, payloads)
    select $1::bigint, $2::integer, $3::text, $4::bytea, $5::bytea, $6::bytea from fence
  ),
  new_keys as (
    insert into keys (first_seq, frames) select $1::bigint, $7::bytea from fence where $7::bytea is not null
  ),
  full_tiles as (
    insert into tiles (level, tile_index, hashes)
    select t.level, t.tile_index, t.hashes
    from fence, unnest($8::integer[], $9::bigint[], $10::bytea[]) as t (level, tile_index, hashes)
  )
  select size from fence`;

interface LeafRow {
  readonly first_seq: string;
  readonly count: number;
  readonly checkpoint: string;
  readonly leaf_hashes: Buffer;
  readonly leaves: Buffer;
}

interface BatchRow extends LeafRow {
  readonly payloads: Buffer | null;
}

interface KeysRow {
  readonly first_seq: string;
  readonly frames: Buffer;
}

const SELECT_KEYS = "select first_seq, frames from keys where first_seq <= $1 order by first_seq desc limit 1";

/**
 * Connects, applies pending migrations and checks that commits are durable. Throws `store-unavailable` (with
 * `onLockLost` also when another process writes to the ledger), `store-newer`, `config-invalid`. A session that may
 * only read can open the store; its writes are refused.
 */
export async function openPostgres(options: PostgresOptions): Promise<PostgresStore> {
  const pool = makePool(options);
  try {
    const begin = await prepareStore(pool);
    const { connectionString, onLockLost } = options;
    const lock = onLockLost === undefined ? null : await takeWriteLock(connectionString, onLockLost);
    return new PostgresStore({ options, pool, begin, lock });
  } catch (error) {
    await pool.end();
    throw error;
  }
}

/** Reads beside a writer, and changes nothing. Throws `store-unavailable` (no ledger there), `store-newer`. */
export async function openPostgresReader(options: PostgresOptions): Promise<LedgerReader> {
  const pool = makePool(options);
  try {
    await checkStore(pool);
    return new PostgresStore({ options, pool, begin: null, lock: null });
  } catch (error) {
    await pool.end();
    throw error;
  }
}

interface PostgresParts {
  readonly options: PostgresOptions;
  readonly pool: pg.Pool;
  /** Begins a durable transaction; null when this one only reads. */
  readonly begin: string | null;
  readonly lock: WriteLock | null;
}

export class PostgresStore implements LedgerStore {
  readonly #options: PostgresOptions;
  readonly #pool: pg.Pool;
  readonly #begin: string | null;
  readonly #lock: WriteLock | null;
  /** Set by a commit with an unknown outcome, until `head` has been read under the lock. */
  #unsettled = false;
  /** A writer that lived before this one may have left a commit under way: the first head waits for it. */
  #firstHead = true;

  constructor({ options, pool, begin, lock }: PostgresParts) {
    this.#options = options;
    this.#pool = pool;
    this.#begin = begin;
    this.#lock = lock;
  }

  async append(batch: SealedBatch): Promise<void> {
    assertBatch(batch);
    const row = [
      batch.firstSeq,
      batch.count,
      batch.checkpoint,
      batch.leafHashes,
      packLeaves(batch.leaves),
      encodePayloads(batch),
      encodeKeys(batch),
      batch.tiles.map((tile) => tile.level),
      batch.tiles.map((tile) => tile.index),
      batch.tiles.map((tile) => Buffer.from(tile.hashes)),
    ];
    await this.#write(async (client) => {
      const { rowCount } = await client.query({ name: "append", text: APPEND, values: row });
      if (rowCount !== 1) throw new AppError("store-conflict", `the log does not end at ${batch.firstSeq}`);
    });
  }

  /** After an unknown outcome, and the first time, waits until no earlier commit is under way any more. */
  async head(): Promise<Head> {
    if (this.#begin === null || (!this.#unsettled && !this.#firstHead)) return this.#readHead();
    const head = await this.#settledHead(this.#begin);
    this.#unsettled = false;
    this.#firstHead = false;
    return head;
  }

  async readLeaves(fromSeq: number, batchesMax: number): Promise<readonly LeafBatch[]> {
    const rows = await this.#rows<LeafRow>("first_seq, count, checkpoint, leaf_hashes, leaves", fromSeq, batchesMax);
    return unpackRows(rows).map(leafBatch);
  }

  async readBatches(fromSeq: number, batchesMax: number): Promise<readonly StoredBatch[]> {
    const columns = "first_seq, count, checkpoint, leaf_hashes, leaves, payloads";
    const rows = unpackRows(await this.#rows<BatchRow>(columns, fromSeq, batchesMax));
    return rows.map((row) => ({ ...leafBatch(row), payloads: decodePayloads(Number(row.first_seq), row.payloads) }));
  }

  async #rows<Row extends pg.QueryResultRow>(columns: string, fromSeq: number, batchesMax: number): Promise<Row[]> {
    assertRead(fromSeq, batchesMax);
    return this.#all<Row>(
      `select ${columns} from batches
       where first_seq >= coalesce((select max(first_seq) from batches where first_seq <= $1), 0) and first_seq + count > $1
       order by first_seq limit $2`,
      [fromSeq, batchesMax],
    );
  }

  async readPayload(seq: number): Promise<StoredPayload | null> {
    const [row] = await this.#all<Pick<BatchRow, "first_seq" | "payloads">>(
      "select first_seq, payloads from batches where first_seq <= $1 order by first_seq desc limit 1",
      [seq],
    );
    const found = row === undefined ? null : findPayload(Number(row.first_seq), row.payloads, seq);
    return found === null ? null : { box: found.box, keyId: found.keyId, wrapped: await this.readKey(found.keyId) };
  }

  async readKey(keyId: string): Promise<Uint8Array | null> {
    const keySeq = keySeqOf(keyId) ?? -1;
    const [row] = await this.#all<KeysRow>(SELECT_KEYS, [keySeq]);
    return findKey(Number(row?.first_seq ?? 0), row?.frames ?? null, keySeq);
  }

  async readTile(level: number, index: number): Promise<Uint8Array | null> {
    const select = "select hashes from tiles where level = $1 and tile_index = $2";
    const [row] = await this.#all<{ hashes: Buffer }>(select, [level, index]);
    return row?.hashes ?? null;
  }

  async eraseKey(keyId: string): Promise<boolean> {
    const keySeq = keySeqOf(keyId);
    if (keySeq === null) return false;
    return this.#write(async (client) => {
      const [row] = (await client.query<KeysRow>(`${SELECT_KEYS} for update`, [keySeq])).rows;
      if (row === undefined) return false;
      if (eraseFrames(Number(row.first_seq), row.frames, (each) => each === keySeq).frames === 0) return false;
      await client.query("update keys set frames = $1 where first_seq = $2", [row.frames, row.first_seq]);
      await client.query("insert into erasures values ($1, $2)", [keySeq, row.first_seq]);
      return true;
    });
  }

  /**
   * Drops the payloads under destroyed keys and vacuums. The keys' own bytes leave the data files (their table is
   * rewritten); the pages of dropped payloads, ciphertext that nobody can open, are reused in time. What the server's
   * write-ahead log archive, backups and standbys keep is for their operator to expire.
   */
  async compact(): Promise<number> {
    const pending = await this.#all<{ key_seq: string; first_seq: string }>(
      "select key_seq, first_seq from erasures order by key_seq",
      [],
    );
    if (pending.length === 0) return 0;
    const dead = new Set(pending.map((row) => Number(row.key_seq)));
    // A payload is of the same batch as its key.
    const batches = [...new Set(pending.map((row) => row.first_seq))];
    let dropped = 0;
    for (let at = 0; at < batches.length; at += COMPACT_CHUNK_BATCHES) {
      const chunk = batches.slice(at, at + COMPACT_CHUNK_BATCHES);
      dropped += await this.#write((client) => dropPayloads(client, chunk, dead));
    }
    await vacuum(this.#options.connectionString, "vacuum full keys");
    await vacuum(this.#options.connectionString, "vacuum batches");
    await this.#write((client) => client.query("delete from erasures where key_seq = any ($1)", [[...dead]]));
    return dropped;
  }

  async saveSnapshot(snapshot: Snapshot): Promise<void> {
    await this.#write(async (client) => {
      const row = [snapshot.size, snapshot.note, Buffer.from(snapshot.bytes)];
      await client.query("insert into snapshots (size, note, bytes) values ($1, $2, $3)", row);
      const prune = "delete from snapshots where id not in (select id from snapshots order by id desc limit $1)";
      await client.query(prune, [SNAPSHOTS_KEPT]);
    });
  }

  async latestSnapshot(sizeMax: number): Promise<Snapshot | null> {
    const [row] = await this.#all<{ size: string; note: string; bytes: Buffer }>(
      "select size, note, bytes from snapshots where size <= $1 order by size desc, id desc limit 1",
      [sizeMax],
    );
    return row === undefined ? null : { size: Number(row.size), note: row.note, bytes: row.bytes };
  }

  async readMeta(name: string): Promise<string | null> {
    const [row] = await this.#all<{ value: string }>("select value from meta where name = $1", [name]);
    return row?.value ?? null;
  }

  async writeMeta(name: string, value: string): Promise<void> {
    const upsert = "insert into meta values ($1, $2) on conflict (name) do update set value = excluded.value";
    await this.#write((client) => client.query(upsert, [name, value]));
  }

  async close(): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end();
    await this.#lock?.release(); // last: what was under way has ended
  }

  async #readHead(): Promise<Head> {
    const [row] = await this.#all<{ size: string; checkpoint: string | null }>(
      "select size, (select checkpoint from batches order by first_seq desc limit 1) as checkpoint from head",
      [],
    );
    if (row === undefined) throw new AppError("ledger-corrupt", "the head row is missing");
    return { size: Number(row.size), checkpoint: row.checkpoint };
  }

  /** Two statements: the second must see what the first has waited for. */
  async #settledHead(begin: string): Promise<Head> {
    try {
      return await transact(this.#pool, begin, async (client) => {
        const { rows } = await client.query<{ size: string }>("select size from head for update");
        if (rows[0] === undefined) throw new AppError("ledger-corrupt", "the head row is missing");
        const select = "select checkpoint from batches order by first_seq desc limit 1";
        const last = await client.query<{ checkpoint: string }>(select);
        return { size: Number(rows[0].size), checkpoint: last.rows[0]?.checkpoint ?? null };
      });
    } catch (error) {
      // Who may not lock may not write either, and has no commit under way.
      if (isReadOnlyError(error)) return this.#readHead();
      throw error;
    }
  }

  async #write<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    if (this.#begin === null) throw new AppError("store-unavailable", "this connection only reads");
    if (this.#unsettled) throw new AppError("commit-unknown", "an earlier commit is unsettled; read the head first");
    try {
      return await transact(this.#pool, this.#begin, work);
    } catch (error) {
      if (isAppError(error, "commit-unknown")) this.#unsettled = true;
      throw error;
    }
  }

  async #all<Row extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<Row[]> {
    return withClient(this.#pool, async (client) => (await client.query<Row>(text, values)).rows);
  }
}

async function dropPayloads(
  client: pg.PoolClient,
  firstSeqs: readonly string[],
  dead: ReadonlySet<number>,
): Promise<number> {
  const { rows } = await client.query<{ first_seq: string; payloads: Buffer }>(
    // Locked: two compactions at once must not give back to a batch what the other has dropped.
    `select first_seq, payloads from batches where first_seq = any ($1) and payloads is not null
     order by first_seq for update`,
    [firstSeqs],
  );
  let dropped = 0;
  for (const row of rows) {
    const { frames } = eraseFrames(Number(row.first_seq), row.payloads, (keySeq) => dead.has(keySeq));
    if (frames === 0) continue;
    dropped += frames;
    await client.query("update batches set payloads = $1 where first_seq = $2", [
      dropErased(row.payloads),
      row.first_seq,
    ]);
  }
  return dropped;
}

function leafBatch(row: Omit<LeafRow, "leaves"> & { leaves: string }): LeafBatch {
  const { count, leaves, leaf_hashes: leafHashes, checkpoint } = row;
  return { firstSeq: Number(row.first_seq), count, leaves, leafHashes, checkpoint };
}
