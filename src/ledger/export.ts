// The export of a log: one NDJSON text that holds all a third party needs to verify it. See docs/ledger-format.md.

import { Buffer } from "node:buffer";
import type { KeyObject } from "node:crypto";
import { assert } from "../core/assert.ts";
import { AppError } from "../core/errors.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import type { Json } from "../core/json.ts";
import type { StoredBatch } from "../wire/contracts/store.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { parseEnvelope, type Envelope } from "./dsse.ts";
import { parseLeaf } from "./leaf.ts";
import { cipherKey, openBox, unwrapKey, type Opening } from "./payload-box.ts";
import type { StoreSource } from "./store-source.ts";
import type { LogBatch, LogSource } from "./verify.ts";

const FORMAT = "holdpoint-ledger-export/1";
const LINE_BYTES_MAX = 64 * 1024 * 1024;
const BATCH_LEAVES_MAX = 1_000_000;
const BATCH_CHARS_MAX = 256 * 1024 * 1024;
const STATEMENTS_MAX = 1000;

/**
 * The export, line by line, each with its newline. With the key-encryption key every payload that is still there is in
 * it, opened; without it, none. Throws `ledger-corrupt` when a payload does not match its leaf.
 */
export async function* exportLog(source: StoreSource, keyEncryptionKey?: Uint8Array): AsyncGenerator<string> {
  const key = keyEncryptionKey === undefined ? undefined : cipherKey(keyEncryptionKey);
  yield line({ format: FORMAT, origin: source.origin });
  for (const statement of source.statements) yield line({ statement: statement as unknown as Json });
  let size = 0;
  for await (const batch of source.batches) {
    yield `${batch.leaves}\n`;
    if (key !== undefined) yield* openings(batch, source, key);
    yield line({ checkpoint: batch.checkpoint });
    size = batch.firstSeq + batch.count;
  }
  yield line({ end: { size } });
}

function line(value: Json): string {
  return `${canonicalJson(value)}\n`;
}

async function* openings(batch: StoredBatch, source: StoreSource, keyEncryptionKey: KeyObject): AsyncGenerator<string> {
  const { origin } = source;
  const lines = batch.leaves.split("\n");
  for (const { seq, keyId, box } of batch.payloads) {
    const wrapped = await source.readKey(keyId);
    if (wrapped === null) continue;
    const { payload } = parseLeaf(lines[seq - batch.firstSeq] ?? "");
    if (payload?.key !== keyId) throw corrupt("a payload stands under another key than its leaf says");
    const opening = openBox(box, { origin, seq }, payload, unwrapKey(wrapped, keyEncryptionKey));
    yield openingLine(opening);
  }
}

function openingLine({ seq, salt, payload }: Opening): string {
  const { body, retention } = payload;
  return line({ opening: { payload: { body, retention }, salt: encodeBase64(salt), seq } });
}

/**
 * An export as something to verify, read as it is verified. Throws `ledger-corrupt` for what is no export, here for its
 * head and from `batches` for the rest.
 */
export async function readExport(chunks: AsyncIterable<Uint8Array>): Promise<LogSource> {
  const lines = new LineReader(chunks);
  const header = parseLine((await lines.next()) ?? "") as { format?: unknown; origin?: unknown };
  if (header.format !== FORMAT || typeof header.origin !== "string") throw corrupt("its first line is not an export's");
  const statements: Envelope[] = [];
  while ((await lines.peek())?.startsWith('{"statement":') === true) {
    statements.push(parseEnvelope(parseLine((await lines.next()) ?? "")["statement"]));
    if (statements.length > STATEMENTS_MAX) throw corrupt("it has too many key statements");
  }
  return { origin: header.origin, statements, batches: { [Symbol.asyncIterator]: () => exportedBatches(lines) } };
}

