// What every ledger store must do: one suite, run on each of them.

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { isAppError } from "../../src/core/errors.ts";
import type { LedgerStore, SealedBatch } from "../../src/wire/contracts/store.ts";
import { assertStored, makeBatch, makeBatches, makeKey } from "./batches.ts";

/** A store over data of its own. */
export interface StoreUnderTest {
  readonly store: LedgerStore;
  /** Closes every store over the data and opens one anew. */
  reopen(): Promise<LedgerStore>;
  /** A second writer over the same data, fenced by the sequence alone. */
  openSecond(): Promise<LedgerStore>;
  /** Closes everything and removes the data. */
  dispose(): Promise<void>;
}

/** Registers the suite; `open` makes an empty store each time. */
export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps the store contract`, () => {
    const opened: StoreUnderTest[] = [];
    after(() => Promise.all(opened.map((one) => one.dispose())));
    const fresh = async (): Promise<StoreUnderTest> => {
      const one = await open();
      opened.push(one);
      return one;
    };
    appendTests(fresh);
    fenceTests(fresh);
    readTests(fresh);
    erasureTests(fresh);
    besideTests(fresh);
  });
}

type Fresh = () => Promise<StoreUnderTest>;

export async function appendAll(store: LedgerStore, batches: readonly SealedBatch[]): Promise<void> {
  for (const batch of batches) await store.append(batch);
}

function appendTests(fresh: Fresh): void {
  it("an empty log has size 0 and no checkpoint", async () => {
    const { store } = await fresh();
    assert.deepEqual(await store.head(), { size: 0, checkpoint: null });
    assert.deepEqual(await store.readBatches(0, 10), []);
  });

  it("appended batches are read back byte for byte, also after opening anew", async () => {
    const under = await fresh();
    const batches = makeBatches([1, 3, 256, 2]);
    await appendAll(under.store, batches);
    assert.deepEqual(await under.store.head(), { size: 262, checkpoint: batches[3]?.checkpoint });
    assertStored(await under.store.readBatches(0, 10), batches);
    const again = await under.reopen();
    assert.deepEqual(await again.head(), { size: 262, checkpoint: batches[3]?.checkpoint });
    assertStored(await again.readBatches(0, 10), batches);
  });

  it("a batch without payloads, keys or tiles is kept", async () => {
    const { store } = await fresh();
    const batch = { ...makeBatch({ firstSeq: 0, count: 2 }), payloads: [], keys: [] };
    await store.append(batch);
    assertStored(await store.readBatches(0, 1), [batch]);
    assert.equal(await store.readPayload(0), null);
    await assert.rejects(store.readKey("0"), { code: "ledger-corrupt" });
  });

  it("the caller may reuse its buffers once an append has returned", async () => {
    const { store } = await fresh();
    const batch = makeBatch({ firstSeq: 0, count: 1 });
    await store.append(batch);
    batch.leafHashes.fill(0);
    batch.payloads[0]?.box.fill(0);
    assertStored(await store.readBatches(0, 1), [makeBatch({ firstSeq: 0, count: 1 })]);
  });

  it("a batch that no correct writer makes is refused, and nothing of it is written", async () => {
    const { store } = await fresh();
    const good = makeBatch({ firstSeq: 0, count: 2 });
    const bad: SealedBatch[] = [
      { ...good, count: 0 },
      { ...good, count: 3 },
      { ...good, leafHashes: good.leafHashes.subarray(1) },
      { ...good, payloads: good.payloads.map((p) => ({ ...p, seq: p.seq + 1 })) },
      { ...good, payloads: good.payloads.toReversed() },
      { ...good, payloads: good.payloads.map((p) => ({ ...p, keyId: "key" })) },
      { ...good, payloads: good.payloads.map((p) => ({ ...p, keyId: "1" })) },
      { ...good, keys: [makeKey("0"), makeKey("0")] },
      { ...good, keys: [makeKey("2")] },
      { ...good, keys: [makeKey("-1")] },
      { ...good, tiles: [{ level: 0, index: 0, hashes: new Uint8Array(32) }] },
    ];
    for (const batch of bad) await assert.rejects(store.append(batch), { name: "InvariantError" });
    assert.equal((await store.head()).size, 0);
    await store.append(good);
  });
}

function fenceTests(fresh: Fresh): void {
  it("an append anywhere but at the end is a conflict and changes nothing", async () => {
    const { store } = await fresh();
    const batches = makeBatches([4, 4]);
    await appendAll(store, batches);
    for (const firstSeq of [0, 3, 4, 7, 9]) {
      const batch = makeBatch({ firstSeq, count: 1, writer: "b" });
      await assert.rejects(store.append(batch), { code: "store-conflict" });
      if (firstSeq % 4 !== 0) await assert.rejects(store.readKey(String(firstSeq)), { code: "ledger-corrupt" });
    }
    assertStored(await store.readBatches(0, 10), batches);
    await store.append(makeBatch({ firstSeq: 8, count: 1 }));
  });

  it("of two writers racing for a sequence exactly one wins, each time", async () => {
    const under = await fresh();
    const writers = [under.store, await under.openSecond()];
    const wins = [0, 0];
    for (let seq = 0; seq < 20; seq++) {
      const shape = { firstSeq: seq, count: 1 };
      const race = writers.map((store, i) => store.append(makeBatch({ ...shape, writer: `writer-${i}` })));
      const results = await Promise.allSettled(seq % 2 === 0 ? race : race.toReversed());
      const lost = results.filter((r) => r.status === "rejected");
      assert.equal(lost.length, 1);
      assert.ok(isAppError(lost[0]?.reason, "store-conflict"), String(lost[0]?.reason));
      const [kept] = await under.store.readBatches(seq, 1);
      const winner = kept?.leaves.includes("writer-0") === true ? 0 : 1;
      assert.match(kept?.checkpoint ?? "", new RegExp(`writer-${winner}`));
      wins[winner] = (wins[winner] ?? 0) + 1;
    }
    assert.equal((wins[0] ?? 0) + (wins[1] ?? 0), 20);
    assert.deepEqual(await writers[1]?.head(), await writers[0]?.head());
  });
}

function readTests(fresh: Fresh): void {
  it("reading starts at the batch that holds the sequence and stops at the asked number", async () => {
    const { store } = await fresh();
    const batches = makeBatches([3, 1, 5, 2]);
    await appendAll(store, batches);
    const firstSeqs = async (from: number, max: number) => (await store.readBatches(from, max)).map((b) => b.firstSeq);
    assert.deepEqual(await firstSeqs(0, 1), [0]);
    assert.deepEqual(await firstSeqs(2, 2), [0, 3]);
    assert.deepEqual(await firstSeqs(3, 9), [3, 4, 9]);
    assert.deepEqual(await firstSeqs(8, 9), [4, 9]);
    assert.deepEqual(await firstSeqs(10, 9), [9]);
    assert.deepEqual(await firstSeqs(11, 9), []);
    assert.deepEqual(await firstSeqs(1_000_000, 9), []);
  });

  it("leaves are read without their payloads", async () => {
    const { store } = await fresh();
    const batches = makeBatches([3, 1]);
    await appendAll(store, batches);
    const expected = batches.map((batch) => ({ ...batch, payloads: [] }));
    const leaves = await store.readLeaves(1, 9);
    assertStored(
      leaves.map((batch) => ({ ...batch, payloads: [] })),
      expected,
    );
    assert.deepEqual(await store.readLeaves(4, 9), []);
  });

  it("a read without a bound or a sequence is a programmer error", async () => {
    const { store } = await fresh();
    for (const [from, max] of [
      [-1, 1],
      [0.5, 1],
      [0, 0],
      [0, 1_000_000],
      [Number.NaN, 1],
    ] as const) {
      await assert.rejects(store.readBatches(from, max), { name: "InvariantError" });
    }
  });

  it("a payload is found by its sequence, with its key", async () => {
    const { store } = await fresh();
    const sparse = makeBatch({ firstSeq: 0, count: 4 });
    await store.append({ ...sparse, payloads: sparse.payloads.filter((p) => p.seq % 2 === 1) });
    await store.append(makeBatch({ firstSeq: 4, count: 1 }));
    const payload = await store.readPayload(3);
    assert.equal(payload?.keyId, "0");
    assert.deepEqual(Buffer.from(payload.box), Buffer.from(sparse.payloads[3]?.box ?? []));
    assert.deepEqual(Buffer.from(payload.wrapped ?? []), Buffer.from(makeKey("0").wrapped));
    assert.equal((await store.readPayload(4))?.keyId, "4");
    assert.equal(await store.readPayload(2), null);
    assert.equal(await store.readPayload(5), null);
  });

  it("full tiles are read back, and others are not there", async () => {
    const { store } = await fresh();
    const hashes = Buffer.alloc(256 * 32, 7);
    const tiles = [
      { level: 0, index: 0, hashes },
      { level: 1, index: 3, hashes: Buffer.alloc(256 * 32, 9) },
    ];
    await store.append({ ...makeBatch({ firstSeq: 0, count: 1 }), tiles });
    assert.deepEqual(Buffer.from((await store.readTile(0, 0)) ?? []), hashes);
    assert.equal((await store.readTile(1, 3))?.[0], 9);
    assert.equal(await store.readTile(0, 1), null);
    assert.equal(await store.readTile(1, 0), null);
  });
}

function erasureTests(fresh: Fresh): void {
  it("a destroyed key is gone at once, and its payloads at the next compaction", async () => {
    const under = await fresh();
    const { store } = under;
    const batches = [
      makeBatch({ firstSeq: 0, count: 3 }),
      makeBatch({ firstSeq: 3, count: 2 }),
      makeBatch({ firstSeq: 5, count: 2 }),
    ];
    await appendAll(store, batches);
    assert.equal(await store.eraseKey("0"), true);
    assert.equal(await store.eraseKey("0"), false);
    assert.equal(await store.eraseKey("5"), true);
    for (const none of ["1", "7", "no-such-key"]) assert.equal(await store.eraseKey(none), false);
    assert.equal(await store.readKey("0"), null);
    assert.equal((await store.readPayload(1))?.wrapped, null);
    const left = batches.map((batch) => (batch.firstSeq === 3 ? batch : { ...batch, payloads: [] }));
    assert.equal(await store.compact(), 5);
    for (const at of ["before", "after"]) {
      const one = at === "before" ? store : await under.reopen();
      assertStored(await one.readBatches(0, 10), left);
      assert.equal(await one.readPayload(1), null);
      assert.equal(await one.readPayload(6), null);
      assert.notEqual((await one.readPayload(4))?.wrapped, null);
      assert.equal(await one.compact(), 0);
    }
  });

  it("of a batch under several keys only the destroyed ones' payloads go", async () => {
    const { store } = await fresh();
    const batch = makeBatch({ firstSeq: 0, count: 6 });
    const payloads = batch.payloads.map((p) => ({ ...p, keyId: String(p.seq % 2) }));
    await store.append({ ...batch, payloads, keys: [makeKey("0"), makeKey("1")] });
    await store.eraseKey("1");
    assert.equal(await store.compact(), 3);
    const kept = payloads.filter((p) => p.keyId === "0");
    assert.deepEqual(Buffer.from((await store.readKey("0")) ?? []), Buffer.from(makeKey("0").wrapped));
    assert.equal(await store.readKey("1"), null);
    assertStored(await store.readBatches(0, 1), [{ ...batch, payloads: kept }]);
  });

  it("appends go on while payloads are compacted", async () => {
    const { store } = await fresh();
    await appendAll(store, makeBatches(Array.from({ length: 40 }, () => 1)));
    for (let seq = 0; seq < 40; seq += 2) await store.eraseKey(String(seq));
    const compacting = store.compact();
    for (let seq = 40; seq < 60; seq++) await store.append(makeBatch({ firstSeq: seq, count: 1 }));
    assert.equal(await compacting, 20);
    assert.equal((await store.head()).size, 60);
    assert.equal((await store.readBatches(0, 100)).flatMap((b) => b.payloads).length, 40);
  });
}

function besideTests(fresh: Fresh): void {
  it("the last two snapshots are kept, and the newest that is not too new is found", async () => {
    const under = await fresh();
    assert.equal(await under.store.latestSnapshot(1_000), null);
    for (const size of [10, 20, 30])
      await under.store.saveSnapshot({ size, bytes: Buffer.alloc(size, size), note: `note ${size}` });
    for (const at of ["before", "after"]) {
      const store = at === "before" ? under.store : await under.reopen();
      const newest = await store.latestSnapshot(1_000);
      assert.deepEqual(
        { ...newest, bytes: Buffer.from(newest?.bytes ?? []) },
        { size: 30, bytes: Buffer.alloc(30, 30), note: "note 30" },
      );
      assert.equal((await store.latestSnapshot(29))?.size, 20);
      assert.equal(await store.latestSnapshot(19), null);
    }
  });

  it("small values beside the log are durable and can be replaced", async () => {
    const under = await fresh();
    assert.equal(await under.store.readMeta("origin"), null);
    await under.store.writeMeta("origin", "first");
    await under.store.writeMeta("origin", "a log — with ünïcode");
    await under.store.writeMeta("format", "1");
    const again = await under.reopen();
    assert.equal(await again.readMeta("origin"), "a log — with ünïcode");
    assert.equal(await again.readMeta("format"), "1");
    assert.equal(await again.readMeta("statements"), null);
  });

  it("housekeeping changes nothing that can be read", async () => {
    const { store } = await fresh();
    const batches = makeBatches([200, 200]);
    await appendAll(store, batches);
    await store.maintain?.();
    assertStored(await store.readBatches(0, 10), batches);
  });

  it("closing twice is harmless, and a closed store answers nothing", async () => {
    const { store } = await fresh();
    await store.append(makeBatch({ firstSeq: 0, count: 1 }));
    await store.close();
    await store.close();
    const calls = [
      () => store.head(),
      () => store.readPayload(0),
      () => store.append(makeBatch({ firstSeq: 1, count: 1 })),
    ];
    for (const call of calls) await assert.rejects(call, { code: "store-unavailable" });
  });
}
