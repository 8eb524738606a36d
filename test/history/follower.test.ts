// The follower: it ends where the live kernel stands, by whatever way it got there, and says when the record differs.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError, isAppError } from "../../src/core/errors.ts";
import { stateHash } from "../../src/kernel/snapshot.ts";
import { dump, ENGINE, follow, memoryViews } from "./following.ts";
import { engineWith } from "./fixed-policy.ts";
import { RecordedStore } from "./recorder.ts";
import { BUNDLES } from "./names.ts";
import { Workload } from "./workload.ts";

function recorded(seed: number, steps: number, engine = ENGINE): { workload: Workload; store: RecordedStore } {
  const workload = new Workload(engineWith(engine, BUNDLES), seed);
  for (let step = 0; step < steps; step++) workload.step();
  const store = new RecordedStore();
  store.batches.push(...workload.batches(3));
  return { workload, store };
}

test("it folds to the live state, finds every decision equal, and shows all of it", async () => {
  const { workload, store } = recorded(1, 500);
  const { follower, views, reports } = await follow(store);
  await follower.catchUp();
  const { position, compared, mismatched, notCompared } = follower.status();
  assert.equal(follower.stateHash(), stateHash(workload.state));
  assert.equal(position, workload.state.nextSeq);
  assert.equal(views.position(), position);
  // The log is opened before any engine has started, and is compared with none.
  assert.deepEqual([compared, mismatched, notCompared], [workload.groups.length - 1, 0, 1]);
  assert.deepEqual(reports.mismatches, []);
});

test("views built as events come are those built from scratch", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 - 1 }), async (seed) => {
      const { workload, store } = recorded(seed, 150);
      const slow = await follow(store);
      let groups = workload.groups.length;
      for (let round = 0; round < 10; round++) {
        await slow.follower.catchUp();
        for (let step = 0; step < 15; step++) workload.step();
        store.batches.push(...workload.batches(2, groups));
        groups = workload.groups.length;
      }
      await slow.follower.catchUp();
      const fresh = await follow(store);
      await fresh.follower.catchUp();
      assert.deepEqual(dump(slow.views), dump(fresh.views));
    }),
    { numRuns: 8 },
  );
});

test("it starts from its snapshot, also inside a batch, and reads only what came after", async () => {
  const { workload, store } = recorded(2, 400);
  const first = await follow(store, { snapshotEveryEvents: 100 });
  await first.follower.catchUp();
  assert.ok(store.snapshots.length >= 3);
  const size = store.snapshots.at(-1)?.size ?? 0;
  for (let step = 0; step < 50; step++) workload.step();
  store.batches.length = 0;
  store.batches.push(...workload.batches(1_000_000)); // one batch, in which the snapshot stands somewhere
  const again = await follow(store, { views: first.views });
  assert.equal(again.follower.status().stateSize, size);
  await again.follower.catchUp();
  assert.equal(again.follower.stateHash(), stateHash(workload.state));
  const fresh = await follow(store);
  await fresh.follower.catchUp();
  assert.deepEqual(dump(again.views), dump(fresh.views));
  assert.equal(again.follower.status().mismatched, 0);
});

test("it leaves a snapshot when it stops, and none when nothing is new", async () => {
  const { store, workload } = recorded(3, 100);
  const { follower } = await follow(store);
  await follower.catchUp();
  await follower.stop();
  assert.deepEqual(
    store.snapshots.map(({ size }) => size),
    [workload.state.nextSeq],
  );
  const again = await follow(store);
  await again.follower.stop();
  assert.equal(store.snapshots.length, 1);
});

test("views that were lost are built again though the state comes from a snapshot", async () => {
  const { store } = recorded(4, 300);
  const first = await follow(store);
  await first.follower.catchUp();
  await first.follower.stop();
  const again = await follow(store, { views: memoryViews() });
  await again.follower.catchUp();
  assert.deepEqual(dump(again.views), dump(first.views));
  assert.equal(again.follower.status().compared, 0);
});

test("views ahead of the snapshot are not projected twice", async () => {
  const { store, workload } = recorded(5, 300);
  const first = await follow(store);
  await first.follower.catchUp(); // killed here: views are written, no snapshot was
  const before = dump(first.views);
  const again = await follow(store, { views: first.views });
  await again.follower.catchUp();
  assert.deepEqual(dump(first.views), before);
  assert.equal(again.follower.stateHash(), stateHash(workload.state));
});

test("views of a longer log than this one are forgotten", async () => {
  const { store } = recorded(6, 300);
  const first = await follow(store);
  await first.follower.catchUp();
  store.batches.splice(20);
  const again = await follow(store, { views: first.views });
  await again.follower.catchUp();
  const fresh = await follow(store);
  await fresh.follower.catchUp();
  assert.deepEqual(dump(again.views), dump(fresh.views));
});

test("a snapshot that does not verify is passed over for the one before, and in the end for the log", async () => {
  const { store, workload } = recorded(7, 300);
  const first = await follow(store, { snapshotEveryEvents: 150 });
  await first.follower.catchUp();
  const [earlier, newest] = store.snapshots.slice(-2);
  assert.ok(earlier !== undefined && newest !== undefined);
  newest.bytes[100] = (newest.bytes[100] ?? 0) ^ 1;
  const second = await follow(store);
  assert.equal(second.follower.status().stateSize, earlier.size);
  for (const { bytes } of store.snapshots) bytes[7] = 0;
  const third = await follow(store);
  assert.equal(third.follower.status().stateSize, 0);
  await third.follower.catchUp();
  assert.equal(third.follower.stateHash(), stateHash(workload.state));
  assert.equal(third.reports.snapshotProblems.length, store.snapshots.length);
});

