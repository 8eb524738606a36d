// `export`: the ledger as one file that anybody can verify; made offline, beside a running server or without one.

import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import type { Command } from "commander";
import { exportLog } from "../../ledger/export.ts";
import { storeSource } from "../../ledger/store-source.ts";
import { CliError, usageError, writeError } from "../cli-error.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { openLedgerReader, postgresUrlOf, readPayloadKey } from "../ledger-files.ts";
import type { Runner, Session } from "../session.ts";

const WRITE_CHARS = 1024 * 1024;

type ExportFlags = {
  readonly data?: string;
  readonly out?: string;
  readonly payloads?: true;
  readonly postgres?: true;
};

export function addExport(program: Command, runner: Runner): void {
  program
    .command("export")
    .description("Write the whole ledger to one file that `verify` reads")
    .argument("[file]", "the same as --out")
    .option("--data <dir>", "the data folder (default: HOLDPOINT_DATA)")
    .option("--out <file>", "where to write it")
    .option("--payloads", "with every payload that is not erased, opened: prompts, reasons, arguments")
    .option("--postgres", "the log is in PostgreSQL at HOLDPOINT_POSTGRES_URL, its keys in the data folder")
    .action(runner.action(exportLedger));
}

async function exportLedger(session: Session, file: string | undefined, flags: ExportFlags): Promise<ExitCode> {
  const { host, output } = session;
  const out = flags.out ?? file;
  if (out === undefined) throw usageError("name the file: --out FILE");
  const dataDir = flags.data ?? host.env.dataDir;
  const key = flags.payloads ? readPayloadKey(dataDir) : null;
  if (flags.payloads && key === null) throw new CliError(`${dataDir} has no key that opens payloads`);
  const store = await openLedgerReader({ dataDir, postgresUrl: postgresUrlOf(flags.postgres, host.env.postgresUrl) });
  try {
    await writeWhole(out, exportLog(await storeSource(store), key ?? undefined), host.interrupted);
  } finally {
    await store.close();
  }
  output.note(`next: holdpoint verify ${out}`);
  return EXIT.ok;
}

/** All of it under its name, or nothing; readable by its owner alone, because it may hold payloads. */
async function writeWhole(path: string, lines: AsyncIterable<string>, stop: AbortSignal): Promise<void> {
  const draft = `${path}.${process.pid}.draft`;
  const file = createFile(path, draft);
  try {
    let pending = "";
    for await (const line of lines) {
      if (stop.aborted) throw new CliError("interrupted; nothing was written");
      pending += line;
      if (pending.length < WRITE_CHARS) continue;
      writeAll(file, pending);
      pending = "";
    }
    writeAll(file, pending);
    fsyncSync(file);
    renameSync(draft, path);
  } finally {
    closeSync(file);
    rmSync(draft, { force: true });
  }
}

function createFile(path: string, draft: string): number {
  try {
    rmSync(draft, { force: true });
    return openSync(draft, "wx", 0o600);
  } catch (error) {
    throw writeError(path, error);
  }
}

/** A write may take only a part of what it is given. */
function writeAll(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
}
