// Merkle hashes, proofs and the append-only tree: RFC 9162, its published vectors, and agreement with the definition.

import { test } from "node:test";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { FullTile } from "../../src/wire/contracts/store.ts";
import {
  EMPTY_ROOT,
  hashLeaf,
  hashNode,
  MerkleTree,
  verifyConsistency,
  verifyInclusion,
} from "../../src/ledger/merkle.ts";
import { parseTilePath, TileReader, tilePath } from "../../src/ledger/tiles.ts";

const VECTORS = join(import.meta.dirname, "../../../shared/vectors/merkle");
const SKIP = existsSync(VECTORS) ? false : "the published vectors are not here";

interface Vector {
  readonly leafIdx: number;
  readonly treeSize: number;
  readonly root: string;
  readonly leafHash: string;
  readonly size1: number;
  readonly size2: number;
  readonly root1: string | null;
  readonly root2: string | null;
  readonly proof: readonly string[] | null;
  readonly desc: string;
  readonly wantErr: boolean;
}

function vectors(folder: string): Vector[] {
  const names = readdirSync(join(VECTORS, folder), { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(readFileSync(join(VECTORS, folder, name), "utf8")) as Vector);
}

const bytes = (text: string | null) => Buffer.from(text ?? "", "base64");

test("published inclusion proofs verify, and the damaged ones do not", { skip: SKIP }, () => {
  const cases = vectors("inclusion");
  assert.ok(cases.length > 90);
  for (const { leafIdx, treeSize, root, leafHash, proof, desc, wantErr } of cases) {
    const given = { index: leafIdx, size: treeSize, hashes: (proof ?? []).map(bytes) };
    assert.equal(verifyInclusion(given, bytes(leafHash), bytes(root)), !wantErr, desc);
  }
});

test("published consistency proofs verify, and the damaged ones do not", { skip: SKIP }, () => {
  const cases = vectors("consistency");
  assert.ok(cases.length > 90);
  for (const { size1, size2, root1, root2, proof, desc, wantErr } of cases) {
    const given = { oldSize: size1, newSize: size2, hashes: (proof ?? []).map(bytes) };
    assert.equal(verifyConsistency(given, bytes(root1), bytes(root2)), !wantErr, desc);
  }
});

const sha256 = (...parts: Uint8Array[]) => createHash("sha256").update(Buffer.concat(parts)).digest();

/** MTH of RFC 9162 section 2.1.1, word for word. */
function definedRoot(leaves: readonly string[]): Buffer {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return sha256(Buffer.of(0), Buffer.from(leaves[0] as string));
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha256(Buffer.of(1), definedRoot(leaves.slice(0, k)), definedRoot(leaves.slice(k)));
}

test("leaf and node hashes are those of the definition", () => {
  assert.deepEqual(hashLeaf("é"), sha256(Buffer.of(0), Buffer.from("é")));
  assert.deepEqual(hashNode(sha256(), hashLeaf("")), sha256(Buffer.of(1), sha256(), sha256(Buffer.of(0))));
  assert.deepEqual(EMPTY_ROOT, sha256());
});

test("the tree has the root of the definition at every size", () => {
  const tree = new MerkleTree();
  const leaves: string[] = [];
  for (let size = 0; size < 300; size++) {
    assert.deepEqual(Buffer.from(tree.root()), definedRoot(leaves));
    tree.append(hashLeaf(`leaf ${size}`), []);
    leaves.push(`leaf ${size}`);
  }
});

/** A grown tree with the tiles that it completed, and its leaf hashes. */
function grow(size: number) {
  const tree = new MerkleTree();
  const tiles: FullTile[] = [];
  const hashes: Buffer[] = [];
  for (let i = 0; i < size; i++) {
    hashes.push(hashLeaf(String(i)));
    tree.append(hashes[i] as Buffer, tiles);
  }
  const readTile = async (level: number, index: number) =>
    tiles.find((tile) => tile.level === level && tile.index === index)?.hashes ?? null;
  const reader = (at: number) => new TileReader(at, Buffer.concat(hashes.slice(at - (at % 256), at)), { readTile });
  return { tree, tiles, hashes, reader };
}

test("a tree completes each tile once, at the leaf that fills it, on every level", () => {
  const { tiles } = grow(256 * 257 + 3);
  const names = tiles.map(({ level, index }) => `${level}/${index}`);
  assert.equal(new Set(names).size, names.length);
  assert.equal(tiles.filter(({ level }) => level === 0).length, 257);
  assert.deepEqual(
    tiles.filter(({ level }) => level === 1).map(({ index }) => index),
    [0],
  );
  const first = tiles.find(({ level }) => level === 1)?.hashes.subarray(32, 64);
  assert.deepEqual(Buffer.from(first ?? ""), definedRoot(Array.from({ length: 256 }, (_, i) => String(256 + i))));
});

test("proofs read from tiles verify at any size, and a resumed tree goes on like the old one", async () => {
  const { tree, hashes, reader } = grow(256 * 260 + 77);
  const size = tree.size;
  const root = tree.root();
  assert.deepEqual(await reader(size).root(), root);
  const anySize = fc.oneof(
    fc.integer({ min: 1, max: size }),
    fc.constantFrom(1, 255, 256, 257, 65_535, 65_536, 65_537, size),
  );
  const check = fc.asyncProperty(anySize, fc.nat(), async (at, pick) => {
    const small = reader(at);
    const smallRoot = await small.root();
    const index = pick % at;
    const inclusion = await small.inclusion(index);
    assert.ok(verifyInclusion(inclusion, hashes[index] as Buffer, smallRoot));
    assert.ok(!verifyInclusion(inclusion, hashLeaf("another"), smallRoot));
    assert.ok(verifyConsistency(await reader(size).consistency(at), smallRoot, root));
  });
  await fc.assert(check, { numRuns: 60 });
  for (const at of [0, 1, 256, 65_535, 65_536, 66_000]) {
    const resumed = await reader(at).tree();
    const completed: FullTile[] = [];
    for (const hash of hashes.slice(at)) resumed.append(hash, completed);
    assert.deepEqual(resumed.root(), root, `resumed at ${at}`);
    assert.equal(completed[0]?.index, Math.floor(at / 256));
  }
});

test("a clone grows by itself", () => {
  const { tree } = grow(300);
  const root = tree.root();
  tree.clone().append(hashLeaf("more"), []);
  assert.deepEqual(tree.root(), root);
});

test("tile paths are those of tlog-tiles, and nothing else is one", () => {
  assert.equal(tilePath({ level: 0, index: 1_234_067, width: 256 }), "tile/0/x001/x234/067");
  assert.equal(tilePath({ level: 1, index: 0, width: 17 }), "tile/1/000.p/17");
  fc.assert(
    fc.property(fc.nat(7), fc.nat({ max: 2 ** 37 }), fc.integer({ min: 1, max: 256 }), (level, index, width) => {
      const name = { level, index, width };
      assert.deepEqual(parseTilePath(tilePath(name)), name);
    }),
  );
  for (const path of [
    "tile/0/67",
    "tile/0/x000/067",
    "tile/00/067",
    "tile/8/067",
    "tile/0/067.p/0",
    "tile/0/067.p/256",
    "tile/0/067/",
    "tile/0/001/067",
    "tile/-1/067",
  ]) {
    assert.equal(parseTilePath(path), undefined, path);
  }
});

test("a partial tile shows what the tree holds and no more", async () => {
  const { reader, hashes } = grow(600);
  const tile = await reader(600).tile({ level: 0, index: 2, width: 5 });
  assert.deepEqual(tile, Buffer.concat(hashes.slice(512, 517)));
  assert.equal(await reader(600).tile({ level: 0, index: 2, width: 89 }), undefined);
  assert.equal((await reader(600).tile({ level: 1, index: 0, width: 2 }))?.length, 64);
  assert.equal(await reader(600).tile({ level: 2, index: 0, width: 1 }), undefined);
});
