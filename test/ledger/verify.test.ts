// Verification of whole logs: every flipped byte is found and named; truncation, forks, erasure, rotation.

import { test } from "node:test";
import assert from "node:assert/strict";
import { signCheckpoint } from "../../src/ledger/checkpoint.ts";
import { verifierOf } from "../../src/ledger/ed25519.ts";
import { signKeyStatement, statementsText } from "../../src/ledger/key-statement.ts";
import { leafText } from "../../src/ledger/leaf.ts";
import { EMPTY_ROOT, hashLeaf } from "../../src/ledger/merkle.ts";
import { storeSource } from "../../src/ledger/store-source.ts";
import { verifyLog } from "../../src/ledger/verify.ts";
import type { StoredBatch } from "../../src/wire/contracts/store.ts";
import {
  addSnapshot,
  ArrayStore,
  event,
  firstStatement,
  logKeys,
  logSigner,
  makeLog,
  nextSigner,
  ORIGIN,
  rootPublicKey,
  rootSigner,
  sealerFor,
  verifyStore,
} from "./fixture.ts";

const SIZES = [1, 3, 1, 2, 1];

test("an untouched log verifies and says that it is not proven unforked", async () => {
  const store = await makeLog(SIZES);
  addSnapshot(store, 7);
  const result = await verifyStore(store);
  assert.deepEqual(result.findings, []);
  assert.equal(result.size, 8);
  assert.equal(result.origin, ORIGIN);
  assert.equal(result.statement, "consistent; not proven unforked");
  assert.deepEqual(result.payloads, { opened: 3, erased: 0, sealed: 0, notIncluded: 0 });
  assert.equal((await verifyStore(store, { everySignature: true, since: result.checkpoint ?? "" })).ok, true);
});

test("an empty log verifies", async () => {
  const result = await verifyStore(new ArrayStore());
  assert.deepEqual([result.ok, result.size, result.checkpoint], [true, 0, null]);
  assert.equal(result.root, Buffer.from(EMPTY_ROOT).toString("base64"));
});

/** Puts another batch in the place of the one at `index`. */
function withBatch(store: ArrayStore, index: number, changed: Partial<StoredBatch>): ArrayStore {
  const copy = Object.assign(new ArrayStore(), {
    batches: [...store.batches],
    tiles: store.tiles,
    keys: store.keys,
    snapshots: store.snapshots,
  });
  copy.batches[index] = { ...(store.batches[index] as StoredBatch), ...changed };
  return copy;
}

/** Every variant of a text or byte row with one byte changed; text is read back as a store would, as UTF-8. */
function* flips(bytes: Uint8Array): Generator<[number, Buffer]> {
  for (let at = 0; at < bytes.length; at++) {
    for (const mask of [1, 0x80]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ mask;
      yield [at, changed];
    }
  }
}

/** The event whose line a byte of the joined leaves belongs to; a separator belongs to the line that it ends. */
function lineAt(leaves: Buffer, at: number): number {
  return leaves.subarray(0, at).toString("latin1").split("\n").length - 1;
}

test("every flipped byte of every leaf is found, and the event is named", async () => {
  const store = await makeLog(SIZES);
  for (const [index, batch] of store.batches.entries()) {
    const bytes = Buffer.from(batch.leaves);
    for (const [at, changed] of flips(bytes)) {
      const { first } = await verifyStore(withBatch(store, index, { leaves: changed.toString() }));
      assert.equal(first?.seq, batch.firstSeq + lineAt(bytes, at), `byte ${at} of batch ${index}`);
    }
  }
});

test("every flipped byte of every stored leaf hash is found, and the event is named", async () => {
  const store = await makeLog(SIZES);
  for (const [index, batch] of store.batches.entries()) {
    for (const [at, leafHashes] of flips(batch.leafHashes)) {
      const { first, findingsTotal } = await verifyStore(withBatch(store, index, { leafHashes }));
      assert.deepEqual(
        [first?.seq, first?.code, findingsTotal],
        [batch.firstSeq + Math.floor(at / 32), "leaf-hash-altered", 1],
      );
    }
  }
});

test("every flipped byte of every checkpoint is found, and the batch it closes is named", async () => {
  const store = await makeLog(SIZES);
  for (const [index, batch] of store.batches.entries()) {
    for (const [at, changed] of flips(Buffer.from(batch.checkpoint))) {
      const { first, findingsTotal } = await verifyStore(withBatch(store, index, { checkpoint: changed.toString() }));
      const found = [first?.seq, first?.code, findingsTotal];
      assert.deepEqual(
        found,
        [batch.firstSeq + batch.count - 1, "checkpoint-altered", 1],
        `byte ${at} of checkpoint ${index}`,
      );
    }
  }
});