/** In the facts of an action's grant, not of a stage's. */
const GRANT_END = /("completed":[^\n]*)"expiresAt":\d+/;

test("a decision that the record tells otherwise is reported, and views and state follow the record", async () => {
  const { store } = recorded(8, 400);
  const victim = store.batches.findIndex(({ leaves }) => leaves.includes('"type":"action.granted"'));
  const batch = store.batches[victim];
  assert.ok(batch !== undefined);
  store.batches[victim] = { ...batch, leaves: batch.leaves.replace(GRANT_END, '$1"expiresAt":9000000000000') };
  const { follower, views, reports } = await follow(store);
  await follower.catchUp();
  const granted = reports.mismatches[0];
  assert.equal(granted?.expected?.type, "action.granted");
  assert.equal(granted.found?.type, "action.granted");
  assert.ok(follower.status().mismatched >= 1);
  assert.equal(views.find("actions", granted.expected.subject)?.events.at(-1) !== undefined, true);
  assert.equal(follower.status().stateSize, (await store.head()).size);
});

test("commands of another engine, or without the bytes of their bundle, are folded and not compared", async () => {
  const { store, workload } = recorded(9, 200, "an older engine");
  const other = await follow(store);
  await other.follower.catchUp();
  assert.deepEqual([other.follower.status().compared, other.follower.status().mismatched], [0, 0]);
  assert.equal(other.follower.stateHash(), stateHash(workload.state));

  const same = recorded(9, 200);
  const without = await follow(same.store, { loadPolicy: async () => undefined });
  await without.follower.catchUp();
  assert.deepEqual([without.follower.status().compared, without.follower.status().mismatched], [1, 0]);
  assert.equal(without.follower.stateHash(), stateHash(same.workload.state));
});

test("bundles are loaded before the command that proposes them, and again after a snapshot", async () => {
  const { store } = recorded(10, 100);
  const first = await follow(store);
  await first.follower.catchUp();
  await first.follower.stop();
  assert.deepEqual(first.reports.policies[0], { seq: 2, hash: BUNDLES[0] });
  const again = await follow(store);
  assert.deepEqual(again.reports.policies[0], { seq: 2, hash: BUNDLES[0] });
});

test("an outage of the store, the bundles or the views stops a catch-up, and the next goes on without a gap", async () => {
  const { store, workload } = recorded(11, 600);
  const views = memoryViews();
  const write = views.write.bind(views);
  let calls = 0;
  const fails = (): boolean => ++calls % 3 === 0;
  const engine = engineWith(ENGINE);
  const { follower } = await follow(
    Object.assign(new RecordedStore(), {
      head: () => store.head(),
      readLeaves: async (from: number, count: number) => {
        if (fails()) throw new AppError("store-unavailable", "away");
        return store.readLeaves(from, count);
      },
    }),
    {
      engine,
      loadPolicy: async ({ hash }) => {
        if (fails()) throw new AppError("store-unavailable", "away");
        engine.load(hash);
      },
      views: Object.assign(views, {
        write: (...args: Parameters<typeof write>) => {
          if (fails()) throw new AppError("store-unavailable", "away");
          write(...args);
        },
      }),
    },
  );
  let failed = 0;
  for (let attempt = 0; attempt < 200 && follower.status().position < workload.state.nextSeq; attempt++) {
    await follower.catchUp().catch((error: unknown) => {
      assert.ok(isAppError(error, "store-unavailable"));
      failed++;
    });
  }
  assert.ok(failed > 0);
  assert.equal(follower.stateHash(), stateHash(workload.state));
  const fresh = await follow(store);
  await fresh.follower.catchUp();
  assert.deepEqual(dump(views), dump(fresh.views));
});

test("snapshots that cannot be saved hold nothing up", async () => {
  const { store, workload } = recorded(12, 300);
  const broken = Object.assign(store, {
    saveSnapshot: async () => {
      throw new AppError("store-unavailable", "disk full");
    },
  });
  const { follower, reports } = await follow(broken, { snapshotEveryEvents: 100 });
  await follower.catchUp();
  await follower.stop();
  assert.equal(follower.status().position, workload.state.nextSeq);
  assert.ok(reports.snapshotProblems.length >= 2);
});

test("a call made while it catches up sees what was durable at that call", async () => {
  const { store, workload } = recorded(13, 100);
  const { follower } = await follow(store);
  const running = follower.catchUp();
  const groups = workload.groups.length;
  for (let step = 0; step < 50; step++) workload.step();
  store.batches.push(...workload.batches(3, groups));
  const later = [follower.catchUp(), follower.catchUp(), follower.catchUp()];
  assert.equal(new Set(later).size, 1);
  await Promise.all([running, ...later]);
  assert.equal(follower.status().position, workload.state.nextSeq);
});

test("leaves that are no events, out of place or cut off stop it as ledger-corrupt", async () => {
  for (const damage of [
    (leaves: string) => leaves.replace('"seq":', '"sEq":'),
    (leaves: string) => leaves.slice(0, -1),
    (leaves: string) => leaves.split("\n").reverse().join("\n"),
    (leaves: string) => leaves.split("\n").slice(1).join("\n"),
    (leaves: string) => leaves.replace(/"command":\d+/, '"command":0'),
    () => "null",
  ]) {
    const { store } = recorded(14, 60);
    const batch = store.batches[5];
    assert.ok(batch !== undefined);
    store.batches[5] = { ...batch, leaves: damage(batch.leaves) };
    const { follower } = await follow(store);
    await assert.rejects(follower.catchUp(), (error) => isAppError(error, "ledger-corrupt"));
  }
});
