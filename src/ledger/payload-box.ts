// The sealed form of a payload: AES-256-GCM under a payload key, which is wrapped by the installation's own.

import { createCipheriv, createDecipheriv, createSecretKey, hash, type KeyObject } from "node:crypto";
import { Buffer } from "node:buffer";
import { AppError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { StoredPayload } from "../wire/contracts/store.ts";
import type { Payload } from "../wire/types/event.ts";
import { payloadText, type Leaf, type PayloadReference } from "./leaf.ts";

export const SALT_BYTES = 16;
export const KEY_BYTES = 32;
export const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = "aes-256-gcm";
const WRAP_CIPHER = "aes-256-ctr";
/** A nonce, then the number of the first cipher block: where in the key stream a wrapped key stands. */
const COUNTER_BYTES = 16;
const BLOCKS_PER_KEY = 2;
const WRAPPED_BYTES = COUNTER_BYTES + KEY_BYTES;

/** A key in the form in which the cipher takes it without preparing it again: a third of the time of raw bytes. */
export function cipherKey(bytes: Uint8Array): KeyObject {
  if (bytes.length !== KEY_BYTES) throw corrupt("a key is not 32 bytes");
  return createSecretKey(bytes);
}

/** A payload with the salt that its commitment was made with: all a third party needs to check it against the leaf. */
export interface Opening {
  readonly seq: number;
  /** 16 bytes. */
  readonly salt: Uint8Array;
  readonly payload: Payload;
}

/** Salt, then the canonical payload (`payloadText`): what is committed to and what is encrypted. */
function payloadPlaintext(salt: Uint8Array, text: string): Buffer {
  const bytes = Buffer.allocUnsafe(SALT_BYTES + Buffer.byteLength(text));
  bytes.set(salt, 0);
  bytes.write(text, SALT_BYTES);
  return bytes;
}

/** The commitment that stands in the leaf: lower-case hex. */
export function commitmentOf(plaintext: Uint8Array): string {
  return hash("sha256", plaintext);
}

/** What a box belongs to; moved anywhere else it does not open. */
function boxContext(origin: string, keyId: string, seq: number): Buffer {
  return Buffer.from(`holdpoint/payload/v1\n${origin}\n${keyId}\n${seq}`);
}

/** Nonce, ciphertext, tag. `nonce` is 12 fresh random bytes. */
export function sealBox(
  plaintext: Uint8Array,
  place: { origin: string; keyId: string; seq: number },
  key: KeyObject,
  nonce: Uint8Array,
): Buffer {
  return encrypt(plaintext, boxContext(place.origin, place.keyId, place.seq), key, nonce);
}

/**
 * Wraps payload keys of 32 bytes each, which stand one after the other in `keys`, in one pass of the cipher: AES-256-CTR
 * under the key-encryption key, from block 0 of a nonce that is never used again. A wrapped key is its 16-byte counter
 * block (nonce, number of its first block) and 32 bytes of ciphertext. That a key was changed or moved shows in the boxes,
 * which it does not open.
 */
export function wrapKeys(keys: Uint8Array, keyEncryptionKey: KeyObject, nonce: Uint8Array): Buffer[] {
  const counter = Buffer.alloc(COUNTER_BYTES);
  counter.set(nonce);
  const wrapped = createCipheriv(WRAP_CIPHER, keyEncryptionKey, counter).update(keys);
  const whole = Buffer.allocUnsafe((wrapped.length / KEY_BYTES) * WRAPPED_BYTES);
  const result: Buffer[] = [];
  for (let at = 0; at < wrapped.length; at += KEY_BYTES) {
    counter.writeUInt32BE((at / KEY_BYTES) * BLOCKS_PER_KEY, NONCE_BYTES);
    const start = result.length * WRAPPED_BYTES;
    whole.set(counter, start);
    wrapped.copy(whole, start + COUNTER_BYTES, at, at + KEY_BYTES);
    result.push(whole.subarray(start, start + WRAPPED_BYTES));
  }
  return result;
}

/** Throws `ledger-corrupt` for what is no wrapped key. One that was changed, or wrapped otherwise, gives another key. */
export function unwrapKey(wrapped: Uint8Array, keyEncryptionKey: KeyObject): KeyObject {
  if (wrapped.length !== WRAPPED_BYTES) throw corrupt("a wrapped key has another length");
  const cipher = createDecipheriv(WRAP_CIPHER, keyEncryptionKey, wrapped.subarray(0, COUNTER_BYTES));
  return cipherKey(cipher.update(wrapped.subarray(COUNTER_BYTES)));
}

/** Opens one box with its payload key and checks it against the leaf. Throws `ledger-corrupt`. */
export function openBox(
  box: Uint8Array,
  place: { origin: string; seq: number },
  reference: PayloadReference,
  key: KeyObject,
): Opening {
  const plaintext = decrypt(box, boxContext(place.origin, reference.key, place.seq), key);
  if (commitmentOf(plaintext) !== reference.commitment) throw corrupt("a payload does not match its commitment");
  return { seq: place.seq, ...parsePlaintext(plaintext, reference) };
}

function parsePlaintext(plaintext: Buffer, reference: PayloadReference): { salt: Uint8Array; payload: Payload } {
  const payload = parsePayload(plaintext.toString("utf8", SALT_BYTES));
  if (payload?.retention !== reference.retention) throw corrupt("a payload's retention class is not the leaf's");
  return { salt: plaintext.subarray(0, SALT_BYTES), payload };
}

function parsePayload(text: string): Payload | undefined {
  try {
    return (JSON.parse(text) as Payload | null) ?? undefined;
  } catch {
    return undefined; // sealed by something that is no sealer of this format
  }
}

/** Checks an opening that came without a box. Throws `ledger-corrupt`. */
export function checkOpening(opening: Opening, reference: PayloadReference): void {
  const isSame = commitmentOf(payloadPlaintext(opening.salt, payloadText(opening.payload))) === reference.commitment;
  if (!isSame || opening.salt.length !== SALT_BYTES) throw corrupt("a payload does not match its commitment");
  if (opening.payload.retention !== reference.retention) throw corrupt("a payload's retention class is not the leaf's");
}

/**
 * The body of a stored payload. Throws `event-not-found` when the event never had one, `payload-erased` when its key or
 * its bytes are gone, `ledger-corrupt` when it does not open or does not match the leaf.
 */
export function openPayload(
  leaf: Leaf,
  stored: StoredPayload | null,
  origin: string,
  keyEncryptionKey: Uint8Array,
): Json {
  const { seq } = leaf.event;
  if (leaf.payload === null) throw new AppError("event-not-found", "this event has no payload", { seq });
  if (stored === null || stored.wrapped === null) throw new AppError("payload-erased", "its key is destroyed", { seq });
  if (stored.keyId !== leaf.payload.key) throw corrupt("a payload stands under another key than its leaf says");
  const key = unwrapKey(stored.wrapped, cipherKey(keyEncryptionKey));
  return openBox(stored.box, { origin, seq }, leaf.payload, key).payload.body;
}

function encrypt(plaintext: Uint8Array, context: Uint8Array, key: KeyObject, nonce: Uint8Array): Buffer {
  const cipher = createCipheriv(CIPHER, key, nonce);
  cipher.setAAD(context);
  const box = Buffer.allocUnsafe(NONCE_BYTES + plaintext.length + TAG_BYTES);
  box.set(nonce, 0);
  box.set(cipher.update(plaintext), NONCE_BYTES);
  cipher.final(); // empty for a stream mode
  box.set(cipher.getAuthTag(), NONCE_BYTES + plaintext.length);
  return box;
}

function decrypt(box: Uint8Array, context: Uint8Array, key: KeyObject): Buffer {
  if (box.length < NONCE_BYTES + TAG_BYTES) throw corrupt("a box is too short");
  const end = box.length - TAG_BYTES;
  const decipher = createDecipheriv(CIPHER, key, box.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(context).setAuthTag(box.subarray(end));
  const plaintext = decipher.update(box.subarray(NONCE_BYTES, end));
  try {
    decipher.final();
  } catch {
    throw corrupt("a box does not open: it was changed, moved, or the key is another");
  }
  return plaintext;
}

function corrupt(why: string): AppError {
  return new AppError("ledger-corrupt", why);
}
