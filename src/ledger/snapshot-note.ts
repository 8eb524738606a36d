// Signed notes of snapshots: a checkpoint-shaped note under its own origin, whose root is the SHA-256 of the bytes, and
// which names the root of the log that was folded.

import { hash } from "node:crypto";
import { AppError } from "../core/errors.ts";
import type { LedgerReader, Snapshot } from "../wire/contracts/store.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { openCheckpoint, signCheckpoint } from "./checkpoint.ts";
import { verifierOf, type Signer } from "./ed25519.ts";
import type { LogKeys } from "./key-statement.ts";
import { equalBytes, HASH_BYTES } from "./merkle.ts";
import { TileReader } from "./tiles.ts";

type Folded = Omit<Snapshot, "note">;
type Tiles = Pick<LedgerReader, "readTile" | "readLeaves">;

const LOG_LINE = /^log (\S+)$/;

/** No log has this origin: a snapshot's note never passes for a checkpoint, nor the other way round. */
function snapshotOrigin(origin: string): string {
  return `${origin}/snapshot`;
}

/** The note of a snapshot that folds the first `size` events, which are those under `logRoot`. */
export function signSnapshot({ size, bytes }: Folded, logRoot: Uint8Array, signer: Signer): string {
  const extension = [`log ${encodeBase64(logRoot)}`];
  return signCheckpoint({ origin: snapshotOrigin(signer.name), size, root: digest(bytes), extension }, signer);
}

/**
 * A fold of the log in `store` with its note. Throws `ledger-corrupt` when `signer` is not the key of its size: after a
 * rotation there are sizes for which nobody signs any more.
 */
export async function sealSnapshot(
  folded: Folded,
  store: Tiles,
  { keys, signer }: { readonly keys: LogKeys; readonly signer: Signer },
): Promise<Snapshot> {
  if (keys.at(folded.size)?.text !== verifierOf(signer).text) {
    throw new AppError("ledger-corrupt", "the log key is not the one of this size", { size: folded.size });
  }
  return { ...folded, note: signSnapshot(folded, await rootAt(store, folded.size), signer) };
}

/**
 * The root of the log that the snapshot says it folds. Throws `ledger-corrupt` unless its note is signed by the key of
 * its size and is of these very bytes.
 */
export function verifySnapshot(snapshot: Snapshot, keys: LogKeys): Uint8Array {
  const { size, root, extension } = openCheckpoint(snapshot.note, keys, snapshotOrigin(keys.origin));
  const isSame = size === snapshot.size && equalBytes(root, digest(snapshot.bytes));
  if (!isSame) throw new AppError("ledger-corrupt", "a snapshot's note is not of its bytes", { size: snapshot.size });
  const logRoot = extension.length === 1 ? decodeBase64(LOG_LINE.exec(extension[0] ?? "")?.[1] ?? "") : undefined;
  if (logRoot?.length !== HASH_BYTES) throw new AppError("ledger-corrupt", "a snapshot's note names no log");
  return logRoot;
}

/**
 * Throws `ledger-corrupt` unless the snapshot verifies and is of the log in `store`, as its tiles have it: one that was
 * made before the log was cut short and went on otherwise is of another.
 */
export async function checkSnapshot(snapshot: Snapshot, store: Tiles, keys: LogKeys): Promise<void> {
  if (equalBytes(verifySnapshot(snapshot, keys), await rootAt(store, snapshot.size))) return;
  throw new AppError("ledger-corrupt", "a snapshot is of another log", { size: snapshot.size });
}

async function rootAt(store: Tiles, size: number): Promise<Uint8Array> {
  return (await TileReader.load(store, size)).root();
}

function digest(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}
