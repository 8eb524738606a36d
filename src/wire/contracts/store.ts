// What the ledger needs of a store: append at an expected sequence, read from, head, erase, snapshot.

import type { Head } from "../types/event.ts";

/** One commit: written whole or not at all. */
export interface SealedBatch {
  readonly firstSeq: number;
  readonly count: number;
  /** Leaf entries as canonical JSON in UTF-8, joined by line feeds (canonical JSON holds no raw one). */
  readonly leaves: Uint8Array;
  /** `count` leaf hashes of 32 bytes each, in order. */
  readonly leafHashes: Uint8Array;
  readonly payloads: readonly SealedPayload[];
  /** Payload keys that first appear in this batch. */
  readonly keys: readonly SealedKey[];
  /** Merkle tiles (256 hashes of 32 bytes) that this batch completes. */
  readonly tiles: readonly FullTile[];
  /** Signed note (C2SP tlog-checkpoint) for the size `firstSeq + count`. */
  readonly checkpoint: string;
}

export interface SealedPayload {
  readonly seq: number;
  /** The key's: it is of the same batch. */
  readonly keyId: string;
  /** Nonce, ciphertext and tag. */
  readonly box: Uint8Array;
}

export interface SealedKey {
  /** The sequence of the first event of its batch that it seals, in decimal. */
  readonly keyId: string;
  /** The payload key, wrapped by the installation's key-encryption key. */
  readonly wrapped: Uint8Array;
}

export interface FullTile {
  readonly level: number;
  readonly index: number;
  readonly hashes: Uint8Array;
}

/** What is read back of a batch, its payloads aside. */
export type LeafBatch = Pick<SealedBatch, "firstSeq" | "count" | "leafHashes" | "checkpoint"> & {
  /** As text. */
  readonly leaves: string;
};

/** What is read back: as appended, less what has been erased since. */
export type StoredBatch = LeafBatch & Pick<SealedBatch, "payloads">;

export interface StoredPayload {
  readonly box: Uint8Array;
  readonly keyId: string;
  /** Null once the key is destroyed. */
  readonly wrapped: Uint8Array | null;
}

export interface Snapshot {
  /** Number of events folded into it. */
  readonly size: number;
  readonly bytes: Uint8Array;
  /** Signed note over the size and the SHA-256 of `bytes`. */
  readonly note: string;
}

/** Reading a ledger store. A reader sees durable commits only. Every method may throw `store-unavailable`. */
export interface LedgerReader {
  head(): Promise<Head>;
  /**
   * At most `batchesMax` (1 to 4096) batches in order, from the one that holds `fromSeq`; fewer where they are large, and
   * none at the end of the log alone. Throws `ledger-corrupt` for what cannot be read.
   */
  readLeaves(fromSeq: number, batchesMax: number): Promise<readonly LeafBatch[]>;
  /** The same with the payloads, for who looks at them. */
  readBatches(fromSeq: number, batchesMax: number): Promise<readonly StoredBatch[]>;
  /** The sealed payload of one event: null when it had none or its bytes are gone. */
  readPayload(seq: number): Promise<StoredPayload | null>;
  /** The wrapped payload key, null when it is destroyed. Throws `ledger-corrupt` when its batch does not hold it. */
  readKey(keyId: string): Promise<Uint8Array | null>;
  /** A full tile, null when it is not complete yet. */
  readTile(level: number, index: number): Promise<Uint8Array | null>;
  /** The newest snapshot with `size` at most `sizeMax`; the store keeps the last two that were saved. */
  latestSnapshot(sizeMax: number): Promise<Snapshot | null>;
  readMeta(name: string): Promise<string | null>;
  close(): Promise<void>;
}

/**
 * A ledger store. Two failures of a write are definite, nothing was written: `store-conflict` (from `append`, when the
 * log does not end at `firstSeq`) and `store-unavailable` (disk full, read-only, unreachable, before the commit was
 * asked for). Any other error means that the outcome is unknown; stores throw `commit-unknown` for it, and again for
 * every later write, until `head` has been read: `head` then tells what the log really holds, and that stays so.
 */
export interface LedgerStore extends LedgerReader {
  append(batch: SealedBatch): Promise<void>;
  /** Destroys a payload key; durable when it returns. True when it was there. Its id is never used again. */
  eraseKey(keyId: string): Promise<boolean>;
  /**
   * Removes the bytes of destroyed keys and of every payload under them, from the file and its journal; returns how many
   * payloads. Throws `store-unavailable` while a reader keeps old bytes in the journal: call it again.
   */
  compact(): Promise<number>;
  saveSnapshot(snapshot: Snapshot): Promise<void>;
  /** Small named values beside the log (`origin`, `statements`, `format`); a write is durable when it returns. */
  writeMeta(name: string, value: string): Promise<void>;
  /**
   * Housekeeping off the hot path, where a store has any (SQLite moves its journal into the file). The owner calls it
   * when no append waits, and at the latest every few thousand appends.
   */
  maintain?(): Promise<void>;
}
