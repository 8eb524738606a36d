// `keys rotate`: a new log key, stated by the root key, while no server runs.

import { existsSync } from "node:fs";
import type { Command } from "commander";
import { createFile, renameDurably } from "../../adapters/identity/durable-files.ts";
import { logKeyPath, newSeedText, nextLogKeyPath, readSeed } from "../../adapters/identity/key-places.ts";
import { parseVerifier, signerFromSeed, verifierOf, type Verifier } from "../../ledger/ed25519.ts";
import {
  LogKeys,
  openKeyStatement,
  parseStatements,
  signKeyStatement,
  statementsText,
} from "../../ledger/key-statement.ts";
import type { Random } from "../../core/random.ts";
import type { LedgerStore } from "../../wire/contracts/store.ts";
import { CliError } from "../cli-error.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { openLedgerStore, postgresUrlOf, readRootSigner, type LedgerPlace } from "../ledger-files.ts";
import type { Runner, Session } from "../session.ts";

type RotateFlags = { readonly data?: string; readonly root: string; readonly postgres?: true };

export function addKeys(program: Command, runner: Runner): void {
  program
    .command("keys")
    .description("Keys of the ledger")
    .command("rotate")
    .description("Replace the log key, while no server runs; run it again if it was interrupted")
    .option("--data <dir>", "the data folder (default: HOLDPOINT_DATA)")
    .requiredOption("--root <file>", "the root's private key")
    .option("--postgres", "the log is in PostgreSQL at HOLDPOINT_POSTGRES_URL, its keys in the data folder")
    .action(runner.action(rotate));
}

/**
 * The new seed is durable beside the old one (`log.key.next`) before the statements name its key, and takes the old
 * one's place after them. Whatever is interrupted, one of the two files holds the key that the statements let sign next:
 * running it again, or the next start of the server, finishes what was begun and does nothing else.
 */
async function rotate(session: Session, flags: RotateFlags): Promise<ExitCode> {
  const { host, output } = session;
  const dataDir = flags.data ?? host.env.dataDir;
  const place = { dataDir, postgresUrl: postgresUrlOf(flags.postgres, host.env.postgresUrl) };
  const store = await openForRotation(place);
  try {
    const log = await readLog(store);
    const next = nextLogKeyPath(dataDir);
    const isBegun =
      existsSync(next) && verifierOf(signerFromSeed(log.origin, readSeed(next))).text === log.current.text;
    if (!isBegun) await stateNewKey(store, { log, dataDir, root: flags.root, random: host.random });
    renameDurably(next, logKeyPath(dataDir));
    const { text } = verifierOf(signerFromSeed(log.origin, readSeed(logKeyPath(dataDir))));
    output.print(`${text}\n`);
    output.note(`signs from size ${log.size + 1} on; the old key is destroyed`);
  } finally {
    await store.close();
  }
  return EXIT.ok;
}

async function openForRotation(place: LedgerPlace): Promise<LedgerStore> {
  try {
    return await openLedgerStore(place);
  } catch (error) {
    if (error instanceof CliError) throw error;
    const why = error instanceof Error ? error.message : "unknown";
    throw new CliError(`the ledger cannot be opened for writing: ${why}`, {
      hint: "stop the server first",
      cause: error,
    });
  }
}

type Log = {
  readonly origin: string;
  readonly size: number;
  readonly statements: string;
  readonly root: Verifier;
  /** The key that may sign the next checkpoint. */
  readonly current: Verifier;
};

async function readLog(store: LedgerStore): Promise<Log> {
  const [origin, root, statements] = await Promise.all(
    ["origin", "root", "statements"].map((name) => store.readMeta(name)),
  );
  if (origin == null || root == null || statements == null) throw new CliError("the store holds no log with keys");
  const verifier = parseVerifier(root);
  const { size } = await store.head();
  const current = new LogKeys(parseStatements(statements), verifier).at(size + 1);
  if (current === undefined) throw new CliError("no key statement is valid at the end of the log");
  return { origin, size, statements, root: verifier, current };
}

type NewKey = { readonly log: Log; readonly dataDir: string; readonly root: string; readonly random: Random };

async function stateNewKey(store: LedgerStore, { log, dataDir, root, random }: NewKey): Promise<void> {
  const rootSigner = readRootSigner(root, log.origin);
  if (verifierOf(rootSigner).text !== log.root.text) throw new CliError(`${root} is not this log's root key`);
  const old = verifierOf(signerFromSeed(log.origin, readSeed(logKeyPath(dataDir))));
  if (old.text !== log.current.text)
    throw new CliError("the log key in the data folder is not the one that the statements name");
  const next = nextLogKeyPath(dataDir);
  // A seed left behind before its statements were written is as good as a new one.
  createFile(next, () => newSeedText(random));
  const logKey = verifierOf(signerFromSeed(log.origin, readSeed(next))).text;
  const envelopes = parseStatements(log.statements);
  const oldFrom = envelopes
    .map((envelope) => openKeyStatement(envelope, log.root))
    .find((one) => one.logKey === old.text);
  if (oldFrom === undefined) throw new CliError("no statement names the log key");
  const sizeNext = log.size + 1;
  const added = [
    signKeyStatement({ logKey: old.text, fromSize: oldFrom.fromSize, revokedAtSize: sizeNext }, rootSigner),
    signKeyStatement({ logKey, fromSize: sizeNext, revokedAtSize: null }, rootSigner),
  ];
  const all = [...envelopes, ...added];
  // What the store would hold is read back as verifiers will, before it is written.
  if (new LogKeys(all, log.root).at(sizeNext)?.text !== logKey) throw new CliError("the new statements do not hold");
  await store.writeMeta("statements", statementsText(all));
}
