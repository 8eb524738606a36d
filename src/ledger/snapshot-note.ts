// Signed notes of snapshots: a checkpoint-shaped note under its own origin, whose root is the SHA-256 of the bytes.

import { hash } from "node:crypto";
import { AppError } from "../core/errors.ts";
import type { Snapshot } from "../wire/contracts/store.ts";
import { openCheckpoint, signCheckpoint } from "./checkpoint.ts";
import type { Signer } from "./ed25519.ts";
import type { LogKeys } from "./key-statement.ts";
import { equalBytes } from "./merkle.ts";

/** No log has this origin: a snapshot's note never passes for a checkpoint, nor the other way round. */
function snapshotOrigin(origin: string): string {
  return `${origin}/snapshot`;
}

/** The note of a snapshot that folds the first `size` events, signed by the log key. */
export function signSnapshot(size: number, bytes: Uint8Array, signer: Signer): string {
  return signCheckpoint({ origin: snapshotOrigin(signer.name), size, root: digest(bytes), extension: [] }, signer);
}

/** Throws `ledger-corrupt` unless the snapshot's note is signed by the key of its size and is of these very bytes. */
export function verifySnapshot(snapshot: Snapshot, keys: LogKeys): void {
  const { size, root } = openCheckpoint(snapshot.note, keys, snapshotOrigin(keys.origin));
  const isSame = size === snapshot.size && equalBytes(root, digest(snapshot.bytes));
  if (!isSame) throw new AppError("ledger-corrupt", "a snapshot's note is not of its bytes", { size: snapshot.size });
}

function digest(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}
