// Receipts checked in the page, with the root's public key alone: key statements, checkpoint, inclusion and envelope.
// The server's own check is src/ledger/receipt.ts; a test holds the two to the same answers.

import {
  base64FromBytes,
  bytesFromBase64,
  equalBytes,
  hexFromBytes,
  joinBytes,
  sha256,
  textFromUtf8,
  utf8,
} from "./bytes.ts";
import { canonicalJson, parseCanonical } from "./canonical-json.ts";
import { NotProven } from "./not-proven.ts";
import { openNote, parseVerifierKey, type VerifierKey } from "./verifier-key.ts";

export type Receipt = {
  readonly origin: string;
  /** The event as the log holds it. */
  readonly event: { readonly seq: number; readonly time: number; readonly type: string; readonly subject: string };
  /** Its line in the log. */
  readonly leaf: string;
  readonly leafHash: string;
  /** How many events the signed checkpoint covers, and the root over them, in base64. */
  readonly size: number;
  readonly root: string;
  readonly logKey: string;
  /** How many hashes lead from the event to the root. */
  readonly pathLength: number;
};

type Envelope = {
  readonly payload: string;
  readonly payloadType: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
};

const RECEIPT_TYPE = "application/vnd.in-toto+json";
const KEY_TYPE = "application/vnd.holdpoint.key-statement+json";
const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE = "https://holdpoint.dev/attestation/receipt/v1";
const STATEMENTS_MAX = 1_000;
const PATH_MAX = 64;

/** Throws `NotProven` for anything that does not hold. */
export async function verifyReceipt(receipt: unknown, rootKey: string): Promise<Receipt> {
  const root = await parseVerifierKey(rootKey);
  const envelope = asEnvelope(receipt);
  const { statement, predicate } = readStatement(envelope);
  const leaf = asText(predicate["leaf"]);
  const event = asEvent(parseCanonical(leaf));
  const size = sizeOf(asText(predicate["checkpoint"]));
  const logKey = await logKeyAt(predicate["keyStatements"], root, size);
  const checkpoint = readCheckpoint(await openNote(asText(predicate["checkpoint"]), logKey));
  if (checkpoint.origin !== logKey.name) throw new NotProven("the checkpoint is of another log");
  await openEnvelope(envelope, RECEIPT_TYPE, logKey);
  const leafHash = await sha256(joinBytes(Uint8Array.of(0), utf8(leaf)));
  const path = asPath(predicate["proof"]);
  await checkInclusion({ index: event.seq, size: checkpoint.size, path }, leafHash, checkpoint.root);
  const subject = [{ digest: { sha256: hexFromBytes(leafHash) }, name: `${logKey.name}#${event.seq}` }];
  if (canonicalJson(statement["subject"]) !== canonicalJson(subject)) throw new NotProven("it is about another event");
  return {
    origin: logKey.name,
    event,
    leaf,
    leafHash: hexFromBytes(leafHash),
    size: checkpoint.size,
    root: base64FromBytes(checkpoint.root),
    logKey: logKey.text,
    pathLength: path.length,
  };
}

function readStatement(envelope: Envelope): { statement: Record<string, unknown>; predicate: Record<string, unknown> } {
  const bytes = bytesFromBase64(envelope.payload);
  const text = bytes === undefined ? undefined : textFromUtf8(bytes);
  const statement = text === undefined ? undefined : parseCanonical(text);
  if (!isRecord(statement) || !isRecord(statement["predicate"])) throw new NotProven("its statement has another form");
  if (statement["_type"] !== STATEMENT_TYPE || statement["predicateType"] !== PREDICATE_TYPE) {
    throw new NotProven("it is a statement of another type");
  }
  return { statement, predicate: statement["predicate"] };
}

type Stated = { readonly logKey: string; readonly fromSize: number; readonly revokedAtSize: number | null };

/** The log key that the root's statements name for checkpoints of `size`. */
async function logKeyAt(statements: unknown, root: VerifierKey, size: number): Promise<VerifierKey> {
  if (!Array.isArray(statements) || statements.length === 0 || statements.length > STATEMENTS_MAX) {
    throw new NotProven("it names no log key");
  }
  const keys = new Map<string, { fromSize: number; untilSize: number }>();
  for (const item of statements) {
    const { logKey, fromSize, revokedAtSize } = await openKeyStatement(asEnvelope(item), root);
    const untilSize = Math.min(revokedAtSize ?? Infinity, keys.get(logKey)?.untilSize ?? Infinity);
    if ((keys.get(logKey)?.fromSize ?? fromSize) !== fromSize) throw new NotProven("one log key begins at two sizes");
    keys.set(logKey, { fromSize, untilSize });
  }
  const valid = [...keys].filter(([, { fromSize, untilSize }]) => fromSize <= size && size < untilSize);
  const [only] = valid;
  if (only === undefined || valid.length > 1) throw new NotProven("no single log key is valid for its checkpoint");
  return parseVerifierKey(only[0]);
}

