// Sealing: what a batch holds, payload keys and their erasure, failures that change nothing, resuming.

import { test } from "node:test";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { leafText, parseLeaf } from "../../src/ledger/leaf.ts";
import { openPayload } from "../../src/ledger/payload-box.ts";
import { storeSource } from "../../src/ledger/store-source.ts";
import { parseCheckpoint } from "../../src/ledger/checkpoint.ts";
import { parseNote } from "../../src/ledger/note.ts";
import { readTilePath } from "../../src/ledger/tiles.ts";
import {
  ArrayStore,
  event,
  keyEncryptionKey,
  logKeys,
  logSigner,
  makeLog,
  nextSigner,
  ORIGIN,
  sealerFor,
  seedBytes,
  verifyStore,
} from "./fixture.ts";

const corrupt = { code: "ledger-corrupt" };

async function emptySealer() {
  return sealerFor(new ArrayStore(), logKeys());
}

test("a batch holds one canonical line and one hash for each event, under a signed checkpoint", async () => {
  const batch = (await emptySealer()).seal([event(0), event(1, { body: "why" })]);
  const [first = "", second = ""] = Buffer.from(batch.leaves).toString().split("\n");
  assert.equal(
    first,
    '{"actor":"agent:triage","command":0,"facts":{"attempt":0,"environment":"production","naïve":"å"},"payload":null,"seq":0,"subject":"act_0","time":1790000000000,"type":"action.proposed","version":1}',
  );
  assert.deepEqual(
    Buffer.from(batch.leafHashes.subarray(0, 32)),
    createHash("sha256").update(`\u0000${first}`).digest(),
  );
  assert.match(parseLeaf(second).payload?.commitment ?? "", /^[0-9a-f]{64}$/);
  const { origin, size, extension } = parseCheckpoint(parseNote(batch.checkpoint).text);
  assert.deepEqual([origin, size, extension], [ORIGIN, 2, []]);
});

test("a checkpoint names the whole note of the one before", async () => {
  const { batches } = await makeLog([1, 1]);
  const { extension } = parseCheckpoint(parseNote(batches[1]?.checkpoint ?? "").text);
  assert.deepEqual(extension, [
    `previous ${createHash("sha256")
      .update(batches[0]?.checkpoint ?? "")
      .digest("base64")}`,
  ]);
});

test("a public checkpoint is of the same tree and has no extension lines", async () => {
  const sealer = await emptySealer();
  const { checkpoint } = sealer.seal([event(0)]);
  const [own, shown] = [checkpoint, sealer.publicCheckpoint()].map((note) => parseCheckpoint(parseNote(note).text));
  assert.deepEqual(shown, own);
  sealer.seal([event(1)]);
  assert.deepEqual(parseCheckpoint(parseNote(sealer.publicCheckpoint()).text).extension, []);
});

test("a payload opens with its key and nowhere else", async () => {
  const store = new ArrayStore();
  const sealer = await sealerFor(store, logKeys());
  store.append(
    sealer.seal([
      event(0, { subject: "act_a", body: { secret: "é" } }),
      event(1, { subject: "act_b", body: 2 }),
      event(2),
    ]),
  );
  const leaves = (store.batches[0]?.leaves.split("\n") ?? []).map(parseLeaf) as [
    ReturnType<typeof parseLeaf>,
    ReturnType<typeof parseLeaf>,
    ReturnType<typeof parseLeaf>,
  ];
  const stored = await store.readPayload(0);
  assert.deepEqual(openPayload(leaves[0], stored, ORIGIN, keyEncryptionKey), { secret: "é" });
  assert.throws(() => openPayload(leaves[1], stored, ORIGIN, keyEncryptionKey), corrupt);
  assert.throws(() => openPayload(leaves[0], stored, "another.example", keyEncryptionKey), corrupt);
  assert.throws(() => openPayload(leaves[0], stored, ORIGIN, seedBytes("another")), corrupt);
  assert.throws(() => openPayload(leaves[2], null, ORIGIN, keyEncryptionKey), { code: "event-not-found" });
  store.keys.delete("0");
  const keyless = await store.readPayload(0);
  assert.equal(keyless?.wrapped, null);
  assert.throws(() => openPayload(leaves[0], keyless, ORIGIN, keyEncryptionKey), { code: "payload-erased" });
  assert.throws(() => openPayload(leaves[0], null, ORIGIN, keyEncryptionKey), { code: "payload-erased" });
});

