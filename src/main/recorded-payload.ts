// One payload as the ledger holds it, opened with the installation's key.

import { AppError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { parseLeaf, type Leaf } from "../ledger/leaf.ts";
import { equalBytes, HASH_BYTES, hashLeaf } from "../ledger/merkle.ts";
import { openPayload } from "../ledger/payload-box.ts";
import type { LedgerReader } from "../wire/contracts/store.ts";
import type { InstallationKeys } from "./keys.ts";

/** The leaf at one sequence. Throws `event-not-found`, or `ledger-corrupt` when it is not the one of its hash. */
export async function readLeaf(reader: LedgerReader, seq: number): Promise<Leaf> {
  const [batch] = seq < 0 ? [] : await reader.readBatches(seq, 1);
  const index = seq - (batch?.firstSeq ?? 0);
  const line = batch?.leaves.split("\n")[index];
  if (batch === undefined || line === undefined) throw new AppError("event-not-found", "no such event", { seq });
  if (!equalBytes(hashLeaf(line), batch.leafHashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES))) {
    throw new AppError("ledger-corrupt", "a leaf and its stored hash differ", { seq });
  }
  return parseLeaf(line);
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
