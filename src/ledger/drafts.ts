// Events written down for sealing: the bytes of their leaves and payloads, with room for what only the sealer can know.
//
// The one who decides writes, the one who seals fills in: commitments into the leaves, salts before the payloads. So a
// batch crosses from thread to thread as bytes that nobody reads or copies on the way.

import { Buffer } from "node:buffer";
import { assert } from "../core/assert.ts";
import type { UnsealedEvent } from "../wire/types/event.ts";
import { COMMITMENT_OFFSET, isEvent, leafHead, leafTail, payloadText, referenceText } from "./leaf.ts";
import { SALT_BYTES } from "./payload-box.ts";

/** One batch, on its way to the sealer. It may be transferred to another thread; sealing changes its bytes. */
export interface Drafts {
  /** A byte that is free, then the leaves, each with a line feed after it; their commitments are not filled in. */
  readonly leaves: Uint8Array;
  /** For each payload room for its salt, then its canonical text. */
  readonly payloads: Uint8Array;
  /** The numbers of a `DraftPlace` for each event. Both byte arrays may be longer than what these speak of. */
  readonly index: Float64Array;
}

/** Where one event stands in its drafts. */
export interface DraftPlace {
  readonly seq: number;
  readonly time: number;
  readonly leafStart: number;
  readonly leafEnd: number;
  readonly payload: PayloadPlace | null;
}

interface PayloadPlace {
  /** The sequence of the first event of the batch with the same subject and retention class. */
  readonly keySeq: number;
  /** Where in the leaf bytes the commitment belongs. */
  readonly commitmentAt: number;
  readonly start: number;
  readonly end: number;
}

const NUMBERS_PER_DRAFT = 6;
const NO_KEY = -1;
const BLANK_COMMITMENT = "0".repeat(64);
const BYTES_AT_FIRST = 64 * 1024;
/** UTF-8 never takes more for a unit of UTF-16. */
const BYTES_PER_UNIT_MAX = 3;
const LINE_FEED = 0x0a;

/**
 * Writes events down, into the bytes of `spent` where it is given: drafts that are not needed any more. A wrong header
 * throws InvariantError, what JSON cannot carry `request-invalid`.
 */
export function writeDrafts(events: readonly UnsealedEvent[], spent?: Drafts): Drafts {
  const leaves = new ByteWriter(spent?.leaves);
  const payloads = new ByteWriter(spent?.payloads);
  const index = new Float64Array(events.length * NUMBERS_PER_DRAFT);
  const keys = new Map<string, number>();
  leaves.skip(1);
  let numbers = 0;
  for (const event of events) {
    assert(isEvent(event), "an event has a complete header and facts");
    const { seq, time, payload } = event;
    let keySeq = NO_KEY;
    let commitmentAt = 0;
    leaves.text(leafHead(event));
    if (payload === undefined) leaves.text(`null${leafTail(event)}`);
    else {
      const { retention } = payload;
      keySeq = keyOf(keys, `${retention} ${event.subject}`, seq);
      commitmentAt = leaves.at + COMMITMENT_OFFSET;
      const reference = referenceText({ commitment: BLANK_COMMITMENT, key: String(keySeq), retention });
      leaves.text(`${reference}${leafTail(event)}`);
      payloads.skip(SALT_BYTES);
      payloads.text(payloadText(payload));
    }
    index[numbers++] = seq;
    index[numbers++] = time;
    index[numbers++] = leaves.at;
    index[numbers++] = keySeq;
    index[numbers++] = commitmentAt;
    index[numbers++] = payloads.at;
    leaves.byte(LINE_FEED);
  }
  return { leaves: leaves.bytes, payloads: payloads.bytes, index };
}

function keyOf(keys: Map<string, number>, owner: string, seq: number): number {
  const known = keys.get(owner);
  if (known !== undefined) return known;
  keys.set(owner, seq);
  return seq;
}

/** The places of all events, in order. */
export function draftPlaces({ index }: Drafts): DraftPlace[] {
  const places: DraftPlace[] = [];
  let leafStart = 1;
  let start = 0;
  for (let at = 0; at < index.length; at += NUMBERS_PER_DRAFT) {
    const number = (offset: number): number => index[at + offset] as number;
    const [leafEnd, keySeq, end] = [number(2), number(3), number(5)];
    const payload = keySeq === NO_KEY ? null : { keySeq, commitmentAt: number(4), start, end };
    places.push({ seq: number(0), time: number(1), leafStart, leafEnd, payload });
    leafStart = leafEnd + 1;
    start = end;
  }
  return places;
}

class ByteWriter {
  bytes: Buffer;
  at = 0;

  constructor(spent: Uint8Array | undefined) {
    // Memory of its own, never a part of a pool: it is to be transferred.
    this.bytes = spent === undefined ? Buffer.allocUnsafeSlow(BYTES_AT_FIRST) : bufferOf(spent);
  }

  text(text: string): void {
    this.#reserve(text.length * BYTES_PER_UNIT_MAX);
    this.at += this.bytes.write(text, this.at);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.bytes[this.at++] = value;
  }

  skip(count: number): void {
    this.#reserve(count);
    this.at += count;
  }

  #reserve(count: number): void {
    if (this.at + count <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow((this.at + count) * 2);
    this.bytes.copy(grown, 0, 0, this.at);
    this.bytes = grown;
  }
}

/** The same bytes as a Buffer. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