test("one key serves a subject and retention class within a batch, and never two batches", async () => {
  const sealer = await emptySealer();
  const subject = "act_x";
  const first = sealer.seal([
    event(0, { subject, body: 1 }),
    event(1, { subject, body: 2 }),
    event(2, { subject, body: 3, retention: "evidence" }),
    event(3, { body: 4 }),
  ]);
  assert.deepEqual(
    first.payloads.map(({ keyId }) => keyId),
    ["0", "0", "2", "3"],
  );
  assert.deepEqual(
    first.keys.map(({ keyId }) => keyId),
    ["0", "2", "3"],
  );
  const second = sealer.seal([event(4, { subject, body: 5 })]);
  assert.deepEqual(
    second.keys.map(({ keyId }) => keyId),
    ["4"],
  );
});

test("a payload that comes after its subject was erased has a fresh key and can be read", async () => {
  const store = new ArrayStore();
  const sealer = await sealerFor(store, logKeys());
  store.append(sealer.seal([event(0, { subject: "act_x", body: "old" })]));
  store.keys.clear();
  store.append(sealer.seal([event(1, { subject: "act_x", body: "new" })]));
  const result = await verifyStore(store);
  assert.deepEqual([result.ok, result.payloads], [true, { opened: 1, erased: 1, sealed: 0, notIncluded: 0 }]);
});

test("equal payloads have different commitments, boxes and keys", async () => {
  const { leaves, payloads, keys } = (await emptySealer()).seal([
    event(0, { body: "same" }),
    event(1, { body: "same" }),
  ]);
  const [a, b] = Buffer.from(leaves).toString().split("\n").map(parseLeaf);
  assert.notEqual(a?.payload?.commitment, b?.payload?.commitment);
  assert.notDeepEqual(payloads[0]?.box, payloads[1]?.box);
  assert.notDeepEqual(keys[0]?.wrapped, keys[1]?.wrapped);
});

test("an event that cannot be sealed changes nothing", async () => {
  const store = new ArrayStore();
  const sealer = await sealerFor(store, logKeys());
  const bad = [
    [event(0), event(2)],
    [event(1)],
    [],
    [event(0), { ...event(1), time: 1 }],
    [{ ...event(0), facts: { lone: "\ud800" } }],
    [event(0), event(1, { body: NaN })],
    [{ ...event(0), version: 0.5 }],
    [{ ...event(0), command: 1 }],
    [{ ...event(0), subject: "" }],
  ];
  for (const events of bad) assert.throws(() => sealer.seal(events));
  store.append(sealer.seal([event(0)]));
  store.append(sealer.seal([event(1)]));
  assert.throws(() => sealer.seal([{ ...event(2), time: 1 }]), /time never decreases/);
  assert.equal((await verifyStore(store)).ok, true);
});

test("a sealer resumed anywhere goes on as if it had never stopped", async () => {
  const whole = await makeLog([200, 56, 1, 300]);
  const store = new ArrayStore();
  for (const batch of whole.batches) {
    const sealer = await sealerFor(store, logKeys());
    assert.equal(sealer.size, batch.firstSeq);
    const events = Array.from({ length: batch.count }, (_, i) => {
      const seq = batch.firstSeq + i;
      return seq % 3 === 0 ? event(seq, { body: { reason: `because ${seq}` } }) : event(seq);
    });
    store.append(sealer.seal(events));
  }
  assert.deepEqual((await verifyStore(store)).findings, []);
  assert.deepEqual(
    store.tiles.map(({ level, index }) => [level, index]),
    whole.tiles.map(({ level, index }) => [level, index]),
  );
});

