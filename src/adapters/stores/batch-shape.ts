// The shape every store relies on, checked before a batch is written.

import { assert } from "../../core/assert.ts";
import type { SealedBatch } from "../../wire/contracts/store.ts";

const HASH_BYTES = 32;
const TILE_BYTES = 256 * HASH_BYTES;
const EVENTS_MAX = 65_536;
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
  for (const tile of batch.tiles) assert(tile.hashes.length === TILE_BYTES, "a full tile has 256 hashes");
  let last = batch.firstSeq - 1;
  for (const payload of batch.payloads) {
    assert(payload.seq > last && payload.seq < batch.firstSeq + batch.count, "payloads are in order and of this batch");
    last = payload.seq;
  }
}

/** Throws InvariantError unless the range of a read is one a store can answer. */
export function assertRead(fromSeq: number, batchesMax: number): void {
  assert(Number.isSafeInteger(fromSeq) && fromSeq >= 0, "a read starts at a sequence");
  assert(
    Number.isInteger(batchesMax) && batchesMax > 0 && batchesMax <= READ_BATCHES_MAX,
    "a read asks for 1 to 4096 batches",
  );
}
