// C2SP checkpoints: a signed note that says how long a log is and what its Merkle root is. https://c2sp.org/tlog-checkpoint

import { hash } from "node:crypto";
import { AppError } from "../core/errors.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { HASH_BYTES } from "./merkle.ts";
import { parseNote, signNote, verifyNote } from "./note.ts";
import type { Signer } from "./ed25519.ts";
import type { LogKeys } from "./key-statement.ts";

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** Opaque further lines; none in what is published. */
  readonly extension: readonly string[];
}

const SIZE = /^(0|[1-9][0-9]{0,15})$/;

/** The text of the note that `signCheckpoint` signs. */
export function checkpointText(checkpoint: Checkpoint): string {
  const lines = [checkpoint.origin, String(checkpoint.size), encodeBase64(checkpoint.root), ...checkpoint.extension];
  return `${lines.join("\n")}\n`;
}

/** Throws `ledger-corrupt` unless `text` is the one form of a checkpoint: whole lines, plain decimal, strict base64. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = "", size = "", encodedRoot = "", ...rest] = text.split("\n");
  const extension = rest.slice(0, -1);
  const root = decodeBase64(encodedRoot);
  const complete = rest.at(-1) === "" && origin !== "" && extension.every((line) => line !== "");
  if (!complete || !SIZE.test(size) || !Number.isSafeInteger(Number(size)) || root?.length !== HASH_BYTES) {
    throw new AppError("ledger-corrupt", "not a valid checkpoint");
  }
  return { origin, size: Number(size), root, extension };
}

export function signCheckpoint(checkpoint: Checkpoint, signer: Signer): string {
  return signNote(checkpointText(checkpoint), [signer]);
}

/**
 * The checkpoint in a note: of `origin`, and signed by the key that the root key's statements name for its size. Throws
 * `ledger-corrupt`.
 */
export function openCheckpoint(note: string, keys: LogKeys, origin: string = keys.origin): Checkpoint {
  const verifier = keys.at(parseCheckpoint(parseNote(note).text).size);
  if (verifier === undefined) throw new AppError("ledger-corrupt", "no key is valid for a checkpoint of this size");
  const checkpoint = parseCheckpoint(verifyNote(note, [verifier]));
  if (checkpoint.origin !== origin) throw new AppError("ledger-corrupt", "a checkpoint is of another log");
  return checkpoint;
}

/** The extension line of a batch's checkpoint: the SHA-256 of the whole checkpoint note of the batch before. */
export function previousLine(note: string): string {
  return `previous ${hash("sha256", note, "base64")}`;
}