test("a sealer does not go on from a head that does not verify, nor with a key that was not stated", async () => {
  const store = await makeLog([3, 2]);
  await assert.rejects(sealerFor(store, logKeys(), nextSigner), { code: "config-invalid" });
  const last = store.batches.pop();
  assert.ok(last !== undefined);
  const leafHashes = Buffer.from(last.leafHashes);
  leafHashes[0] = (leafHashes[0] ?? 0) ^ 1;
  store.batches.push({ ...last, leafHashes });
  await assert.rejects(sealerFor(store, logKeys()), corrupt);
  store.batches.splice(1, 1, { ...last, checkpoint: last.checkpoint.replace("\n5\n", "\n4\n") });
  await assert.rejects(sealerFor(store, logKeys()), corrupt);
  store.batches.splice(1, 1, { ...last, checkpoint: "" });
  await assert.rejects(sealerFor(store, logKeys()), corrupt);
});

test("a leaf is read back, and in no other form", () => {
  const { payload: _, ...plain } = event(7);
  const reference = { commitment: "a".repeat(64), key: "7", retention: "content" } as const;
  const text = leafText(plain, reference);
  assert.deepEqual(parseLeaf(text), { event: plain, payload: reference });
  const wrong = [
    "",
    "null",
    "1",
    "[]",
    "{}",
    `${text} `,
    text.replace('"seq":7', '"seq":7.0'),
    text.replace('"seq":7', '"seq":-7'),
    text.replace('"seq":7', '"seq":7,"seq":7'),
    text.replace('"command":7', '"command":8'),
    text.replace('"version":1', '"version":"1"'),
    text.replace('"key":"7"', '"key":"8"'),
    text.replace('"key":"7"', '"key":"07"'),
    text.replace("content", "forever"),
    text.replace("aaa", "AAA"),
    text.replace('"facts":{', '"facts":['),
    text.replace(/"facts":\{[^}]*\}/, '"facts":null'),
    text.replace("å", "\\u00e5"),
    text.replace('"type":', '"more":1,"type":'),
    "[".repeat(100_000),
  ];
  for (const other of wrong) assert.throws(() => parseLeaf(other), corrupt, other.slice(0, 80));
});

test("any facts JSON can carry come back as they were", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (facts) => {
      const { payload: _, ...plain } = event(0);
      const canonical = JSON.parse(JSON.stringify(facts)) as typeof facts;
      const text = leafText({ ...plain, facts: canonical as never }, null);
      assert.equal(leafText(parseLeaf(text).event, null), text);
      assert.deepEqual(JSON.parse(JSON.stringify(parseLeaf(text).event.facts)), canonical);
    }),
  );
});

test("tiles are read by their paths, full and partial", async () => {
  const store = await makeLog([300]);
  const all = store.batches[0]?.leafHashes ?? new Uint8Array(0);
  assert.deepEqual(Buffer.from((await readTilePath(store, "tile/0/000")) ?? ""), Buffer.from(all.subarray(0, 8192)));
  assert.deepEqual(Buffer.from((await readTilePath(store, "tile/0/001.p/44")) ?? ""), Buffer.from(all.subarray(8192)));
  assert.equal((await readTilePath(store, "tile/0/000.p/3"))?.length, 96);
  assert.equal((await readTilePath(store, "tile/1/000.p/1"))?.length, 32);
  for (const path of ["tile/0/001", "tile/0/001.p/45", "tile/1/000", "tile/0/002.p/1", "tile/entries/000", "../head"])
    assert.equal(await readTilePath(store, path), null, path);
});

test("a store without origin or statements is no ledger", async () => {
  const store = new ArrayStore();
  store.meta.delete("origin");
  await assert.rejects(storeSource(store), corrupt);
  assert.equal(logSigner.name, ORIGIN);
});
