// C2SP checkpoints: a signed note that says how long a log is and what its Merkle root is. https://c2sp.org/tlog-checkpoint

import { AppError } from "../core/errors.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { HASH_BYTES } from "./merkle.ts";
import { signNote } from "./note.ts";
import type { Signer } from "./ed25519.ts";

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
