// Erasing in an SQLite ledger: destroyed keys and the payloads under them leave the file, by overwriting in place.
//
// An overwritten record keeps its size, so the file's pages are never split or rebuilt while erasing: rebuilding a page
// can leave stale copies of its rows in the gap between them. The space of zeroed payloads is given back by rebuilding the
// whole file (VACUUM), which is done only once it is worth the time.

import type { DatabaseSync } from "node:sqlite";
import { dropErased, eraseFrames } from "./payload-frames.ts";
import { transact } from "./sqlite-connection.ts";

/** Batches rewritten in one transaction; appends go between two of them. */
const CHUNK_BATCHES = 16;

interface PayloadRow {
  readonly first_seq: number;
  readonly payloads: Uint8Array;
}

/** Overwrites a payload key and notes that its payloads must go. False when it does not exist or is destroyed already. */
export function destroyKey(db: DatabaseSync, keyId: string): boolean {
  return transact(db, () => {
    const row = db
      .prepare("select id, first_seq, length(wrapped) as bytes from keys where key_id = ? and destroyed = 0")
      .get(keyId);
    if (row === undefined) return false;
    const zeros = new Uint8Array(Number(row["bytes"]));
    db.prepare("update keys set destroyed = 1, wrapped = ? where id = ?").run(zeros, row["id"] as number);
    db.prepare("insert into erasures values (?, ?)").run(keyId, row["first_seq"] as number);
    return true;
  });
}

/** Zeroes the payloads under destroyed keys; a step between two yields is one transaction. Returns how many it zeroed. */
export function* zeroPayloads(db: DatabaseSync): Generator<void, number> {
  const pending = db.prepare("select key_id, first_seq from erasures").all();
  if (pending.length === 0) return 0;
  const dead = new Set(pending.map((row) => String(row["key_id"])));
  // No payload is older than its key.
  let fromSeq = pending.reduce((least, row) => Math.min(least, Number(row["first_seq"])), Number.MAX_SAFE_INTEGER);
  let zeroed = 0;
  for (;;) {
    const rows = payloadRows(db, fromSeq);
    const last = rows.at(-1);
    if (last === undefined) break;
    zeroed += transact(db, () => zeroRows(db, rows, dead));
    fromSeq = last.first_seq + 1;
    yield;
  }
  transact(db, () => {
    for (const keyId of dead) db.prepare("delete from erasures where key_id = ?").run(keyId);
  });
  return zeroed;
}

/** Bytes of zeroed payloads that a rebuild would give back. */
export function holeBytes(db: DatabaseSync): number {
  return Number(db.prepare("select coalesce(sum(bytes), 0) as bytes from holes").get()?.["bytes"]);
}

/** Gives the space of zeroed payloads back. Blocks for as long as copying the file takes. */
export function rebuildFile(db: DatabaseSync): void {
  for (;;) {
    const rows = db.prepare("select first_seq from holes where bytes > 0 limit ?").all(CHUNK_BATCHES);
    if (rows.length === 0) break;
    transact(db, () => rows.forEach((row) => closeHole(db, Number(row["first_seq"]))));
  }
  // The holes stay on record until the rebuild is done: if it is cut short, the next compaction does it again.
  db.exec("vacuum");
  transact(db, () => db.exec("delete from holes"));
}

function payloadRows(db: DatabaseSync, fromSeq: number): PayloadRow[] {
  const select =
    "select first_seq, payloads from batches where first_seq >= ? and payloads is not null order by first_seq limit ?";
  return db.prepare(select).all(fromSeq, CHUNK_BATCHES) as unknown as PayloadRow[];
}

function zeroRows(db: DatabaseSync, rows: readonly PayloadRow[], dead: ReadonlySet<string>): number {
  let zeroed = 0;
  for (const row of rows) {
    const { frames, boxBytes } = eraseFrames(row.payloads, (keyId) => dead.has(keyId));
    if (frames === 0) continue;
    zeroed += frames;
    db.prepare("update batches set payloads = ? where first_seq = ?").run(row.payloads, row.first_seq);
    db.prepare(
      "insert into holes values (?1, ?2) on conflict (first_seq) do update set bytes = bytes + excluded.bytes",
    ).run(row.first_seq, boxBytes);
  }
  return zeroed;
}

function closeHole(db: DatabaseSync, firstSeq: number): void {
  const row = db.prepare("select payloads from batches where first_seq = ?").get(firstSeq);
  const payloads = row?.["payloads"];
  const kept = payloads instanceof Uint8Array ? dropErased(payloads) : null;
  db.prepare("update batches set payloads = ? where first_seq = ?").run(kept, firstSeq);
  db.prepare("update holes set bytes = 0 where first_seq = ?").run(firstSeq);
}
