// `verify`: a data folder, an export or a receipt, checked offline under a pinned root key.

import { createReadStream, openSync, readFileSync, readSync, closeSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Command, Option } from "commander";
import { openSqliteReader } from "../../adapters/stores/sqlite-reader.ts";
import { isAppError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import { readExport } from "../../ledger/export.ts";
import { verifyReceipt } from "../../ledger/receipt.ts";
import { storeSource } from "../../ledger/store-source.ts";
import { verifyLog, type LogSource, type VerifyResult } from "../../ledger/verify.ts";
import type { LedgerReader } from "../../wire/contracts/store.ts";
import { CliError, usageError, writeError } from "../cli-error.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { formatInstant } from "../instants.ts";
import {
  findPinnedRoot,
  ledgerPath,
  openLedgerReader,
  postgresUrlOf,
  readPayloadKey,
  readRootKey,
  readSmallFile,
} from "../ledger-files.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import { pairLines } from "../paragraphs.ts";
import { escapeLine } from "../safe-text.ts";
import type { Runner, Session } from "../session.ts";

const RECEIPT_BYTES_MAX = 64 * 1024 * 1024;
const EXPORT_START = '{"format":"holdpoint-ledger-export/';
const SQLITE_START = "SQLite format 3\0";

type VerifyFlags = {
  readonly root?: string;
  readonly since?: string;
  readonly receipt?: true;
  readonly everySignature?: true;
  readonly keep?: string;
  readonly postgres?: true;
  readonly output: OutputFormat;
};

export function addVerify(program: Command, runner: Runner): void {
  program
    .command("verify")
    .description("Check a data folder, an export or a receipt offline; exits 7 when anything is wrong")
    .argument("<path>", "a data folder, its ledger.db, an export, or a receipt")
    .option("--root <file-or-key>", "the root's public key (default: the one your configuration has for this log)")
    .option("--since <file>", "a checkpoint that you kept: finds truncation and forks")
    .option("--keep <file>", "write the log's last checkpoint here, for the next --since")
    .option("--every-signature", "check each checkpoint's signature, not only as many as vouch for all")
    .addOption(new Option("--receipt", "the path is a receipt").conflicts(["since", "keep"]))
    .option("--postgres", "the log is in PostgreSQL at HOLDPOINT_POSTGRES_URL, its keys in the data folder")
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.action(verify));
}

async function verify(session: Session, path: string, flags: VerifyFlags): Promise<ExitCode> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw usageError(`there is nothing at ${path}`);
  const postgresUrl = postgresUrlOf(flags.postgres, session.host.env.postgresUrl);
  try {
    if (stat.isDirectory()) {
      const open = (): Promise<LedgerReader> => openLedgerReader({ dataDir: path, postgresUrl });
      return await verifyStore(session, { open, dataDir: path, flags });
    }
    const start = readStart(path);
    if (start.startsWith(SQLITE_START)) {
      const open = async (): Promise<LedgerReader> => openSqliteReader(path);
      return await verifyStore(session, {
        open,
        dataDir: path === ledgerPath(dirname(path)) ? dirname(path) : null,
        flags,
      });
    }
    if (flags.receipt !== true && start.startsWith(EXPORT_START)) return await verifyExport(session, path, flags);
    if (stat.size > RECEIPT_BYTES_MAX) throw new CliError(`${path} is too large for a receipt and is no export`);
    return verifyOneReceipt(session, readFileSync(path, "utf8"), flags);
  } catch (error) {
    if (!isAppError(error, "ledger-corrupt")) throw error;
    session.output.print(`does not verify: ${escapeLine(error.message)}\n`);
    return EXIT.unverified;
  }
}

