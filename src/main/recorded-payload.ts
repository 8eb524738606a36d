// One payload as the ledger holds it, opened with the installation's key.

import { assert } from "../core/assert.ts";
import { AppError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { parseLeaf, type Leaf } from "../ledger/leaf.ts";
import { equalBytes, HASH_BYTES, hashLeaf } from "../ledger/merkle.ts";
import { openPayload } from "../ledger/payload-box.ts";
import type { LedgerReader } from "../wire/contracts/store.ts";
import type { InstallationKeys } from "./keys.ts";

/**
 * The leaves of the first sequences, as many of them as stand in one batch; at least one. The sequences are in order.
 * Throws `event-not-found`, or `ledger-corrupt` when a leaf is not the one of its hash.
 */
export async function readLeaves(reader: LedgerReader, seqs: readonly number[]): Promise<readonly Leaf[]> {
  const first = seqs[0] ?? -1;
  const [batch] = first < 0 ? [] : await reader.readLeaves(first, 1);
  if (batch === undefined) throw new AppError("event-not-found", "no such event", { seq: first });
  const lines = batch.leaves.split("\n");
  const leaves: Leaf[] = [];
  for (const seq of seqs) {
    const index = seq - batch.firstSeq;
    const line = lines[index];
    if (line === undefined) break; // in a later batch
    if (!equalBytes(hashLeaf(line), batch.leafHashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES))) {
      throw new AppError("ledger-corrupt", "a leaf and its stored hash differ", { seq });
    }
    leaves.push(parseLeaf(line));
  }
  if (leaves.length === 0) throw new AppError("event-not-found", "no such event", { seq: first });
  return leaves;
}

/** The leaf at one sequence; throws as `readLeaves` does. */
export async function readLeaf(reader: LedgerReader, seq: number): Promise<Leaf> {
  const [leaf] = await readLeaves(reader, [seq]);
  assert(leaf !== undefined, "a read answers one leaf at least");
  return leaf;
}

/** Throws `event-not-found` when there is none, `payload-erased`, or `ledger-corrupt` when it does not match its leaf. */
export async function readRecordedPayload(
  reader: LedgerReader,
  keys: Pick<InstallationKeys, "origin" | "keyEncryptionKey">,
  seq: number,
): Promise<Json> {
  const leaf = await readLeaf(reader, seq);
  return openPayload(leaf, await reader.readPayload(seq), keys.origin, keys.keyEncryptionKey);
}
