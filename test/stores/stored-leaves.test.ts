// Leaves as stores keep them: packed, checked, bounded.

import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, zstdCompressSync } from "node:zlib";
import { packLeaves, unpackRows } from "../../src/adapters/stores/stored-leaves.ts";

const corrupt = { code: "ledger-corrupt" };

function packedFrame(frame: Uint8Array): Buffer {
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(frame));
  return Buffer.concat([crc, frame]);
}

test("leaves come back as they were packed, in a fraction of their bytes", () => {
  const text = Array.from({ length: 500 }, (_, seq) => `{"actor":"agent:é漢😀","seq":${seq}}`).join("\n");
  const packed = packLeaves(Buffer.from(text));
  assert.deepEqual(unpackRows([{ leaves: packed, count: 500 }]), [{ leaves: text, count: 500 }]);
  assert.ok(packed.length * 5 < text.length);
});

test("every flipped byte of packed leaves, every cut and what is no frame is damage", () => {
  const packed = packLeaves(Buffer.from('{"seq":0}\n{"seq":1}'));
  for (let at = 0; at < packed.length; at++) {
    const changed = Buffer.from(packed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(() => unpackRows([{ leaves: changed }]), corrupt, `byte ${at}`);
    assert.throws(() => unpackRows([{ leaves: packed.subarray(0, at) }]), corrupt, `cut at ${at}`);
  }
  assert.throws(() => unpackRows([{ leaves: packedFrame(Buffer.from('{"seq":0}')) }]), corrupt);
});

test("leaves of more bytes than a batch may hold are refused, however few they are stored as", () => {
  const bomb = packedFrame(zstdCompressSync(Buffer.alloc(256 * 1024 * 1024 + 1)));
  assert.ok(bomb.length < 100_000);
  assert.throws(() => unpackRows([{ leaves: bomb }]), corrupt);
});

test("a read ends early where what it has unpacked is large", () => {
  const leaves = packLeaves(Buffer.alloc(33 * 1024 * 1024, "x"));
  assert.equal(unpackRows([{ leaves }, { leaves }, { leaves }]).length, 2);
  assert.equal(unpackRows([{ leaves }]).length, 1);
});
