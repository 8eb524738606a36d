// Receipts: proof that one event is in the log, checked with the root public key alone. DSSE around an in-toto Statement.

import { AppError } from "../core/errors.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import type { Json } from "../core/json.ts";
import type { LedgerReader } from "../wire/contracts/store.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { openCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { envelopePayload, openEnvelope, parseEnvelope, signEnvelope, type Envelope } from "./dsse.ts";
import { parseVerifier, type Signer } from "./ed25519.ts";
import { LogKeys } from "./key-statement.ts";
import { parseLeaf, type Leaf } from "./leaf.ts";
import { hashLeaf, verifyInclusion } from "./merkle.ts";
import { TileReader } from "./tiles.ts";

const PAYLOAD_TYPE = "application/vnd.in-toto+json";
const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE = "https://holdpoint.dev/attestation/receipt/v1";
const RECEIPT_CHARS_MAX = 64 * 1024 * 1024;

export interface ReceiptRequest {
  /** The event to prove, below the head's size. */
  readonly seq: number;
  readonly store: Pick<LedgerReader, "head" | "readLeaves" | "readTile">;
  readonly statements: readonly Envelope[];
  /** The log key that is valid at the head. */
  readonly signer: Signer;
  /** The id that other systems know the event's incident or action by; null when there is none. */
  readonly correlationId?: string | null;
}

/** What a receipt proves once it verifies. */
export interface ReceiptContent {
  readonly leaf: Leaf;
  readonly checkpoint: Checkpoint;
  /** Said by the log key's holder, not part of the event: the event of `leaf` leads to it. Null where none was given. */
  readonly correlationId: string | null;
}

interface Predicate {
  readonly checkpoint: string;
  readonly correlationId?: string;
  readonly keyStatements: readonly Envelope[];
  readonly leaf: string;
  readonly proof: readonly string[];
}

/** A receipt for one durable event under the newest checkpoint, as JSON text. Throws `event-not-found`. */
export async function createReceipt(request: ReceiptRequest): Promise<string> {
  const { seq, store, statements, signer, correlationId = null } = request;
  const { size, checkpoint } = await store.head();
  const [batch] = await store.readLeaves(seq, 1);
  const leaf = batch?.leaves.split("\n")[seq - batch.firstSeq];
  if (checkpoint === null || leaf === undefined) throw new AppError("event-not-found", "no such event", { seq });
  const { hashes } = await (await TileReader.load(store, size)).inclusion(seq);
  const text = statementText(signer.name, seq, {
    checkpoint,
    ...(correlationId === null ? {} : { correlationId }),
    keyStatements: statements,
    leaf,
    proof: hashes.map(encodeBase64),
  });
  return canonicalJson(signEnvelope(PAYLOAD_TYPE, text, signer) as unknown as Json);
}

function statementText(origin: string, seq: number, predicate: Predicate): string {
  const subject = [{ digest: { sha256: hashLeaf(predicate.leaf).toString("hex") }, name: `${origin}#${seq}` }];
  const statement = { _type: STATEMENT_TYPE, predicate, predicateType: PREDICATE_TYPE, subject };
  return canonicalJson(statement as unknown as Json);
}

/**
 * Verifies a receipt (JSON text in any layout) with nothing but the root's verifier key text: statements, checkpoint,
 * inclusion and envelope.
 * Throws `ledger-corrupt` for anything that does not hold.
 */
export function verifyReceipt(receipt: string, rootPublicKey: string): ReceiptContent {
  if (receipt.length > RECEIPT_CHARS_MAX) throw corrupt("it is too long");
  const envelope = parseEnvelope(parseJson(receipt));
  const text = envelopePayload(envelope, PAYLOAD_TYPE).toString();
  const predicate = parsePredicate(text);
  const keys = new LogKeys(predicate.keyStatements, parseVerifier(rootPublicKey));
  const leaf = parseLeaf(predicate.leaf);
  const checkpoint = checkInclusion(envelope, predicate, leaf.event.seq, keys);
  if (statementText(keys.origin, leaf.event.seq, predicate) !== text) throw corrupt("its statement has another form");
  return { leaf, checkpoint, correlationId: predicate.correlationId ?? null };
}

function checkInclusion(envelope: Envelope, predicate: Predicate, seq: number, keys: LogKeys): Checkpoint {
  const checkpoint = openCheckpoint(predicate.checkpoint, keys);
  const verifier = keys.at(checkpoint.size);
  if (verifier === undefined) throw corrupt("no key is valid for its checkpoint");
  openEnvelope(envelope, PAYLOAD_TYPE, verifier);
  const hashes = predicate.proof.map((text) => decodeBase64(text) ?? new Uint8Array(0));
  const isIncluded = verifyInclusion(
    { index: seq, size: checkpoint.size, hashes },
    hashLeaf(predicate.leaf),
    checkpoint.root,
  );
  if (!isIncluded) throw corrupt("its event is not under its checkpoint");
  return checkpoint;
}

function parsePredicate(text: string): Predicate {
  const statement = parseJson(text) as { predicate?: Partial<Predicate> } | null;
  const { checkpoint, correlationId, keyStatements, leaf, proof } = statement?.predicate ?? {};
  const isTyped =
    typeof checkpoint === "string" && typeof leaf === "string" && isTextList(proof) && Array.isArray(keyStatements);
  if (!isTyped || !["string", "undefined"].includes(typeof correlationId))
    throw corrupt("its predicate has another form");
  const correlated = correlationId === undefined ? {} : { correlationId };
  return { checkpoint, ...correlated, keyStatements: keyStatements.map(parseEnvelope), leaf, proof };
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= 64 && value.every((item) => typeof item === "string");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw corrupt("it is not JSON");
  }
}

function corrupt(why: string): AppError {
  return new AppError("ledger-corrupt", `not a valid receipt: ${why}`);
}
