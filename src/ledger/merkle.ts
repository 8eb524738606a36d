// The Merkle tree of RFC 6962 and RFC 9162: hashes, an append-only tree, and verification of proofs.

import { hash } from "node:crypto";
import { Buffer } from "node:buffer";
import { assert } from "../core/assert.ts";
import type { FullTile } from "../wire/contracts/store.ts";

export const HASH_BYTES = 32;
/** Tiles are eight tree levels high: 256 hashes (C2SP tlog-tiles). */
const TILE_HEIGHT = 8;
export const TILE_WIDTH = 256;

/** How many leaves one hash of a tile stands for. */
export function leavesPerHash(tileLevel: number): number {
  return 2 ** (TILE_HEIGHT * tileLevel);
}

export const EMPTY_ROOT: Uint8Array = sha256("");

/** A digest as text and back takes half the time of a digest as a buffer. */
function sha256(input: string | Uint8Array): Buffer {
  return Buffer.from(hash("sha256", input, "binary"), "latin1");
}

/** SHA-256(0x00, text in UTF-8), without making a second copy of the text. */
export function hashLeaf(text: string): Buffer {
  return sha256(`\u0000${text}`);
}

/**
 * The hash of the leaf from `start` to `end`, whose UTF-8 stands in `bytes` behind a byte that is left a line feed: it
 * serves as the prefix meanwhile, so that nothing is copied.
 */
export function hashLeafAt(bytes: Buffer, start: number, end: number): Buffer {
  bytes[start - 1] = 0;
  const leafHash = sha256(bytes.subarray(start - 1, end));
  bytes[start - 1] = LINE_FEED;
  return leafHash;
}

/** Whether the leaf that `hashLeafAt` would take has the hash that stands at `hashAt` in `hashes`; makes no buffers. */
export function isHashOfLeafAt(bytes: Buffer, [start, end]: [number, number], hashes: Buffer, hashAt: number): boolean {
  bytes[start - 1] = 0;
  const digest = hash("sha256", bytes.subarray(start - 1, end), "binary");
  bytes[start - 1] = LINE_FEED;
  return digest === hashes.toString("latin1", hashAt, hashAt + HASH_BYTES);
}

const LINE_FEED = 0x0a;
const scratch = new Uint8Array(1 + 2 * HASH_BYTES);
scratch[0] = 1;

/** SHA-256(0x01, left, right). */
export function hashNode(left: Uint8Array, right: Uint8Array): Buffer {
  scratch.set(left, 1);
  scratch.set(right, 1 + HASH_BYTES);
  return sha256(scratch);
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** The part of a tile that is filled so far; its last hashes are not durable in any tile yet. */
interface OpenTile {
  readonly hashes: Uint8Array;
  index: number;
  width: number;
}

/**
 * An append-only tree: it keeps the roots of its complete subtrees (one per set bit of its size) and the open tile of
 * each tile level, so memory grows with the logarithm of the size, and a leaf costs two hashes on average.
 */
export class MerkleTree {
  #size = 0;
  readonly #subtrees: (Uint8Array | undefined)[] = [];
  readonly #tiles: OpenTile[] = [];

  get size(): number {
    return this.#size;
  }

  /** Adds one leaf hash of 32 bytes and pushes the tiles that it completes onto `completed`. */
  append(leafHash: Uint8Array, completed: FullTile[]): void {
    this.#add(leafHash, 0, completed);
    this.#size += 1;
  }

  /** A tree of `size` leaves from the hashes in its open tiles, lowest level first: what full tiles do not hold. */
  static resume(size: number, openTiles: readonly Uint8Array[]): MerkleTree {
    const tree = new MerkleTree();
    tree.#size = size;
    for (let level = openTiles.length - 1; level >= 0; level--) {
      tree.#openTile(level).index = Math.floor(size / leavesPerHash(level + 1));
      const hashes = openTiles[level] as Uint8Array;
      assert(hashes.length < TILE_WIDTH * HASH_BYTES, "an open tile is not full");
      for (let at = 0; at < hashes.length; at += HASH_BYTES) {
        tree.#add(hashes.slice(at, at + HASH_BYTES), level * TILE_HEIGHT, []);
      }
    }
    return tree;
  }

  #add(first: Uint8Array, firstLevel: number, completed: FullTile[]): void {
    let node = first;
    for (let level = firstLevel; ; level++) {
      if (level % TILE_HEIGHT === 0) this.#fillTile(level / TILE_HEIGHT, node, completed);
      const left = this.#subtrees[level];
      if (left === undefined) {
        this.#subtrees[level] = node;
        return;
      }
      this.#subtrees[level] = undefined;
      node = hashNode(left, node);
    }
  }

  #fillTile(level: number, node: Uint8Array, completed: FullTile[]): void {
    const tile = this.#openTile(level);
    tile.hashes.set(node, tile.width * HASH_BYTES);
    tile.width += 1;
    if (tile.width < TILE_WIDTH) return;
    completed.push({ level, index: tile.index, hashes: tile.hashes.slice() });
    tile.index += 1;
    tile.width = 0;
  }

  #openTile(level: number): OpenTile {
    for (let next = this.#tiles.length; next <= level; next++) {
      this.#tiles.push({ hashes: new Uint8Array(TILE_WIDTH * HASH_BYTES), index: 0, width: 0 });
    }
    return this.#tiles[level] as OpenTile;
  }

  root(): Uint8Array {
    let root: Uint8Array | undefined;
    for (const subtree of this.#subtrees) {
      if (subtree !== undefined) root = root === undefined ? subtree : hashNode(subtree, root);
    }
    return root ?? EMPTY_ROOT;
  }

  /** An independent tree of the same content. */
  clone(): MerkleTree {
    const copy = new MerkleTree();
    copy.#size = this.#size;
    copy.#subtrees.push(...this.#subtrees);
    copy.#tiles.push(...this.#tiles.map((tile) => ({ ...tile, hashes: tile.hashes.slice() })));
    return copy;
  }
}

