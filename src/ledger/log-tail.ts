// The end of a log as a start reads it: each leaf held against its hash, and all of them against the head's signed root.

import { Buffer } from "node:buffer";
import { AppError } from "../core/errors.ts";
import type { FullTile, LedgerReader, LeafBatch } from "../wire/contracts/store.ts";
import type { Head } from "../wire/types/event.ts";
import { openCheckpoint } from "./checkpoint.ts";
import type { LogKeys } from "./key-statement.ts";
import { bufferOf } from "./drafts.ts";
import { equalBytes, HASH_BYTES, isHashOfLeafAt, type MerkleTree } from "./merkle.ts";
import { TileReader } from "./tiles.ts";

/** Throws `ledger-corrupt`, naming the event, unless every leaf from `fromSeq` on is the one its stored hash is of. */
export function checkLeafHashes(
  { firstSeq, count, leaves, leafHashes }: Pick<LeafBatch, "firstSeq" | "count" | "leaves" | "leafHashes">,
  fromSeq = firstSeq,
): void {
  // Once as bytes, each leaf between two line feeds: a text of its own for each is made and read twice.
  const bytes = Buffer.from(`\n${leaves}\n`);
  const hashes = bufferOf(leafHashes);
  let index = 0;
  for (let start = 1; start < bytes.length; index++) {
    const end = bytes.indexOf(LINE_FEED, start);
    const isChecked = index < count && firstSeq + index >= fromSeq;
    if (isChecked && !isHashOfLeafAt(bytes, [start, end], hashes, index * HASH_BYTES)) {
      throw corrupt(firstSeq + index, "a leaf and its stored hash differ");
    }
    start = end + 1;
  }
  if (index !== count || leafHashes.length !== count * HASH_BYTES) {
    throw corrupt(firstSeq, "a batch holds another number of leaves or hashes than it says");
  }
}

const LINE_FEED = 0x0a;

/**
 * Follows a log from one size to its head. The part before is taken as its tiles have it; since tiles and leaves lead to
 * one root, which the log key signed, no leaf that was added here can be another than the one that was appended.
 */
export class LogTail {
  readonly #tree: MerkleTree;

  private constructor(tree: MerkleTree) {
    this.#tree = tree;
  }

  /** Throws `ledger-corrupt` when tiles are missing. */
  static async begin(store: Pick<LedgerReader, "readTile" | "readLeaves">, size: number): Promise<LogTail> {
    return new LogTail(await (await TileReader.load(store, size)).tree());
  }

  /** Adds the events of a batch that are not in it yet. Throws `ledger-corrupt`, naming the event. */
  add(batch: LeafBatch): void {
    const from = this.#tree.size;
    if (batch.firstSeq > from) throw corrupt(from, "a batch is missing");
    checkLeafHashes(batch, from);
    const completed: FullTile[] = [];
    for (let at = (from - batch.firstSeq) * HASH_BYTES; at < batch.leafHashes.length; at += HASH_BYTES) {
      this.#tree.append(batch.leafHashes.subarray(at, at + HASH_BYTES), completed);
    }
  }

  /** Throws `ledger-corrupt` unless what was followed is the log that the head's checkpoint is of. */
  end({ size, checkpoint }: Head, keys: LogKeys): void {
    if (size === 0 && checkpoint === null && this.#tree.size === 0) return;
    const signed = openCheckpoint(checkpoint ?? "", keys);
    if (signed.size !== size || this.#tree.size !== size || !equalBytes(signed.root, this.#tree.root())) {
      throw corrupt(size, "the log is not the one under its last checkpoint");
    }
  }
}

function corrupt(seq: number, detail: string): AppError {
  return new AppError("ledger-corrupt", `${detail} (event ${seq})`, { seq });
}
