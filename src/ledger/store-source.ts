// A ledger store as something to verify or export: batches in order, statements, tiles, keys, snapshots.

import { AppError, isAppError } from "../core/errors.ts";
import type { LedgerReader, Snapshot, StoredBatch } from "../wire/contracts/store.ts";
import { parseStatements } from "./key-statement.ts";
import type { LogSource } from "./verify.ts";

const BATCHES_PER_READ = 512;

export interface StoreSource extends LogSource {
  readonly origin: string;
  readonly batches: AsyncIterable<StoredBatch>;
  readonly readKey: (keyId: string) => Promise<Uint8Array | null>;
}

/**
 * Everything that verification reads of a store; `origin` and `statements` are its meta values of those names. Throws
 * `ledger-corrupt` when one of them is missing or malformed.
 */
export async function storeSource(store: LedgerReader): Promise<StoreSource> {
  const [origin, statements] = [await store.readMeta("origin"), await store.readMeta("statements")];
  if (origin === null || statements === null) {
    throw new AppError("ledger-corrupt", "the store has no origin or no key statements");
  }
  return {
    origin,
    statements: parseStatements(statements),
    batches: { [Symbol.asyncIterator]: () => storedBatches(store) },
    readTile: (level, index) => store.readTile(level, index),
    readKey: (keyId) => store.readKey(keyId),
    snapshots: await storedSnapshots(store),
  };
}

async function storedSnapshots(store: LedgerReader): Promise<Snapshot[]> {
  const snapshots: Snapshot[] = [];
  let snapshot = await store.latestSnapshot(Number.MAX_SAFE_INTEGER);
  while (snapshot !== null && snapshots.length < 2) {
    snapshots.push(snapshot);
    snapshot = snapshot.size > 0 ? await store.latestSnapshot(snapshot.size - 1) : null;
  }
  return snapshots;
}

/**
 * All batches from the first event to where the log ends when it gets there. From the first read that fails because of
 * what is stored, one at a time: so it ends at the very batch that cannot be read.
 */
async function* storedBatches(store: LedgerReader): AsyncGenerator<StoredBatch> {
  const { size } = await store.head();
  let batchesMax = BATCHES_PER_READ;
  for (let seq = 0; seq < size;) {
    let batches: readonly StoredBatch[];
    try {
      batches = await store.readBatches(seq, batchesMax);
    } catch (error) {
      if (!isAppError(error, "ledger-corrupt") || batchesMax === 1) throw error;
      batchesMax = 1;
      continue;
    }
    if (batches.length === 0) throw new AppError("ledger-corrupt", "the log ends before its head", { seq });
    for (const batch of batches) {
      yield batch;
      seq = Math.max(seq, batch.firstSeq + batch.count);
    }
  }
}
