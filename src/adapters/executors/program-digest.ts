// Which program a path stands for: what is there has to be what was planned with.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";

const PROGRAM_BYTES_MAX = 268_435_456;

/** SHA-256 of a program that nobody but its owner may change; undefined for every other file. */
export async function digestOf(program: string): Promise<string | undefined> {
  const file = await stat(program).catch(() => null);
  const isGood = file?.isFile() === true && (file.mode & 0o022) === 0 && (file.mode & 0o111) !== 0;
  if (!isGood || file.size > PROGRAM_BYTES_MAX) return undefined;
  const digest = createHash("sha256");
  try {
    for await (const chunk of createReadStream(program) as AsyncIterable<Buffer>) digest.update(chunk);
  } catch {
    return undefined;
  }
  return digest.digest("hex");
}
