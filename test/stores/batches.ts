// Batches to append in store tests: every byte follows from the sequence and a marker, so that any prefix can be checked.

import assert from "node:assert/strict";
import { createHash, hash } from "node:crypto";
import type { SealedBatch, SealedKey, StoredBatch } from "../../src/wire/contracts/store.ts";

export interface BatchShape {
  readonly firstSeq: number;
  readonly count: number;
  /** Told apart in leaves and checkpoint: two writers make different batches for one sequence. */
  readonly writer?: string;
  readonly boxBytes?: number;
  readonly leafBytes?: number;
}

/** A whole batch; one key serves all of its payloads. */
export function makeBatch(shape: BatchShape): SealedBatch {
  const { firstSeq, count, writer = "a" } = shape;
  const keyId = String(firstSeq);
  const seqs = Array.from({ length: count }, (_, i) => firstSeq + i);
  const leaves = seqs.map((seq) => leafText(seq, writer, shape.leafBytes ?? 120));
  return {
    firstSeq,
    count,
    leaves: Buffer.from(leaves.join("\n")),
    leafHashes: Buffer.concat(leaves.map((leaf) => createHash("sha256").update(leaf).digest())),
    payloads: seqs.map((seq) => ({ seq, keyId, box: boxBytes(seq, shape.boxBytes ?? 64) })),
    keys: [makeKey(keyId)],
    tiles: [],
    checkpoint: `holdpoint.test/log\n${firstSeq + count}\n${hash("sha256", leaves.join("\n"), "base64")}\n\n— holdpoint.test ${writer}\n`,
  };
}

/** Consecutive batches of the given sizes from sequence 0. */
export function makeBatches(counts: readonly number[]): SealedBatch[] {
  let firstSeq = 0;
  return counts.map((count) => {
    const batch = makeBatch({ firstSeq, count });
    firstSeq += count;
    return batch;
  });
}

export function makeKey(keyId: string): SealedKey {
  return { keyId, wrapped: createHash("sha512").update(`wrapped ${keyId}`).digest() };
}

/** What a store must give back for `batch`, with byte arrays comparable by deepEqual. */
export function asStored(batch: StoredBatch | SealedBatch): object {
  return {
    firstSeq: batch.firstSeq,
    count: batch.count,
    leaves: typeof batch.leaves === "string" ? batch.leaves : Buffer.from(batch.leaves).toString(),
    leafHashes: Buffer.from(batch.leafHashes).toString("hex"),
    payloads: batch.payloads.map((p) => ({ seq: p.seq, keyId: p.keyId, box: Buffer.from(p.box).toString("hex") })),
    checkpoint: batch.checkpoint,
  };
}

export function assertStored(actual: readonly StoredBatch[], expected: readonly SealedBatch[]): void {
  assert.deepEqual(actual.map(asStored), expected.map(asStored));
}

function leafText(seq: number, writer: string, bytes: number): string {
  const text = `{"facts":{"note":"é漢😀"},"seq":${seq},"writer":"${writer}"`;
  return `${text},"x":"${"x".repeat(Math.max(0, bytes - text.length))}"}`;
}

function boxBytes(seq: number, length: number): Buffer {
  const block = createHash("sha512").update(`box ${seq}`).digest();
  return Buffer.alloc(length, block);
}
