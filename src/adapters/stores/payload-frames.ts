// How the payloads of one batch lie in its row: one frame each, so that a single one can be erased.
//
// A frame is: offset from the batch's first sequence (u32), state (u8: 0 sealed, 1 erased), length of the key id (u16),
// length of the box (u32), key id in UTF-8, box. Numbers are big-endian. An erased frame keeps its place; its box is zeros.

import { assert } from "../../core/assert.ts";
import { AppError } from "../../core/errors.ts";
import type { SealedPayload } from "../../wire/contracts/store.ts";

const HEADER_BYTES = 11;
const KEY_ID_BYTES_MAX = 0xffff;
const SEALED = 0;
const ERASED = 1;

interface Frame {
  readonly start: number;
  readonly end: number;
  readonly offset: number;
  readonly erased: boolean;
  readonly keyId: string;
  readonly boxStart: number;
}

/** The frames of a batch, or null when it has no payload. */
export function encodeFrames(firstSeq: number, payloads: readonly SealedPayload[]): Buffer | null {
  if (payloads.length === 0) return null;
  let total = 0;
  for (const payload of payloads) total += HEADER_BYTES + Buffer.byteLength(payload.keyId) + payload.box.length;
  const bytes = Buffer.allocUnsafe(total);
  let at = 0;
  for (const payload of payloads) {
    const keyIdBytes = bytes.write(payload.keyId, at + HEADER_BYTES);
    assert(keyIdBytes > 0 && keyIdBytes <= KEY_ID_BYTES_MAX, "a key id fits its frame");
    bytes.writeUInt32BE(payload.seq - firstSeq, at);
    bytes[at + 4] = SEALED;
    bytes.writeUInt16BE(keyIdBytes, at + 5);
    bytes.writeUInt32BE(payload.box.length, at + 7);
    bytes.set(payload.box, at + HEADER_BYTES + keyIdBytes);
    at += HEADER_BYTES + keyIdBytes + payload.box.length;
  }
  return bytes;
}

/** The payloads that are still there. Throws `ledger-corrupt` when the bytes are not frames. */
export function decodeFrames(firstSeq: number, stored: Uint8Array | null): SealedPayload[] {
  const payloads: SealedPayload[] = [];
  if (stored === null) return payloads;
  const bytes = asBuffer(stored);
  for (const frame of framesOf(bytes)) {
    if (frame.erased) continue;
    payloads.push({ seq: firstSeq + frame.offset, keyId: frame.keyId, box: bytes.subarray(frame.boxStart, frame.end) });
  }
  return payloads;
}

/** The payload of one event, null when it has none or it is erased. Throws `ledger-corrupt` as decodeFrames does. */
export function findFrame(firstSeq: number, stored: Uint8Array | null, seq: number): SealedPayload | null {
  if (stored === null) return null;
  const bytes = asBuffer(stored);
  for (const frame of framesOf(bytes)) {
    if (frame.offset !== seq - firstSeq) continue;
    return frame.erased ? null : { seq, keyId: frame.keyId, box: bytes.subarray(frame.boxStart, frame.end) };
  }
  return null;
}

/** Zeroes in place the box of every frame whose key `isDead`; the length stays. */
export function eraseFrames(
  bytes: Uint8Array,
  isDead: (keyId: string) => boolean,
): { frames: number; boxBytes: number } {
  let frames = 0;
  let boxBytes = 0;
  for (const frame of framesOf(asBuffer(bytes))) {
    if (frame.erased || !isDead(frame.keyId)) continue;
    bytes[frame.start + 4] = ERASED;
    bytes.fill(0, frame.boxStart, frame.end);
    frames += 1;
    boxBytes += frame.end - frame.boxStart;
  }
  return { frames, boxBytes };
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

function* framesOf(bytes: Buffer): Generator<Frame> {
  let at = 0;
  while (at < bytes.length) {
    if (at + HEADER_BYTES > bytes.length) throw malformed();
    const state = bytes[at + 4];
    const boxStart = at + HEADER_BYTES + bytes.readUInt16BE(at + 5);
    const end = boxStart + bytes.readUInt32BE(at + 7);
    if (end > bytes.length || (state !== SEALED && state !== ERASED)) throw malformed();
    const keyId = bytes.toString("utf8", at + HEADER_BYTES, boxStart);
    yield { start: at, end, offset: bytes.readUInt32BE(at), erased: state === ERASED, keyId, boxStart };
    at = end;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function malformed(): AppError {
  return new AppError("ledger-corrupt", "the stored payloads of a batch are not well formed");
}
