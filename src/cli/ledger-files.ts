// Ledgers and their keys as files: where they are in a data folder, which root keys are pinned, how seeds are read.

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { payloadKeyPath, readSeed, rootKeyPath } from "../adapters/identity/key-places.ts";
import { openSqliteReader } from "../adapters/stores/sqlite-reader.ts";
import { openSqlite } from "../adapters/stores/sqlite.ts";
import { parseVerifier, signerFromSeed, verifierOf, type Signer, type Verifier } from "../ledger/ed25519.ts";
import type { LedgerReader, LedgerStore } from "../wire/contracts/store.ts";
import { CliError, usageError } from "./cli-error.ts";

const SMALL_FILE_BYTES_MAX = 64 * 1024;

/** `postgresUrl`: the log itself is there, its keys still in the data folder. */
export type LedgerPlace = { readonly dataDir: string; readonly postgresUrl: string | null };

export function ledgerPath(dataDir: string): string {
  return join(dataDir, "ledger.db");
}

/** Reads beside a running server, or alone. */
export async function openLedgerReader({ dataDir, postgresUrl }: LedgerPlace): Promise<LedgerReader> {
  if (postgresUrl === null) return openSqliteReader(ledgerPath(dataDir));
  const { openPostgresReader } = await import("../adapters/stores/postgres.ts");
  return openPostgresReader({ connectionString: postgresUrl });
}

/** The right to write: throws `store-unavailable` while a server has it. */
export async function openLedgerStore({ dataDir, postgresUrl }: LedgerPlace): Promise<LedgerStore> {
  if (postgresUrl !== null) {
    const { openPostgres } = await import("../adapters/stores/postgres.ts");
    return openPostgres({ connectionString: postgresUrl, onLockLost: () => undefined });
  }
  if (!existsSync(ledgerPath(dataDir))) throw new CliError(`there is no ledger in ${dataDir}`);
  return openSqlite(ledgerPath(dataDir));
}

/** The URL for `--postgres`, which comes from the environment because it may hold a password. */
export function postgresUrlOf(isWanted: boolean | undefined, postgresUrl: string | null): string | null {
  if (isWanted !== true) return null;
  if (postgresUrl === null) throw usageError("--postgres reads its URL from HOLDPOINT_POSTGRES_URL, which is not set");
  return postgresUrl;
}

export function readSmallFile(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() !== true) throw new CliError(`there is no file ${path}`);
  if (stat.size > SMALL_FILE_BYTES_MAX) throw new CliError(`${path} is too large to be what is expected there`);
  return readFileSync(path, "utf8");
}

/** The key that opens payloads, null when the folder has none (a copy for verification). */
export function readPayloadKey(dataDir: string): Uint8Array | null {
  const path = payloadKeyPath(dataDir);
  return existsSync(path) ? readSeed(path) : null;
}

/** A root's public key as given: a file that holds its verifier key, or the verifier key itself. */
export function readRootKey(fileOrKey: string): Verifier {
  const text = existsSync(fileOrKey) ? readSmallFile(fileOrKey).trim() : fileOrKey.trim();
  try {
    return parseVerifier(text);
  } catch {
    throw usageError(`${JSON.stringify(fileOrKey)} is neither a root key nor a file that holds one`);
  }
}

/** A root's private key as a signer; the log's origin gives it its name. */
export function readRootSigner(path: string, origin: string): Signer {
  return signerFromSeed(`${origin}/root`, readSeed(path));
}

/**
 * The root that this person's own configuration knows for a log: `roots/<origin>.pub`, or the public half of
 * `roots/<origin>.key`. Null when there is none. A key that lies beside the log is never trusted for it: who can change
 * the log can change that one too.
 */
export function findPinnedRoot(configDir: string, origin: string): Verifier | null {
  const path = rootKeyPath(configDir, origin);
  const publicPath = path.replace(/\.key$/, ".pub");
  if (existsSync(publicPath)) return readRootKey(publicPath);
  return existsSync(path) ? verifierOf(readRootSigner(path, origin)) : null;
}
