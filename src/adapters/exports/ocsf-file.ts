// OCSF events as NDJSON files: appended, synced, then accepted; a full file is put aside under the sequence it ends with.

import { mkdir, open, readdir, rename, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { Delivery, ExportBatch, ExportTransport } from "../../wire/contracts/export.ts";
import type { OcsfFileConfig } from "../../wire/schemas/exports-config.ts";
import { failed } from "../../wire/contracts/deliveries.ts";
import { ocsfLines } from "./ocsf-lines.ts";
import { syncFolder } from "./position-file.ts";

const SEQ_WIDTH = 16;
const TAIL_BYTES = 65_536;
const LINE_FEED = 0x0a;

export interface OcsfFileParts {
  readonly name: string;
  readonly config: OcsfFileConfig;
  /** The folder, which is made when it is not there. */
  readonly dir: string;
  /** Of this program. */
  readonly version: string;
}

/** `<name>.ndjson` is written to, `<name>-<sequence>.ndjson` are full. */
export function createOcsfFileTransport(parts: OcsfFileParts): ExportTransport {
  return { recordsMax: 2_000, deliver: (batch) => deliver(parts, batch) };
}

async function deliver(parts: OcsfFileParts, batch: ExportBatch): Promise<Delivery> {
  const { text, memo } = ocsfLines(batch, { version: parts.version, exporter: parts.name });
  try {
    const size = await append(parts, text);
    if (size >= parts.config.fileBytesMax) await putAside(parts, batch.records.at(-1)?.ledger.seq ?? 0);
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    return { accepted: 0, rejected: 0, memo: batch.memo, failure: failed(`file-${code.toLowerCase()}`) };
  }
  return { accepted: batch.records.length, rejected: 0, memo, failure: null };
}

function currentPath({ dir, name }: OcsfFileParts): string {
  return join(dir, `${name}.ndjson`);
}

/** The size of the file after it. A line that a crash cut short is taken away first: it comes again whole. */
async function append(parts: OcsfFileParts, text: string): Promise<number> {
  await mkdir(parts.dir, { recursive: true, mode: 0o700 });
  const file = await open(currentPath(parts), "a+", 0o600);
  try {
    const end = await endOfLines(file);
    await file.truncate(end);
    const bytes = Buffer.from(text);
    await file.appendFile(bytes);
    await file.sync();
    if (end === 0) await syncFolder(parts.dir);
    return end + bytes.length;
  } finally {
    await file.close();
  }
}

/** Where the last whole line ends. */
async function endOfLines(file: FileHandle): Promise<number> {
  let end = (await file.stat()).size;
  while (end > 0) {
    const from = Math.max(0, end - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(end - from), 0, end - from, from);
    const found = buffer.subarray(0, bytesRead).lastIndexOf(LINE_FEED);
    if (found >= 0) return from + found + 1;
    end = from;
  }
  return 0;
}

async function putAside(parts: OcsfFileParts, lastSeq: number): Promise<void> {
  const { dir, name, config } = parts;
  await rename(currentPath(parts), join(dir, `${name}-${String(lastSeq).padStart(SEQ_WIDTH, "0")}.ndjson`));
  if (config.keepFiles !== undefined) {
    const full = (await readdir(dir)).filter((file) => isFull(file, name)).toSorted();
    for (const file of full.slice(0, -config.keepFiles)) await rm(join(dir, file), { force: true });
  }
  await syncFolder(dir);
}

/** Exactly the names that this exporter gives: nothing else in the folder is ours to delete. */
function isFull(file: string, name: string): boolean {
  const rest = file.startsWith(`${name}-`) ? file.slice(name.length + 1) : "";
  return /^\d{16}\.ndjson$/.test(rest);
}