function readStart(path: string): string {
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(64);
    return bytes.toString("latin1", 0, readSync(file, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(file);
  }
}

type StorePlace = { open: () => Promise<LedgerReader>; dataDir: string | null; flags: VerifyFlags };

async function verifyStore(session: Session, { open, dataDir, flags }: StorePlace): Promise<ExitCode> {
  const store = await open();
  try {
    const keyEncryptionKey = dataDir === null ? null : readPayloadKey(dataDir);
    return await verifySource(session, { source: await storeSource(store), flags, keyEncryptionKey });
  } finally {
    await store.close();
  }
}

async function verifyExport(session: Session, path: string, flags: VerifyFlags): Promise<ExitCode> {
  const stream = createReadStream(path, { highWaterMark: 1024 * 1024 });
  try {
    return await verifySource(session, { source: await readExport(stream), flags, keyEncryptionKey: null });
  } finally {
    stream.destroy();
  }
}

type Sourced = {
  source: LogSource & { readonly origin?: string };
  flags: VerifyFlags;
  keyEncryptionKey: Uint8Array | null;
};

async function verifySource(session: Session, { source, flags, keyEncryptionKey }: Sourced): Promise<ExitCode> {
  const result = await verifyLog(source, {
    rootPublicKey: rootFor(session, source.origin ?? "", flags),
    since: flags.since === undefined ? undefined : readSmallFile(flags.since),
    keyEncryptionKey: keyEncryptionKey ?? undefined,
    everySignature: flags.everySignature,
  });
  printResult(session, result, flags);
  if (!result.ok) return EXIT.unverified;
  const { keep, since } = flags;
  const isKept = keep !== undefined && result.checkpoint !== null;
  if (isKept) keepCheckpoint(keep, result.checkpoint ?? "");
  if (since === undefined && flags.output === "table") session.output.note(hintOf(isKept ? keep : null));
  return EXIT.ok;
}

function hintOf(kept: string | null): string {
  const next =
    kept === null
      ? "keep a checkpoint (--keep FILE) and pass it next time (--since FILE)"
      : `pass --since ${kept} next time`;
  return `to find truncation and forks too: ${next}`;
}

function keepCheckpoint(path: string, checkpoint: string): void {
  try {
    writeFileSync(path, checkpoint);
  } catch (error) {
    throw writeError(path, error);
  }
}

/** The root key that is trusted for a log: as given, or as pinned; never one that lies beside the log. */
function rootFor({ settings }: Session, origin: string, { root }: VerifyFlags): string {
  if (root !== undefined) return readRootKey(root).text;
  // One root vouches for the ledger and for the model's log, whose name is the ledger's with this ending.
  const pinned = findPinnedRoot(settings.configDir, origin.replace(/\/model$/, ""));
  if (pinned !== null) return pinned.text;
  throw usageError(
    `no root key is known for ${escapeLine(origin)}: pass --root, or put its public key into ${join(settings.configDir, "roots")}`,
    "its owner has it; a root.pub beside the log proves nothing to anybody else than whoever put it there",
  );
}

function printResult({ output }: Session, result: VerifyResult, { output: format }: VerifyFlags): void {
  if (format !== "table") return output.printValue(result as unknown as Json, format);
  const { payloads, signatures, first, findings, findingsTotal } = result;
  output.print(
    pairLines([
      ["Log", result.origin === null ? "unknown" : escapeLine(result.origin)],
      ["Events", String(result.size)],
      ["Root hash", result.root],
      ["Payloads", payloadsText(payloads)],
      ["Signatures", signaturesText(signatures)],
      ["Result", result.statement],
      ["First wrong", first === null ? null : `${eventText(first.seq)}: ${first.code}: ${escapeLine(first.detail)}`],
    ]),
  );
  for (const { seq, code, detail } of findings) output.print(`  ${eventText(seq)}: ${code}: ${escapeLine(detail)}\n`);
  if (findingsTotal > findings.length) output.print(`  … and ${findingsTotal - findings.length} more\n`);
}

function payloadsText({ opened, sealed, erased, notIncluded }: VerifyResult["payloads"]): string {
  const counts = `${opened} opened, ${sealed} sealed, ${erased} erased`;
  return notIncluded === 0 ? counts : `${counts}, ${notIncluded} not included`;
}

function signaturesText({ verified, unread }: VerifyResult["signatures"]): string | null {
  if (verified + unread === 0) return null;
  const counts = `${verified} verified against what was proposed`;
  return unread === 0 ? counts : `${counts}, ${unread} whose content is not at hand`;
}

function eventText(seq: number | null): string {
  return seq === null ? "the log" : `event ${seq}`;
}

function verifyOneReceipt(session: Session, text: string, flags: VerifyFlags): ExitCode {
  // A saved receipt may end its one line as text files do.
  const receipt = text.endsWith("\n") ? text.slice(0, -1) : text;
  const { leaf, checkpoint, correlationId } = verifyReceipt(receipt, rootFor(session, originOf(receipt), flags));
  const { event } = leaf;
  if (flags.output !== "table") {
    const { origin, size } = checkpoint;
    session.output.printValue(
      { ok: true, event: event as unknown as Json, checkpoint: { origin, size }, correlationId },
      flags.output,
    );
    return EXIT.ok;
  }
  session.output.print(
    pairLines([
      [
        "Receipt",
        `of event ${event.seq} in ${escapeLine(checkpoint.origin)}, under the checkpoint of ${checkpoint.size} events`,
      ],
      [
        "Event",
        `${escapeLine(event.type)} of ${escapeLine(event.subject)} by ${escapeLine(event.actor)} at ${formatInstant(event.time)}`,
      ],
      ["Facts", new Fields(event.facts).pairs()],
      ["Correlation", correlationId === null ? "none" : escapeLine(correlationId)],
      ["Result", "verifies"],
    ]),
  );
  return EXIT.ok;
}

/** Which log a receipt says it is of, not verified: it chooses among the pinned roots, and then it must hold. */
function originOf(receipt: string): string {
  try {
    const payload = new Fields(JSON.parse(receipt)).exact("payload");
    const statement = new Fields(JSON.parse(Buffer.from(payload, "base64").toString("utf8")));
    return (statement.list("subject")[0]?.exact("name") ?? "").replace(/#[0-9]+$/, "");
  } catch {
    throw new CliError("it is neither a ledger, an export nor a receipt", { exitCode: EXIT.unverified });
  }
}
