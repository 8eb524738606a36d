// The installation's keys: made at the first start. The root key goes to the owner and is not kept beside the log.

import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { AppError } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import { parseVerifier, signerFromSeed, verifierOf, type Signer, type Verifier } from "../ledger/ed25519.ts";
import { LogKeys, parseStatements, signKeyStatement, statementsText } from "../ledger/key-statement.ts";
import type { LedgerStore } from "../wire/contracts/store.ts";

export type InstallationKeys = {
  readonly origin: string;
  readonly root: Verifier;
  readonly signer: Signer;
  readonly logKeys: LogKeys;
  /** As stored: the root's statements about log keys. */
  readonly statements: string;
  readonly keyEncryptionKey: Uint8Array;
};

export type KeyPlaces = { readonly dataDir: string; readonly ownerDir: string };

const SEED_BYTES = 32;

/** Makes what is missing: only an empty log may get new keys. Crash-safe: whatever exists is used again. */
export async function prepareKeys(
  store: LedgerStore,
  places: KeyPlaces,
  random: Random,
  origin: string | undefined,
): Promise<void> {
  if ((await store.readMeta("statements")) !== null) return;
  if ((await store.head()).size > 0) throw new AppError("ledger-corrupt", "the log has events but no key statements");
  const name = (await store.readMeta("origin")) ?? origin ?? `holdpoint.local/${hex(random.bytes(4))}`;
  await store.writeMeta("origin", name);
  const rootSeed = readOrMakeSeed(rootKeyPath(places.ownerDir, name), random);
  const root = signerFromSeed(`${name}/root`, rootSeed);
  const log = signerFromSeed(name, readOrMakeSeed(join(places.dataDir, "keys", "log.key"), random));
  readOrMakeSeed(join(places.dataDir, "keys", "payload.key"), random);
  const statement = signKeyStatement({ logKey: verifierOf(log).text, fromSize: 0, revokedAtSize: null }, root);
  await store.writeMeta("root", verifierOf(root).text);
  await store.writeMeta("statements", statementsText([statement]));
  writeNew(join(places.dataDir, "root.pub"), `${verifierOf(root).text}\n`, 0o644);
}

/** Where the first start puts the root's private key. */
function rootKeyPath(ownerDir: string, origin: string): string {
  return join(ownerDir, "roots", `${origin.replaceAll(/[^a-z0-9.-]/gi, "_")}.key`);
}

/** The keys as they are; throws `config-invalid` when a file is missing, `ledger-corrupt` when they do not fit. */
export async function loadKeys(store: Pick<LedgerStore, "readMeta">, dataDir: string): Promise<InstallationKeys> {
  const [origin, rootText, statements] = await Promise.all(
    ["origin", "root", "statements"].map((name) => store.readMeta(name)),
  );
  if (origin == null || rootText == null || statements == null) {
    throw new AppError("ledger-corrupt", "the store names no origin, root or key statements");
  }
  const root = parseVerifier(rootText);
  const logKeys = new LogKeys(parseStatements(statements), root);
  const signer = signerFromSeed(origin, readSeed(join(dataDir, "keys", "log.key")));
  const keyEncryptionKey = readSeed(join(dataDir, "keys", "payload.key"));
  return { origin, root, signer, logKeys, statements, keyEncryptionKey };
}

function readOrMakeSeed(path: string, random: Random): Uint8Array {
  if (!existsSync(path)) writeNew(path, Buffer.from(random.bytes(SEED_BYTES)).toString("base64") + "\n", 0o600);
  return readSeed(path);
}

function readSeed(path: string): Uint8Array {
  let text: string;
  try {
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

/** A key that is lost after a power cut is a log that cannot go on: synced before it is used. */
function writeNew(path: string, text: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (existsSync(path)) return;
  const file = openSync(path, "wx", mode);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