/** A stream is read once: read again, it would pass for an empty log. */
async function* exportedBatches(lines: LineReader): AsyncGenerator<LogBatch> {
  assert(!lines.isTaken, "an export's batches are read once");
  lines.isTaken = true;
  let size = 0;
  for (;;) {
    const next = await lines.peek();
    if (next?.startsWith('{"actor":') !== true) break;
    const batch = await readBatch(lines, size);
    yield batch;
    size += batch.count;
  }
  const end = canonicalJson({ end: { size } });
  if ((await lines.next()) !== end) throw corrupt("it does not end where it says, or holds an unknown line");
  if ((await lines.next()) !== undefined) throw corrupt("something follows its end");
}

async function readBatch(lines: LineReader, firstSeq: number): Promise<LogBatch> {
  const leaves: string[] = [];
  const opened: Opening[] = [];
  let chars = 0;
  for (;;) {
    const text = await lines.next();
    if (text === undefined) throw corrupt("it ends inside a batch");
    chars += text.length;
    if (chars > BATCH_CHARS_MAX || leaves.length > BATCH_LEAVES_MAX) throw corrupt("a batch in it is too large");
    if (text.startsWith('{"actor":') && opened.length === 0) leaves.push(text);
    else if (text.startsWith('{"opening":')) opened.push(parseOpening(text));
    else {
      const { checkpoint } = parseLine(text);
      if (typeof checkpoint !== "string") throw corrupt("it holds an unknown line");
      return { firstSeq, count: leaves.length, leaves: leaves.join("\n"), openings: opened, checkpoint };
    }
  }
}

function parseOpening(text: string): Opening {
  const { opening } = parseLine(text) as { opening: Opening & { salt: unknown } };
  const salt = typeof opening?.salt === "string" ? decodeBase64(opening.salt) : undefined;
  if (salt === undefined || typeof opening.payload !== "object" || (opening.payload as unknown) === null) {
    throw corrupt("an opened payload in it is malformed");
  }
  const read = { seq: opening.seq, salt, payload: opening.payload };
  if (openingLine(read) !== `${text}\n`) throw corrupt("an opened payload in it is malformed");
  return read;
}

/** A line that holds one object in canonical form. */
function parseLine(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as Record<string, unknown> | null;
    if (value !== null && canonicalJson(value as Json) === text) return value;
  } catch {
    // refused below, like what is not canonical
  }
  throw corrupt("a line in it is not canonical JSON");
}

/** Lines of a byte stream in strict UTF-8, each of which must end in a newline. */
class LineReader {
  isTaken = false;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #rest: Uint8Array[] = [];
  #restBytes = 0;
  #lines: string[] = [];
  #at = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async peek(): Promise<string | undefined> {
    while (this.#at >= this.#lines.length) if (!(await this.#fill())) return undefined;
    return this.#lines[this.#at];
  }

  async next(): Promise<string | undefined> {
    const text = await this.peek();
    if (text !== undefined) this.#at += 1;
    return text;
  }

  async #fill(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done === true) {
      if (this.#restBytes > 0) throw corrupt("its last line is cut off");
      return false;
    }
    const { value } = next;
    const end = Buffer.from(value.buffer, value.byteOffset, value.byteLength).lastIndexOf(0x0a) + 1;
    this.#keep(value.subarray(0, end));
    if (end > 0) this.#split();
    this.#keep(value.subarray(end));
    return true;
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#rest.push(bytes);
    this.#restBytes += bytes.length;
    if (this.#restBytes > LINE_BYTES_MAX) throw corrupt("a line in it is too long");
  }

  #split(): void {
    let text: string;
    try {
      text = this.#decoder.decode(Buffer.concat(this.#rest));
    } catch {
      throw corrupt("it is not UTF-8");
    }
    this.#lines = text.slice(0, -1).split("\n");
    this.#at = 0;
    this.#rest = [];
    this.#restBytes = 0;
  }
}

function corrupt(why: string): AppError {
  return new AppError("ledger-corrupt", `not a valid export: ${why}`);
}