test("every flipped byte of every payload box and wrapped key is found, and the event is named", async () => {
  const store = await makeLog(SIZES);
  for (const [index, batch] of store.batches.entries()) {
    for (const payload of batch.payloads) {
      for (const [, box] of flips(payload.box)) {
        const { first } = await verifyStore(withBatch(store, index, { payloads: [{ ...payload, box }] }));
        assert.deepEqual([first?.seq, first?.code], [payload.seq, "payload-altered"]);
      }
      const wrapped = store.keys.get(payload.keyId) ?? new Uint8Array(0);
      for (const [, changed] of flips(wrapped)) {
        store.keys.set(payload.keyId, changed);
        assert.equal((await verifyStore(store)).first?.seq, payload.seq);
      }
      store.keys.set(payload.keyId, wrapped);
    }
  }
});

/** Each byte of 8,192 takes a whole verification: one of seven is flipped, and with FLIP_STRIDE=1 every single one (half a minute). */
const TILE_STRIDE = Number(process.env["FLIP_STRIDE"] ?? 7);

test("every flipped byte of a tile is found, and the event is named", async () => {
  const store = await makeLog([250, 20]);
  const [tile] = store.tiles;
  assert.ok(tile !== undefined && store.tiles.length === 1);
  const intact = await storeSource(store);
  for (let at = 0; at < tile.hashes.length; at += TILE_STRIDE) {
    const hashes = Buffer.from(tile.hashes);
    hashes[at] = (hashes[at] ?? 0) ^ 4;
    const result = await verifyLog({ ...intact, readTile: async () => hashes }, { rootPublicKey });
    assert.deepEqual(
      [result.first?.seq, result.first?.code, result.findingsTotal],
      [Math.floor(at / 32), "tile-altered", 1],
    );
  }
  store.tiles.length = 0;
  assert.equal((await verifyStore(store)).first?.code, "tile-altered");
});

test("a snapshot of another history of the same log is found", async () => {
  const store = await makeLog(SIZES);
  const other = await makeLog([8]);
  const sealer = await sealerFor(other, logKeys());
  other.append(sealer.seal([event(8)]));
  addSnapshot(other, 9);
  store.append((await sealerFor(store, logKeys())).seal([event(8, { subject: "act_otherwise" })]));
  assert.equal((await verifyStore(other)).ok, true);
  store.snapshots.push(...other.snapshots);
  assert.equal((await verifyStore(store)).first?.code, "snapshot-altered");
});

test("every flipped byte of a snapshot and its note is found", async () => {
  const store = await makeLog(SIZES);
  addSnapshot(store, 7);
  const [snapshot] = store.snapshots;
  assert.ok(snapshot !== undefined);
  for (const [, bytes] of flips(snapshot.bytes)) {
    store.snapshots[0] = { ...snapshot, bytes };
    assert.equal((await verifyStore(store)).first?.code, "snapshot-altered");
  }
  for (const [, note] of flips(Buffer.from(snapshot.note))) {
    store.snapshots[0] = { ...snapshot, note: note.toString() };
    assert.equal((await verifyStore(store)).first?.code, "snapshot-altered");
  }
  store.snapshots[0] = { ...snapshot, size: 6 };
  assert.equal((await verifyStore(store)).first?.code, "snapshot-altered");
});

test("every flipped byte of the key statements is found", async () => {
  const store = await makeLog([1]);
  for (const [at, changed] of flips(Buffer.from(statementsText([firstStatement])))) {
    store.meta.set("statements", changed.toString());
    const isFound = await verifyStore(store).then(
      ({ ok }) => !ok,
      () => true,
    );
    assert.ok(isFound, `byte ${at}`);
  }
});

test("a leaf changed together with its hash and its tile is still named by what is left, or by its batch", async () => {
  const store = await makeLog([2, 3, 260]);
  const last = store.batches[2] as StoredBatch;
  const lines = last.leaves.split("\n");
  lines[100] = leafText({ ...event(105), actor: "agent:other" }, null);
  const leafHashes = Buffer.from(last.leafHashes);
  leafHashes.set(hashLeaf(lines[100] ?? ""), 3200);
  const changed = withBatch(store, 2, { leaves: lines.join("\n"), leafHashes });
  assert.deepEqual((await verifyStore(changed)).first, {
    seq: 105,
    code: "leaf-altered",
    detail: "a leaf is not the one in its tile, nor under its checkpoint",
  });
  const source = { ...(await storeSource(changed)), readTile: async () => null };
  const { first } = await verifyLog(source, { rootPublicKey });
  assert.deepEqual([first?.seq, first?.code], [5, "root-mismatch"]);
});

test("dropped, repeated and swapped batches are found where they begin", async () => {
  const store = await makeLog(SIZES);
  const source = await storeSource(store);
  const [a, b, c, d, e] = store.batches as [StoredBatch, StoredBatch, StoredBatch, StoredBatch, StoredBatch];
  for (const [batches, seq] of [
    [[a, c, d, e], 1],
    [[a, b, b, c], 4],
    [[b, a, c], 0],
    [[a, c, b], 1],
  ] as const) {
    const { first } = await verifyLog({ ...source, batches: inOrder(batches) }, { rootPublicKey });
    assert.deepEqual([first?.seq, first?.code], [seq, "sequence-gap"]);
  }
});

async function* inOrder(batches: readonly StoredBatch[]) {
  yield* batches;
}

