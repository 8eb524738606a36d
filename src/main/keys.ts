// The installation's keys: made at the first start. The root key goes to the owner and is not kept beside the log.

import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { renameDurably } from "../adapters/identity/durable-files.ts";
import {
  logKeyPath,
  newSeedText,
  nextLogKeyPath,
  payloadKeyPath,
  readSeed,
  rootKeyPath,
} from "../adapters/identity/key-places.ts";
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
  const log = signerFromSeed(name, readOrMakeSeed(logKeyPath(places.dataDir), random));
  readOrMakeSeed(payloadKeyPath(places.dataDir), random);
  const statement = signKeyStatement({ logKey: verifierOf(log).text, fromSize: 0, revokedAtSize: null }, root);
  await store.writeMeta("root", verifierOf(root).text);
  await store.writeMeta("statements", statementsText([statement]));
  writeNew(join(places.dataDir, "root.pub"), `${verifierOf(root).text}\n`, 0o644);
}

/** The keys as they are, after a rotation that was cut off has been finished; throws `config-invalid` when a file is missing, `ledger-corrupt` when they do not fit. */
export async function loadKeys(store: Pick<LedgerStore, "readMeta">, dataDir: string): Promise<InstallationKeys> {
  const [origin, rootText, statements] = await Promise.all(
    ["origin", "root", "statements"].map((name) => store.readMeta(name)),
  );
  if (origin == null || rootText == null || statements == null) {
    throw new AppError("ledger-corrupt", "the store names no origin, root or key statements");
  }
  const root = parseVerifier(rootText);
  const logKeys = new LogKeys(parseStatements(statements), root);
  finishRotation(dataDir, origin, logKeys);
  const signer = signerFromSeed(origin, readSeed(logKeyPath(dataDir)));
  const keyEncryptionKey = readSeed(payloadKeyPath(dataDir));
  return { origin, root, signer, logKeys, statements, keyEncryptionKey };
}

/** The seed of a file, made and synced when there is none. */
export function readOrMakeSeed(path: string, random: Random): Uint8Array {
  if (!existsSync(path)) writeNew(path, newSeedText(random), 0o600);
  return readSeed(path);
}

/** The statements name the key of the next seed: all that is left to do is to put it in its place. */
function finishRotation(dataDir: string, origin: string, logKeys: LogKeys): void {
  const next = nextLogKeyPath(dataDir);
  if (!existsSync(next)) return;
  const stated = logKeys.at(Number.MAX_SAFE_INTEGER)?.text;
  if (verifierOf(signerFromSeed(origin, readSeed(next))).text === stated) renameDurably(next, logKeyPath(dataDir));
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
