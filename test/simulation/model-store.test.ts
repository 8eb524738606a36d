// The model store keeps the contract, fails as told, and its failures are those that real stores have.

import assert from "node:assert/strict";
import { it } from "node:test";
import { isAppError } from "../../src/core/errors.ts";
import { assertStored, makeBatch } from "../stores/batches.ts";
import { storeContract } from "../stores/contract.ts";
import { ModelDisk, ModelStore } from "./model-store.ts";
import type { Schedule, StoreFailure } from "./model-store.ts";
import { SeededRandom } from "./seeded-random.ts";

const SEEDS = 2_000;

storeContract("the model store", async () => {
  const disk = new ModelDisk();
  const open: ModelStore[] = [];
  const another = (): ModelStore => {
    const store = new ModelStore(disk);
    open.push(store);
    return store;
  };
  const closeAll = async (): Promise<void> => {
    for (const store of open.splice(0)) await store.close();
  };
  return {
    store: another(),
    reopen: async () => {
      await closeAll();
      return another();
    },
    openSecond: async () => another(),
    dispose: closeAll,
  };
});

const first = makeBatch({ firstSeq: 0, count: 2 });
const second = makeBatch({ firstSeq: 2, count: 1 });

async function failOnSecond(failure: StoreFailure) {
  const disk = new ModelDisk();
  const store = new ModelStore(disk, { random: new SeededRandom(1) });
  await store.append(first);
  disk.plan.push(failure);
  const error = await store.append(second).then(
    () => undefined,
    (thrown: unknown) => (isAppError(thrown) ? thrown.code : thrown),
  );
  assert.equal(disk.injected.get(failure), 1);
  return { disk, store, error };
}

for (const [failure, size] of [
  ["failed-kept", 3],
  ["failed-lost", 2],
  ["answer-lost", 3],
] as const) {
  it(`after ${failure} the store refuses writes until the head has told the truth`, async () => {
    const { store, error } = await failOnSecond(failure);
    assert.equal(error, "commit-unknown");
    await assert.rejects(store.append(second), { code: "commit-unknown" });
    await assert.rejects(store.writeMeta("origin", "x"), { code: "commit-unknown" });
    assert.equal((await store.head()).size, size);
    await store.append(makeBatch({ firstSeq: size, count: 1 }));
  });
}

it("a torn batch is there or not, and the head that told it stays true through a crash", async () => {
  const sizes = new Set<number>();
  for (let seed = 0; seed < 20; seed++) {
    const random = new SeededRandom(seed);
    const disk = new ModelDisk();
    const store = new ModelStore(disk, { random });
    disk.plan.push("failed-torn");
    await assert.rejects(store.append(first), { code: "commit-unknown" });
    const { size } = await store.head();
    disk.crash(random);
    assert.equal((await new ModelStore(disk, { random }).head()).size, size);
    sizes.add(size);
  }
  assert.deepEqual(sizes, new Set([0, 2]));
});

it("a full disk refuses one write, a read-only one all of them until it is opened anew", async () => {
  const full = await failOnSecond("full");
  assert.equal(full.error, "store-unavailable");
  await full.store.append(second);
  const readOnly = await failOnSecond("read-only");
  assert.equal(readOnly.error, "store-unavailable");
  await assert.rejects(readOnly.store.append(second), { code: "store-unavailable" });
  await assert.rejects(readOnly.store.eraseKey("0"), { code: "store-unavailable" });
  assert.equal((await readOnly.store.head()).size, 2);
  await new ModelStore(readOnly.disk).append(second);
});

it("a conflict writes nothing", async () => {
  const { store, error } = await failOnSecond("conflict");
  assert.equal(error, "store-conflict");
  assert.equal((await store.head()).size, 2);
});

it("a crash between any two steps keeps whole batches, every acknowledged one among them", async () => {
  const injected = new Set<string>();
  for (let seed = 0; seed < SEEDS; seed++) {
    try {
      await runSeed(seed, injected);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
  assert.deepEqual([...injected].sort(), [
    "answer-lost",
    "conflict",
    "failed-kept",
    "failed-lost",
    "failed-torn",
    "full",
    "read-only",
    "slow",
  ]);
});

/** One process after another appends to one disk, each until a failure or a crash at a random step ends it. */
async function runSeed(seed: number, injected: Set<string>): Promise<void> {
  const random = new SeededRandom(seed);
  const disk = new ModelDisk();
  const chance = 0.02;
  const rates = {
    "failed-kept": chance,
    "failed-lost": chance,
    "failed-torn": chance,
    "answer-lost": chance,
    conflict: chance,
    full: chance,
    "read-only": chance,
    slow: chance,
  };
  let acked = 0;
  for (let process = 0; process < 4; process++) {
    let stepsLeft = random.below(40);
    const schedule: Schedule = async (_label, run) => {
      if (stepsLeft-- === 0) disk.crash(random);
      return run();
    };
    const store = new ModelStore(disk, { schedule, random, rates });
    let { size } = await store.head().catch(() => ({ size: -1 }));
    while (size >= 0) {
      const batch = makeBatch({ firstSeq: size, count: 1 + random.below(3), leafBytes: 0, boxBytes: 16 });
      const error: unknown = await store.append(batch).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (error !== undefined) break;
      size += batch.count;
      acked = size;
      assert.equal(disk.size(), acked, "what is acknowledged is durable");
    }
    disk.crash(random);
    assert.ok(disk.size() >= acked, `${acked} were acknowledged, ${disk.size()} are there`);
    acked = disk.size();
  }
  const stored = await new ModelStore(disk).readBatches(0, 4_096);
  assertStored(stored, disk.batches);
  stored.forEach((batch, i) => assert.equal(batch.firstSeq, i === 0 ? 0 : sizeAfter(stored[i - 1])));
  for (const failure of disk.injected.keys()) injected.add(failure);
}

function sizeAfter(batch: { firstSeq: number; count: number } | undefined): number {
  return batch === undefined ? 0 : batch.firstSeq + batch.count;
}
