// The export of a log: verifiable alone, without what was erased, and with every byte under the signature.

import { test } from "node:test";
import assert from "node:assert/strict";
import { exportLog, readExport } from "../../src/ledger/export.ts";
import { storeSource } from "../../src/ledger/store-source.ts";
import { verifyLog, type VerifyResult } from "../../src/ledger/verify.ts";
import { keyEncryptionKey, makeLog, rootPublicKey, type ArrayStore } from "./fixture.ts";

async function exported(store: ArrayStore, key?: Uint8Array): Promise<Buffer> {
  const lines: string[] = [];
  for await (const line of exportLog(await storeSource(store), key)) lines.push(line);
  return Buffer.from(lines.join(""));
}

async function* inChunks(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function verifyExport(
  bytes: Uint8Array,
  { chunk = 65_536, since }: { chunk?: number; since?: string } = {},
): Promise<VerifyResult> {
  return verifyLog(await readExport(inChunks(bytes, chunk)), { rootPublicKey, since });
}

test("an export verifies with the root public key alone, in chunks of any size", async () => {
  const store = await makeLog([1, 3, 2]);
  const bytes = await exported(store, keyEncryptionKey);
  for (const chunk of [1, 7, 100, 65_536]) {
    const result = await verifyExport(bytes, { chunk });
    assert.deepEqual(
      [result.findings, result.size, result.payloads],
      [[], 6, { opened: 2, erased: 0, sealed: 0, notIncluded: 0 }],
    );
  }
  const since = store.batches[2]?.checkpoint ?? "";
  assert.equal((await verifyExport(bytes, { since })).ok, true);
});

test("an export without the key holds no payload and verifies", async () => {
  const bytes = await exported(await makeLog([4]));
  assert.ok(!bytes.includes("because"));
  assert.deepEqual((await verifyExport(bytes)).payloads, { opened: 0, erased: 0, sealed: 0, notIncluded: 2 });
});

test("an erased payload is in no export, and the rest of it verifies to the same root", async () => {
  const store = await makeLog([4, 3]);
  const before = await verifyExport(await exported(store, keyEncryptionKey));
  store.keys.delete("3");
  const bytes = await exported(store, keyEncryptionKey);
  const after = await verifyExport(bytes);
  assert.deepEqual([after.ok, after.root, after.payloads.opened], [true, before.root, 2]);
  assert.ok(bytes.includes("because 0") && !bytes.includes("because 3"));
});

test("every flipped byte of an export is found", async () => {
  const bytes = await exported(await makeLog([1, 3]), keyEncryptionKey);
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    const isFound = await verifyExport(changed).then(
      ({ ok }) => !ok,
      (error: unknown) => (error as { code?: string }).code === "ledger-corrupt",
    );
    assert.ok(isFound, `byte ${at}`);
  }
});

test("an export that is cut off anywhere is found", async () => {
  const bytes = await exported(await makeLog([1, 2]), keyEncryptionKey);
  for (let end = 0; end < bytes.length; end += 3) {
    const isFound = await verifyExport(bytes.subarray(0, end)).then(
      ({ ok }) => !ok,
      (error: unknown) => (error as { code?: string }).code === "ledger-corrupt",
    );
    assert.ok(isFound, `cut at ${end}`);
  }
});

test("what follows an export's end is found, and so is an export read twice", async () => {
  const bytes = await exported(await makeLog([1]));
  assert.equal((await verifyExport(Buffer.concat([bytes, bytes]))).first?.code, "unreadable");
  const source = await readExport(inChunks(bytes, 100));
  assert.equal((await verifyLog(source, { rootPublicKey })).ok, true);
  await assert.rejects(verifyLog(source, { rootPublicKey }), /read once/);
});

test("hostile lines are refused with one code, whatever they hold", async () => {
  const good = (await exported(await makeLog([1]), keyEncryptionKey)).toString().split("\n");
  const bad = [
    "null",
    "[]",
    "{}",
    '{"opening":null}',
    '{"opening":{"payload":null,"salt":"","seq":0}}',
    '{"checkpoint":1}',
    "[".repeat(100_000),
    '{"actor":',
    "\ufeff{}",
    '{"statement":null}',
  ];
  for (const text of bad) {
    for (let at = 0; at < good.length - 1; at++) {
      const lines = good.with(at, text).join("\n");
      const isFound = await verifyExport(Buffer.from(lines)).then(
        ({ ok }) => !ok,
        (error: unknown) => (error as { code?: string }).code === "ledger-corrupt",
      );
      assert.ok(isFound, `${text.slice(0, 30)} at line ${at}`);
    }
  }
});
