// The key of the model's log: made when the root key is at hand, vouched for by the same root as the ledger's.

import { existsSync } from "node:fs";
import { modelKeyPath, payloadKeyPath, readSeed, rootKeyPath } from "../adapters/identity/key-places.ts";
import { AppError } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import { parseVerifier, signerFromSeed, verifierOf } from "../ledger/ed25519.ts";
import { LogKeys, parseStatements, signKeyStatement, statementsText } from "../ledger/key-statement.ts";
import type { LedgerStore } from "../wire/contracts/store.ts";
import { readOrMakeSeed, type InstallationKeys, type KeyPlaces } from "./keys.ts";

/** Where the ledger's store keeps the root's statements about the model's log. */
const STATEMENTS = "model-statements";

/** Makes the key once. Without the root key there is none, and the model stays off: decisions do not need it. */
export async function prepareModelKey(store: LedgerStore, places: KeyPlaces, random: Random): Promise<void> {
  if ((await store.readMeta(STATEMENTS)) !== null) return;
  const [name, rootText] = [await store.readMeta("origin"), await store.readMeta("root")];
  if (name === null || rootText === null) return;
  const path = rootKeyPath(places.ownerDir, name);
  if (!existsSync(path)) return;
  const root = signerFromSeed(`${name}/root`, readSeed(path));
  if (verifierOf(root).text !== rootText) return;
  const log = signerFromSeed(`${name}/model`, readOrMakeSeed(modelKeyPath(places.dataDir), random));
  const statement = signKeyStatement({ logKey: verifierOf(log).text, fromSize: 0, revokedAtSize: null }, root);
  await store.writeMeta(STATEMENTS, statementsText([statement]));
}

/** Throws `model-unavailable` where none was ever made, and what does not fit as `ledger-corrupt` or `config-invalid`. */
export async function loadModelKeys(ledger: Pick<LedgerStore, "readMeta">, dataDir: string): Promise<InstallationKeys> {
  const [rootText, statements] = [await ledger.readMeta("root"), await ledger.readMeta(STATEMENTS)];
  if (rootText === null || statements === null) {
    const help = "start once with the root key in the owner's folder";
    throw new AppError("model-unavailable", `the model's log has no key: ${help}`);
  }
  const root = parseVerifier(rootText);
  const logKeys = new LogKeys(parseStatements(statements), root);
  const { origin } = logKeys;
  const signer = signerFromSeed(origin, readSeed(modelKeyPath(dataDir)));
  return { origin, root, signer, logKeys, statements, keyEncryptionKey: readSeed(payloadKeyPath(dataDir)) };
}