export interface InclusionProof {
  readonly index: number;
  readonly size: number;
  readonly hashes: readonly Uint8Array[];
}

/** Whether `proof` shows `leafHash` at its index under `root` (RFC 9162 section 2.1.3.2). */
export function verifyInclusion(proof: InclusionProof, leafHash: Uint8Array, root: Uint8Array): boolean {
  const { index, size, hashes } = proof;
  if (!isPosition(index) || !isPosition(size) || index >= size || !areHashes([leafHash, root, ...hashes])) return false;
  const walk = new Walk(index, size - 1);
  let node = leafHash;
  for (const sibling of hashes) {
    if (walk.last === 0) return false;
    node = walk.isRight() ? hashNode(sibling, node) : hashNode(node, sibling);
    walk.up();
  }
  return walk.last === 0 && equalBytes(node, root);
}

export interface ConsistencyProof {
  readonly oldSize: number;
  readonly newSize: number;
  readonly hashes: readonly Uint8Array[];
}

/**
 * Whether `proof` shows that the tree with `newRoot` begins with the tree with `oldRoot` (RFC 9162 section 2.1.4.2).
 * An old size of zero shows nothing and is refused.
 */
export function verifyConsistency(proof: ConsistencyProof, oldRoot: Uint8Array, newRoot: Uint8Array): boolean {
  const { oldSize, newSize, hashes } = proof;
  if (!isPosition(oldSize) || !isPosition(newSize) || oldSize < 1 || oldSize > newSize) return false;
  if (oldSize === newSize) return hashes.length === 0 && equalBytes(oldRoot, newRoot);
  if (!areHashes([oldRoot, newRoot, ...hashes])) return false;
  const walk = new Walk(oldSize - 1, newSize - 1);
  walk.skipRight();
  const path = walk.index === 0 ? [oldRoot, ...hashes] : hashes;
  const [start, ...rest] = path;
  if (start === undefined) return false;
  let oldNode = start;
  let newNode = start;
  for (const sibling of rest) {
    if (walk.last === 0) return false;
    if (walk.isRight()) {
      oldNode = hashNode(sibling, oldNode);
      newNode = hashNode(sibling, newNode);
    } else newNode = hashNode(newNode, sibling);
    walk.up();
  }
  return walk.last === 0 && equalBytes(oldNode, oldRoot) && equalBytes(newNode, newRoot);
}

/** The walk from a leaf to the root that both proofs make: `index` and `last` are RFC 9162's fn and sn. */
class Walk {
  index: number;
  last: number;

  constructor(index: number, last: number) {
    this.index = index;
    this.last = last;
  }

  /** True when the sibling stands on the left. */
  isRight(): boolean {
    return this.index % 2 === 1 || this.index === this.last;
  }

  up(): void {
    if (this.isRight()) while (this.index % 2 === 0 && this.index !== 0) this.#half();
    this.#half();
  }

  skipRight(): void {
    while (this.index % 2 === 1) this.#half();
  }

  #half(): void {
    this.index = Math.floor(this.index / 2);
    this.last = Math.floor(this.last / 2);
  }
}

function isPosition(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function areHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.every((item) => item.length === HASH_BYTES);
}
