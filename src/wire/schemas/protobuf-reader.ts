// Protobuf's wire format read in place: for messages that come by the ten thousand, where a general reader is too slow.

import { AppError } from "../../core/errors.ts";

const CONTINUES = 0x80;
const VARINT_BYTES_MAX = 10;
const HIGH_FACTOR = 2 ** 32;

const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** A cursor over one message. Every method throws `body-malformed` rather than read beyond its end. */
export class ProtobufReader {
  readonly bytes: Buffer;
  #at: number;
  readonly #end: number;
  /** Of the field that `next` stands at. */
  field = 0;
  wire = 0;

  constructor(bytes: Buffer, from = 0, end = bytes.length) {
    this.bytes = bytes;
    this.#at = from;
    this.#end = end;
  }

  /** Goes to the next field; false at the end. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = this.varint();
    this.field = Math.floor(tag / 8);
    this.wire = tag % 8;
    if (this.field === 0) throw malformed();
    return true;
  }

  /** Exact up to 2^53; of longer ones the low bits are lost, which no field that is read here has. */
  varint(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < VARINT_BYTES_MAX; count++) {
      if (this.#at >= this.#end) throw malformed();
      const byte = this.bytes[this.#at++] as number;
      value += (byte % CONTINUES) * factor;
      if (byte < CONTINUES) return value;
      factor *= CONTINUES;
    }
    throw malformed();
  }

  /** A fixed64 as a float: nanoseconds since 1970 keep a precision of a quarter of a microsecond. */
  fixed64(): number {
    this.#expect(WIRE.fixed64);
    const at = this.#take(8);
    return this.bytes.readUInt32LE(at) + this.bytes.readUInt32LE(at + 4) * HIGH_FACTOR;
  }

  integer(): number {
    this.#expect(WIRE.varint);
    return this.varint();
  }

  text(): string {
    const [from, end] = this.range();
    return this.bytes.toString("utf8", from, end);
  }

  /** Bytes as text of as many characters, for ids. */
  latin1(): string {
    const [from, end] = this.range();
    return this.bytes.toString("latin1", from, end);
  }

  /** A message within: to be read with its own reader. */
  message(): ProtobufReader {
    const [from, end] = this.range();
    return new ProtobufReader(this.bytes, from, end);
  }

  range(): readonly [number, number] {
    this.#expect(WIRE.bytes);
    const length = this.varint();
    const from = this.#take(length);
    return [from, from + length];
  }

  skip(): void {
    if (this.wire === WIRE.varint) this.varint();
    else if (this.wire === WIRE.fixed64) this.#take(8);
    else if (this.wire === WIRE.fixed32) this.#take(4);
    else if (this.wire === WIRE.bytes) this.range();
    else throw malformed(); // groups: no message of OTLP has ever had one
  }

  #expect(wire: number): void {
    if (this.wire !== wire) throw malformed();
  }

  #take(count: number): number {
    const at = this.#at;
    if (!(count <= this.#end - at)) throw malformed();
    this.#at += count;
    return at;
  }
}

function malformed(): AppError {
  return new AppError("body-malformed", "the body is not an OTLP request in protobuf");
}
