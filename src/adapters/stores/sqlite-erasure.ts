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

/** Overwrites a payload key and notes that its payloads must go. False when it does not exist or is destroyed already. */
export function destroyKey(db: DatabaseSync, keySeq: number): boolean {
  return transact(db, () => {
    const row = db
      .prepare("select first_seq, frames from keys where first_seq <= ? order by first_seq desc limit 1")
      .get(keySeq) as { first_seq: number; frames: Uint8Array } | undefined;
    if (row === undefined) return false;
    const { frames } = eraseFrames(row.first_seq, row.frames, (each) => each === keySeq);
    if (frames === 0) return false;
    db.prepare("update keys set frames = ? where first_seq = ?").run(row.frames, row.first_seq);
    db.prepare("insert into erasures values (?, ?)").run(keySeq, row.first_seq);
    return true;
  });
}

/** Zeroes the payloads under destroyed keys; a step between two yields is one transaction. Returns how many it zeroed. */
export function* zeroPayloads(db: DatabaseSync): Generator<void, number> {
  const pending = db.prepare("select key_seq, first_seq from erasures order by key_seq").all();
  const dead = new Set(pending.map((row) => Number(row["key_seq"])));
  // A payload is of the same batch as its key.
  const batches = [...new Set(pending.map((row) => Number(row["first_seq"])))];
  let zeroed = 0;
  for (let at = 0; at < batches.length; at += CHUNK_BATCHES) {
    const chunk = batches.slice(at, at + CHUNK_BATCHES);
    zeroed += transact(db, () => chunk.reduce((sum, firstSeq) => sum + zeroBatch(db, firstSeq, dead), 0));
    yield;
  }
  if (dead.size === 0) return 0;
  transact(db, () => {
    for (const keySeq of dead) db.prepare("delete from erasures where key_seq = ?").run(keySeq);
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

function zeroBatch(db: DatabaseSync, firstSeq: number, dead: ReadonlySet<number>): number {
  const payloads = db.prepare("select payloads from batches where first_seq = ?").get(firstSeq)?.["payloads"];
  if (!(payloads instanceof Uint8Array)) return 0;
  const { frames, bytes } = eraseFrames(firstSeq, payloads, (keySeq) => dead.has(keySeq));
  if (frames === 0) return 0;
  db.prepare("update batches set payloads = ? where first_seq = ?").run(payloads, firstSeq);
  db.prepare(
    "insert into holes values (?1, ?2) on conflict (first_seq) do update set bytes = bytes + excluded.bytes",
  ).run(firstSeq, bytes);
  return frames;
}

function closeHole(db: DatabaseSync, firstSeq: number): void {
  const row = db.prepare("select payloads from batches where first_seq = ?").get(firstSeq);
  const payloads = row?.["payloads"];
  const kept = payloads instanceof Uint8Array ? dropErased(payloads) : null;
  db.prepare("update batches set payloads = ? where first_seq = ?").run(kept, firstSeq);
  db.prepare("update holes set bytes = 0 where first_seq = ?").run(firstSeq);
}
