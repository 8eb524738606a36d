// The shape every store relies on, checked before a batch is written.

import { assert } from "../../core/assert.ts";
import type { SealedBatch } from "../../wire/contracts/store.ts";

const HASH_BYTES = 32;
const TILE_BYTES = 256 * HASH_BYTES;
const EVENTS_MAX = 65_536;
/** Of one batch; also what a reader takes at most. */
export const LEAVES_BYTES_MAX = 256 * 1024 * 1024;
const KEY_ID = /^(0|[1-9][0-9]{0,15})$/;
const READ_BATCHES_MAX = 4_096;

/** Throws InvariantError for a batch that no correct writer makes. */
export function assertBatch(batch: SealedBatch): void {
  assert(Number.isSafeInteger(batch.firstSeq) && batch.firstSeq >= 0, "a batch starts at a sequence");
  assert(
    Number.isInteger(batch.count) && batch.count > 0 && batch.count <= EVENTS_MAX,
    "a batch holds 1 to 65536 events",
  );
  assert(batch.leafHashes.length === batch.count * HASH_BYTES, "a batch has one leaf hash per event");
  assert(batch.leaves.length > 0 && batch.checkpoint.length > 0, "a batch has leaves and a checkpoint");
  assert(batch.leaves.length <= LEAVES_BYTES_MAX, "the leaves of a batch can be read back");
  for (const tile of batch.tiles) assert(tile.hashes.length === TILE_BYTES, "a full tile has 256 hashes");
  let last = batch.firstSeq - 1;
  for (const payload of batch.payloads) {
    assert(payload.seq > last && payload.seq < batch.firstSeq + batch.count, "payloads are in order and of this batch");
    assertKey(batch, payload.keyId, payload.seq);
    last = payload.seq;
  }
  last = -1;
  for (const { keyId } of batch.keys) {
    assertKey(batch, keyId, batch.firstSeq + batch.count - 1);
    assert(Number(keyId) > last, "keys are in order, each once");
    last = Number(keyId);
  }
}

function assertKey({ firstSeq }: SealedBatch, keyId: string, seqMax: number): void {
  const seq = keySeqOf(keyId) ?? -1;
  assert(seq >= firstSeq && seq <= seqMax, "a key's id is an event of its batch, none after what it seals");
}

/** The sequence that a key id names, null when it is none. */
export function keySeqOf(keyId: string): number | null {
  return KEY_ID.test(keyId) ? Number(keyId) : null;
}

/** Throws InvariantError unless the range of a read is one a store can answer. */
export function assertRead(fromSeq: number, batchesMax: number): void {
  assert(Number.isSafeInteger(fromSeq) && fromSeq >= 0, "a read starts at a sequence");
  assert(
    Number.isInteger(batchesMax) && batchesMax > 0 && batchesMax <= READ_BATCHES_MAX,
    "a read asks for 1 to 4096 batches",
  );
}