test("a truncated log is found with a checkpoint that was kept, and not without", async () => {
  const store = await makeLog(SIZES);
  const since = store.batches[4]?.checkpoint ?? "";
  store.batches.pop();
  assert.equal((await verifyStore(store)).ok, true);
  const { first, statement } = await verifyStore(store, { since });
  assert.deepEqual([first?.code, first?.seq, statement], ["truncated", 7, "does not verify"]);
});

test("a fork that the holder of the log key signed again is found with a checkpoint that was kept", async () => {
  const store = await makeLog(SIZES);
  const since = store.batches[1]?.checkpoint ?? "";
  const fork = new ArrayStore();
  const sealer = await sealerFor(fork, logKeys());
  for (const count of SIZES) {
    const first = sealer.size;
    fork.append(sealer.seal(Array.from({ length: count }, (_, i) => ({ ...event(first + i), actor: "agent:forger" }))));
  }
  assert.equal((await verifyStore(fork)).ok, true);
  const { findings } = await verifyStore(fork, { since });
  assert.deepEqual(
    findings.map(({ code }) => code),
    ["forked"],
  );
  assert.equal((await verifyStore(store, { since })).statement, "consistent, and consistent with the given checkpoint");
});

test("a checkpoint of another log or another key is no ground to compare with", async () => {
  const store = await makeLog(SIZES);
  const foreign = signCheckpoint({ origin: ORIGIN, size: 1, root: EMPTY_ROOT, extension: [] }, nextSigner);
  for (const since of [foreign, "", "x\n\n", store.batches[0]?.checkpoint.replace("/main", "/mine") ?? ""]) {
    assert.equal((await verifyStore(store, { since })).first?.code, "since-invalid");
  }
});

test("a chain that a forger goes on with, without the log key, is named from its first event", async () => {
  for (const at of [70, 130]) {
    const store = await makeLog(Array.from({ length: at }, () => 1));
    // All links and roots fit, the key id is the true one: only the signatures are another key's.
    const forger = { ...logSigner, sign: (bytes: Uint8Array) => nextSigner.sign(bytes) };
    const sealer = await sealerFor(store, logKeys(), forger);
    while (sealer.size < 200) store.append(sealer.seal([{ ...event(sealer.size), actor: "agent:forger" }]));
    const { first, findingsTotal } = await verifyStore(store);
    assert.deepEqual([first?.seq, first?.code, findingsTotal], [at, "checkpoint-altered", 200 - at]);
  }
});

test("after erasing every key, and after the bytes are gone too, the log verifies and its leaves are the same", async () => {
  const store = await makeLog(SIZES);
  const before = await verifyStore(store);
  store.keys.clear();
  const erased = await verifyStore(store);
  assert.deepEqual([erased.ok, erased.payloads], [true, { opened: 0, erased: 3, sealed: 0, notIncluded: 0 }]);
  for (const index of store.batches.keys())
    store.batches[index] = { ...(store.batches[index] as StoredBatch), payloads: [] };
  const compacted = await verifyStore(store, { since: before.checkpoint ?? "" });
  assert.deepEqual([compacted.ok, compacted.root], [true, before.root]);
});

test("a payload that is gone while its key is there is found", async () => {
  const store = await makeLog(SIZES);
  const { first } = await verifyStore(withBatch(store, 0, { payloads: [] }));
  assert.deepEqual([first?.seq, first?.code], [0, "payload-missing"]);
});

test("without the key-encryption key payloads stay closed and everything else verifies", async () => {
  const store = await makeLog(SIZES);
  const result = await verifyStore(store, { keyEncryptionKey: undefined });
  assert.deepEqual([result.ok, result.payloads], [true, { opened: 0, erased: 0, sealed: 3, notIncluded: 0 }]);
});

test("a rotated log verifies, and the old key is worth nothing after its last size", async () => {
  const store = await makeLog([2, 1]);
  const statements = [
    firstStatement,
    signKeyStatement({ logKey: verifierOf(logSigner).text, fromSize: 0, revokedAtSize: 4 }, rootSigner),
    signKeyStatement({ logKey: verifierOf(nextSigner).text, fromSize: 4, revokedAtSize: null }, rootSigner),
  ];
  store.meta.set("statements", statementsText(statements));
  const keys = logKeys(statements);
  await assert.rejects(sealerFor(store, keys, logSigner), { code: "config-invalid" });
  const sealer = await sealerFor(store, keys, nextSigner);
  store.append(sealer.seal([event(3)]));
  store.append(sealer.seal([event(4)]));
  assert.deepEqual((await verifyStore(store)).findings, []);
  store.meta.set("statements", statementsText([firstStatement]));
  assert.deepEqual(
    [(await verifyStore(store)).first?.seq, (await verifyStore(store)).first?.code],
    [3, "checkpoint-altered"],
  );
});

test("a log of another root key does not verify", async () => {
  const store = await makeLog([1]);
  const { first } = await verifyStore(store, { rootPublicKey: verifierOf(nextSigner).text });
  assert.equal(first?.code, "statements-invalid");
});
