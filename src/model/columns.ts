// Columns of numbers that grow: the memory of the graph, one array for each property instead of an object for each thing.

import { assert } from "../core/assert.ts";

type Numbers = Uint8Array | Uint32Array | Float32Array | Float64Array;

const ROOM_AT_FIRST = 64;

export class Column<A extends Numbers> {
  #values: A;
  #length = 0;
  readonly #make: (room: number) => A;

  constructor(make: (room: number) => A) {
    this.#make = make;
    this.#values = make(ROOM_AT_FIRST);
  }

  get length(): number {
    return this.#length;
  }

  /** The value at `index`, which must be there. */
  get(index: number): number {
    return this.#values[index] as number;
  }

  set(index: number, value: number): void {
    assert(index < this.#length, "a column is written where it has a value");
    this.#values[index] = value;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) this.#grow(this.#length * 2);
    this.#values[this.#length++] = value;
  }

  /** A copy of what it holds, in the machine's own byte order. */
  bytes(): Uint8Array {
    const { buffer, byteOffset, BYTES_PER_ELEMENT } = this.#values;
    return new Uint8Array(buffer, byteOffset, this.#length * BYTES_PER_ELEMENT).slice();
  }

  /** Puts what `bytes` gave in place of what it holds. */
  load(bytes: Uint8Array): void {
    const width = this.#values.BYTES_PER_ELEMENT;
    assert(bytes.length % width === 0, "a column is read whole");
    this.#length = bytes.length / width;
    this.#values = this.#make(Math.max(ROOM_AT_FIRST, this.#length));
    new Uint8Array(this.#values.buffer).set(bytes);
  }

  clear(): void {
    this.#length = 0;
  }

  get byteLength(): number {
    return this.#values.byteLength;
  }

  #grow(room: number): void {
    const grown = this.#make(room);
    grown.set(this.#values);
    this.#values = grown;
  }
}

export const bytes = (): Column<Uint8Array> => new Column((room) => new Uint8Array(room));
export const integers = (): Column<Uint32Array> => new Column((room) => new Uint32Array(room));
export const singles = (): Column<Float32Array> => new Column((room) => new Float32Array(room));
export const doubles = (): Column<Float64Array> => new Column((room) => new Float64Array(room));
