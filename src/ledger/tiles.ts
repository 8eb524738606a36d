// Merkle tiles (C2SP tlog-tiles, height 8): their paths, reading hashes and proofs from them. https://c2sp.org/tlog-tiles

import { AppError } from "../core/errors.ts";
import { assert } from "../core/assert.ts";
import type { LedgerReader } from "../wire/contracts/store.ts";
import { EMPTY_ROOT, HASH_BYTES, hashNode, leavesPerHash, MerkleTree, TILE_WIDTH } from "./merkle.ts";
import type { ConsistencyProof, InclusionProof } from "./merkle.ts";

const TILE_BYTES = TILE_WIDTH * HASH_BYTES;
const BATCHES_PER_READ = 256;
const PATH = /^tile\/(0|[1-9][0-9]?)\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

export interface TileName {
  readonly level: number;
  readonly index: number;
  /** Hashes in it, 1 to 256; 256 is a full tile. */
  readonly width: number;
}

/** `tile/0/x001/067` or, for a partial tile, `tile/0/x001/067.p/17`. */
export function tilePath({ level, index, width }: TileName): string {
  let digits = threeDigits(index % 1000);
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    digits = `x${threeDigits(rest % 1000)}/${digits}`;
  }
  return `tile/${level}/${digits}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

function threeDigits(value: number): string {
  return String(value).padStart(3, "0");
}

/** The tile that a path names, or undefined when no tile has that path. */
export function parseTilePath(path: string): TileName | undefined {
  const [, level, digits, width] = PATH.exec(path) ?? [];
  if (level === undefined || digits === undefined) return undefined;
  const name = {
    level: Number(level),
    index: Number(digits.replaceAll(/[x/]/g, "")),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  return tilePath(name) === path && name.width <= TILE_WIDTH && name.level < 8 ? name : undefined;
}

/** The hashes of the tile that a path names, partial ones included; null when the log holds no such tile. */
export async function readTilePath(
  store: Pick<LedgerReader, "head" | "readTile" | "readLeaves">,
  path: string,
): Promise<Uint8Array | null> {
  const name = parseTilePath(path);
  if (name === undefined) return null;
  const { size } = await store.head();
  const isFull = (name.index + 1) * leavesPerHash(name.level + 1) <= size;
  if (isFull && name.width === TILE_WIDTH) return store.readTile(name.level, name.index);
  return (await (await TileReader.load(store, size)).tile(name)) ?? null;
}

/** Hashes and proofs of the tree at one size, from full tiles and the leaf hashes that no full tile holds yet. */
export class TileReader {
  readonly size: number;
  readonly #tail: Uint8Array;
  readonly #source: Pick<LedgerReader, "readTile">;
  readonly #open = new Map<number, Promise<Uint8Array>>();

  /** `tail`: the leaf hashes from the last multiple of 256 up to `size`. */
  constructor(size: number, tail: Uint8Array, source: Pick<LedgerReader, "readTile">) {
    assert(tail.length === (size % TILE_WIDTH) * HASH_BYTES, "the tail holds the leaf hashes of the open tile");
    this.size = size;
    this.#tail = tail;
    this.#source = source;
  }

  /** A reader for the log as it stands at `size`, which must not be beyond its durable head. */
  static async load(store: Pick<LedgerReader, "readTile" | "readLeaves">, size: number): Promise<TileReader> {
    return new TileReader(size, await readTail(store, size), store);
  }

  /** The first `width` hashes of a tile; undefined when the tree at this size does not hold that many. */
  async tile({ level, index, width }: TileName): Promise<Uint8Array | undefined> {
    const held = Math.floor(this.size / leavesPerHash(level)) - index * TILE_WIDTH;
    if (width > held) return undefined;
    const hashes = held >= TILE_WIDTH ? await this.#fullTile(level, index) : await this.openTile(level);
    return hashes.subarray(0, width * HASH_BYTES);
  }

  async #fullTile(level: number, index: number): Promise<Uint8Array> {
    const hashes = await this.#source.readTile(level, index);
    if (hashes?.length !== TILE_BYTES) throw new AppError("ledger-corrupt", "a tile is missing", { level, index });
    return hashes;
  }

  /** The hashes of the tile at `level` that is not full yet. */
  openTile(level: number): Promise<Uint8Array> {
    const known = this.#open.get(level);
    if (known !== undefined) return known;
    const made = level === 0 ? Promise.resolve(this.#tail) : this.#foldTiles(level);
    this.#open.set(level, made);
    return made;
  }

  async #foldTiles(level: number): Promise<Uint8Array> {
    const count = Math.floor(this.size / leavesPerHash(level));
    const first = count - (count % TILE_WIDTH);
    const hashes = new Uint8Array((count - first) * HASH_BYTES);
    for (let index = first; index < count; index++) {
      hashes.set(rootOf(await this.#fullTile(level - 1, index)), (index - first) * HASH_BYTES);
    }
    return hashes;
  }

  /** The root of leaves `from` up to `to`; either all from 0, or a range as a proof asks for it. */
  async root(from = 0, to = this.size): Promise<Uint8Array> {
    if (to - from === 0) return EMPTY_ROOT;
    const split = splitOf(to - from);
    if (split === to - from) return this.#subtree(from, split);
    return hashNode(await this.root(from, from + split), await this.root(from + split, to));
  }

  /** A complete subtree: `leaves` is a power of two, `from` a multiple of it. */
  async #subtree(from: number, leaves: number): Promise<Uint8Array> {
    let level = 0;
    while (leavesPerHash(level + 1) <= leaves) level += 1;
    const entry = leavesPerHash(level);
    const index = Math.floor(from / entry / TILE_WIDTH);
    const offset = (from / entry) % TILE_WIDTH;
    const end = offset + leaves / entry;
    const hashes = await this.tile({ level, index, width: end });
    assert(hashes !== undefined, "a subtree lies inside the tree");
    return rootOf(hashes.subarray(offset * HASH_BYTES));
  }

  /** Proof that leaf `index` stands in the tree of this size (RFC 9162 section 2.1.3.1). */
  async inclusion(index: number): Promise<InclusionProof> {
    assert(index >= 0 && index < this.size, "the leaf lies inside the tree");
    const hashes: Uint8Array[] = [];
    let [from, to] = [0, this.size];
    while (to - from > 1) {
      const middle = from + halfOf(to - from);
      if (index < middle) {
        hashes.unshift(await this.root(middle, to));
        to = middle;
      } else {
        hashes.unshift(await this.root(from, middle));
        from = middle;
      }
    }
    return { index, size: this.size, hashes };
  }

  /** Proof that the tree of this size begins with the tree of `oldSize` leaves (RFC 9162 section 2.1.4.1). */
  async consistency(oldSize: number): Promise<ConsistencyProof> {
    assert(oldSize > 0 && oldSize <= this.size, "the old tree is a beginning of this one");
    const hashes: Uint8Array[] = [];
    let [from, to] = [0, this.size];
    while (oldSize < to) {
      const middle = from + halfOf(to - from);
      if (oldSize <= middle) {
        hashes.unshift(await this.root(middle, to));
        to = middle;
      } else {
        hashes.unshift(await this.root(from, middle));
        from = middle;
      }
    }
    if (from > 0) hashes.unshift(await this.root(from, to));
    return { oldSize, newSize: this.size, hashes };
  }

  /** The tree at this size, ready for more leaves. */
  async tree(): Promise<MerkleTree> {
    const open: Uint8Array[] = [];
    for (let level = 0; leavesPerHash(level) <= this.size; level++) open.push(await this.openTile(level));
    return MerkleTree.resume(this.size, open);
  }
}

/** The largest power of two that is at most `count`. */
function splitOf(count: number): number {
  let split = 1;
  while (split * 2 <= count) split *= 2;
  return split;
}

/** The largest power of two below `count`: where RFC 9162 splits a tree. */
function halfOf(count: number): number {
  const split = splitOf(count);
  return split === count ? split / 2 : split;
}

/** The root over hashes whose number is a power of two. */
function rootOf(hashes: Uint8Array): Uint8Array {
  let row: Uint8Array[] = [];
  for (let at = 0; at < hashes.length; at += HASH_BYTES) row.push(hashes.subarray(at, at + HASH_BYTES));
  while (row.length > 1) {
    const next: Uint8Array[] = [];
    for (let i = 0; i < row.length; i += 2) next.push(hashNode(row[i] as Uint8Array, row[i + 1] as Uint8Array));
    row = next;
  }
  return row[0] as Uint8Array;
}

async function readTail(store: Pick<LedgerReader, "readLeaves">, size: number): Promise<Uint8Array> {
  const first = size - (size % TILE_WIDTH);
  const tail = new Uint8Array((size - first) * HASH_BYTES);
  for (let seq = first; seq < size;) {
    const batches = await store.readLeaves(seq, BATCHES_PER_READ);
    if (batches.length === 0) throw new AppError("ledger-corrupt", "the log ends before its head", { seq });
    for (const batch of batches) {
      if (seq >= size) break;
      const end = Math.min(batch.firstSeq + batch.count, size);
      if (batch.firstSeq > seq || end <= seq) throw new AppError("ledger-corrupt", "a batch is missing", { seq });
      const from = (seq - batch.firstSeq) * HASH_BYTES;
      tail.set(batch.leafHashes.subarray(from, from + (end - seq) * HASH_BYTES), (seq - first) * HASH_BYTES);
      seq = end;
    }
  }
  return tail;
}