async function openKeyStatement(envelope: Envelope, root: VerifierKey): Promise<Stated> {
  const statement = parseCanonical(await openEnvelope(envelope, KEY_TYPE, root));
  if (!isRecord(statement)) throw new NotProven("a key statement has another form");
  const { logKey, fromSize, revokedAtSize } = statement;
  if (typeof logKey !== "string" || !isCount(fromSize) || !(revokedAtSize === null || isCount(revokedAtSize))) {
    throw new NotProven("a key statement has another form");
  }
  return { logKey, fromSize, revokedAtSize };
}

/** The payload of an envelope with exactly one signature, by `key` (DSSE v1). */
async function openEnvelope(envelope: Envelope, type: string, key: VerifierKey): Promise<string> {
  const payload = bytesFromBase64(envelope.payload);
  const [signature, ...others] = envelope.signatures;
  const bytes = bytesFromBase64(signature?.sig ?? "");
  if (payload === undefined || bytes === undefined || envelope.payloadType !== type || others.length > 0) {
    throw new NotProven("an envelope has another form");
  }
  const head = utf8(`DSSEv1 ${utf8(type).length} ${type} ${payload.length} `);
  const isSigned = signature?.keyid === key.text && (await key.verify(joinBytes(head, payload), bytes));
  if (!isSigned) {
    throw new NotProven(
      type === KEY_TYPE ? "a key statement is not signed by this root key" : "the envelope's signature is wrong",
    );
  }
  return textFromUtf8(payload) ?? "";
}

type Checkpoint = { readonly origin: string; readonly size: number; readonly root: Uint8Array };

/** The size that an unverified checkpoint claims: its key depends on it. */
function sizeOf(note: string): number {
  return readCheckpoint(note.slice(0, note.lastIndexOf("\n\n") + 1)).size;
}

function readCheckpoint(text: string): Checkpoint {
  const [origin = "", size = "", encoded = ""] = text.split("\n");
  const root = bytesFromBase64(encoded);
  const isWhole = text.endsWith("\n") && origin !== "" && /^(0|[1-9][0-9]{0,15})$/.test(size) && root?.length === 32;
  if (!isWhole || root === undefined || !Number.isSafeInteger(Number(size))) {
    throw new NotProven("the checkpoint has another form");
  }
  return { origin, size: Number(size), root };
}

type Inclusion = { readonly index: number; readonly size: number; readonly path: readonly Uint8Array[] };

/** RFC 9162 section 2.1.3.2. */
async function checkInclusion({ index, size, path }: Inclusion, leafHash: Uint8Array, root: Uint8Array): Promise<void> {
  if (index >= size) throw new NotProven("its checkpoint is older than its event");
  let [at, last, node] = [index, size - 1, leafHash];
  for (const sibling of path) {
    if (last === 0) throw new NotProven("the path to the checkpoint is too long");
    const isRight = at % 2 === 1 || at === last;
    node = await sha256(
      isRight ? joinBytes(Uint8Array.of(1), sibling, node) : joinBytes(Uint8Array.of(1), node, sibling),
    );
    if (isRight) while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  if (last !== 0 || !equalBytes(node, root)) throw new NotProven("the event is not under the signed checkpoint");
}

function asEnvelope(value: unknown): Envelope {
  const isEnvelope =
    isRecord(value) &&
    typeof value["payload"] === "string" &&
    typeof value["payloadType"] === "string" &&
    Array.isArray(value["signatures"]) &&
    value["signatures"].every(
      (one) => isRecord(one) && typeof one["keyid"] === "string" && typeof one["sig"] === "string",
    );
  if (!isEnvelope) throw new NotProven("it is not a signed envelope");
  return value as unknown as Envelope;
}

function asEvent(value: unknown): Receipt["event"] {
  if (!isRecord(value) || !isCount(value["seq"]) || !isCount(value["time"]))
    throw new NotProven("its event has another form");
  return { seq: value["seq"], time: value["time"], type: asText(value["type"]), subject: asText(value["subject"]) };
}

function asPath(value: unknown): readonly Uint8Array[] {
  const hashes = Array.isArray(value)
    ? value.map((item) => (typeof item === "string" ? bytesFromBase64(item) : undefined))
    : [];
  const isPath = Array.isArray(value) && hashes.length <= PATH_MAX && hashes.every((one) => one?.length === 32);
  if (!isPath) throw new NotProven("its path has another form");
  return hashes as readonly Uint8Array[];
}

function asText(value: unknown): string {
  if (typeof value !== "string" || value === "") throw new NotProven("a part of it is missing");
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
