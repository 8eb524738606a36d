// How the payloads of one batch lie in its row, and its payload keys in theirs: one frame each, so that a single one can be
// erased in place.
//
// A frame is: offset from the batch's first sequence (u32), offset of its key (u32; a key's own is its offset), state (u8:
// 0 sealed, 1 erased), length of the bytes (u32), bytes: a payload's box or a wrapped key. Numbers are big-endian. An erased
// frame keeps its place; its bytes are zeros.

import { AppError } from "../../core/errors.ts";
import type { SealedBatch, SealedPayload } from "../../wire/contracts/store.ts";

const HEADER_BYTES = 13;
const SEALED = 0;
const ERASED = 1;

interface Frame {
  readonly start: number;
  readonly end: number;
  readonly offset: number;
  readonly keyOffset: number;
  readonly erased: boolean;
}

/** The frames of a batch's payloads, or null when it has none. */
export function encodePayloads({ firstSeq, payloads }: SealedBatch): Buffer | null {
  return encode(payloads.map(({ seq, keyId, box }) => [seq - firstSeq, Number(keyId) - firstSeq, box]));
}

/** The frames of a batch's keys, or null when it brings none. */
export function encodeKeys({ firstSeq, keys }: SealedBatch): Buffer | null {
  return encode(keys.map(({ keyId, wrapped }) => [Number(keyId) - firstSeq, Number(keyId) - firstSeq, wrapped]));
}

function encode(items: readonly (readonly [offset: number, keyOffset: number, bytes: Uint8Array])[]): Buffer | null {
  if (items.length === 0) return null;
  let total = 0;
  for (const [, , content] of items) total += HEADER_BYTES + content.length;
  const bytes = Buffer.allocUnsafe(total);
  let at = 0;
  for (const [offset, keyOffset, content] of items) {
    bytes.writeUInt32BE(offset, at);
    bytes.writeUInt32BE(keyOffset, at + 4);
    bytes[at + 8] = SEALED;
    bytes.writeUInt32BE(content.length, at + 9);
    bytes.set(content, at + HEADER_BYTES);
    at += HEADER_BYTES + content.length;
  }
  return bytes;
}

/** The payloads that are still there. Throws `ledger-corrupt` when the bytes are not frames. */
export function decodePayloads(firstSeq: number, stored: Uint8Array | null): SealedPayload[] {
  const payloads: SealedPayload[] = [];
  if (stored === null) return payloads;
  const bytes = asBuffer(stored);
  for (const frame of framesOf(bytes)) if (!frame.erased) payloads.push(payloadOf(firstSeq, frame, bytes));
  return payloads;
}

/** The payload of one event, null when it has none or it is erased. Throws `ledger-corrupt` as decodePayloads does. */
export function findPayload(firstSeq: number, stored: Uint8Array | null, seq: number): SealedPayload | null {
  const bytes = asBuffer(stored ?? new Uint8Array(0));
  const frame = findFrame(bytes, seq - firstSeq);
  return frame === null || frame.erased ? null : payloadOf(firstSeq, frame, bytes);
}

/** A wrapped key, null when it is destroyed. Throws `ledger-corrupt` when it is not there: destroyed ones leave a trace. */
export function findKey(firstSeq: number, stored: Uint8Array | null, keySeq: number): Uint8Array | null {
  const bytes = asBuffer(stored ?? new Uint8Array(0));
  const frame = findFrame(bytes, keySeq - firstSeq);
  if (frame === null) throw new AppError("ledger-corrupt", "a batch does not hold its payload key", { key: keySeq });
  if (frame.keyOffset !== frame.offset) throw malformed();
  return frame.erased ? null : contentOf(frame, bytes);
}

/** Zeroes in place the bytes of every frame whose key `isDead`; their length stays. */
export function eraseFrames(
  firstSeq: number,
  stored: Uint8Array,
  isDead: (keySeq: number) => boolean,
): { frames: number; bytes: number } {
  const bytes = asBuffer(stored);
  const erased = { frames: 0, bytes: 0 };
  for (const frame of framesOf(bytes)) {
    if (frame.erased || !isDead(firstSeq + frame.keyOffset)) continue;
    bytes[frame.start + 8] = ERASED;
    bytes.fill(0, frame.start + HEADER_BYTES, frame.end);
    erased.frames += 1;
    erased.bytes += frame.end - frame.start - HEADER_BYTES;
  }
  return erased;
}

/** The same frames without the erased ones, null when none is left. */
export function dropErased(stored: Uint8Array): Buffer | null {
  const bytes = asBuffer(stored);
  const kept: Buffer[] = [];
  for (const frame of framesOf(bytes)) {
    if (!frame.erased) kept.push(bytes.subarray(frame.start, frame.end));
  }
  return kept.length === 0 ? null : Buffer.concat(kept);
}

/** Looks at offsets and lengths alone until it is there: a key is looked up for every payload that is verified. */
function findFrame(bytes: Buffer, offset: number): Frame | null {
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    if (bytes.readUInt32BE(at) === offset) return frameAt(bytes, at);
    at += HEADER_BYTES + bytes.readUInt32BE(at + 9);
  }
  if (at !== bytes.length) throw malformed();
  return null;
}

function payloadOf(firstSeq: number, frame: Frame, bytes: Buffer): SealedPayload {
  const box = contentOf(frame, bytes);
  return { seq: firstSeq + frame.offset, keyId: String(firstSeq + frame.keyOffset), box };
}

function contentOf({ start, end }: Frame, bytes: Buffer): Buffer {
  return bytes.subarray(start + HEADER_BYTES, end);
}

function* framesOf(bytes: Buffer): Generator<Frame> {
  for (let at = 0; at < bytes.length;) {
    const frame = frameAt(bytes, at);
    yield frame;
    at = frame.end;
  }
}

function frameAt(bytes: Buffer, at: number): Frame {
  if (at + HEADER_BYTES > bytes.length) throw malformed();
  const state = bytes[at + 8];
  const end = at + HEADER_BYTES + bytes.readUInt32BE(at + 9);
  if (end > bytes.length || (state !== SEALED && state !== ERASED)) throw malformed();
  const erased = state === ERASED;
  if (erased && bytes.subarray(at + HEADER_BYTES, end).some((byte) => byte !== 0)) throw malformed();
  return { start: at, end, offset: bytes.readUInt32BE(at), keyOffset: bytes.readUInt32BE(at + 4), erased };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function malformed(): AppError {
  return new AppError("ledger-corrupt", "the stored payloads or keys of a batch are not well formed");
}
