// Where keys lie: private keys of people and of the root in their owner's folder, the log's own in the data folder.

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../core/errors.ts";
import type { Random } from "../../core/random.ts";

const SEED_BYTES = 32;
const SEED_FILE_BYTES_MAX = 1024;

/** Where a client's private key goes: in its owner's folder, never beside the log. */
export function clientKeyPath(ownerDir: string, id: string): string {
  return join(ownerDir, "clients", `${id.replaceAll(":", "_")}.jwk`);
}

/** Where the first start puts the root's private key. */
export function rootKeyPath(ownerDir: string, origin: string): string {
  return join(ownerDir, "roots", `${origin.replaceAll(/[^a-z0-9.-]/gi, "_")}.key`);
}

export function logKeyPath(dataDir: string): string {
  return join(dataDir, "keys", "log.key");
}

/** The seed of a rotation that is under way: it takes the log key's place once the statements name its key. */
export function nextLogKeyPath(dataDir: string): string {
  return `${logKeyPath(dataDir)}.next`;
}

export function modelKeyPath(dataDir: string): string {
  return join(dataDir, "keys", "model.key");
}

export function payloadKeyPath(dataDir: string): string {
  return join(dataDir, "keys", "payload.key");
}

/** A new seed as its file holds it. */
export function newSeedText(random: Random): string {
  return `${Buffer.from(random.bytes(SEED_BYTES)).toString("base64")}\n`;
}

/** A seed of 32 bytes in base64, as `newSeedText` writes it. Throws `config-invalid`. */
export function readSeed(path: string): Uint8Array {
  let text: string;
  try {
    if (statSync(path).size > SEED_FILE_BYTES_MAX) throw new Error("too large");
    text = readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new AppError("config-invalid", `cannot read the key ${path}`, {}, error);
  }
  const seed = Buffer.from(text, "base64");
  if (seed.length !== SEED_BYTES || seed.toString("base64") !== text) {
    throw new AppError("config-invalid", `${path} is not a key of 32 bytes in base64`);
  }
  return seed;
}
