// The model's log: what was recorded is there again, verified under the ledger's root, and a forged log is none.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openSqlite } from "../../src/adapters/stores/sqlite.ts";
import { openSqliteReader } from "../../src/adapters/stores/sqlite-reader.ts";
import { verifyLog } from "../../src/ledger/verify.ts";
import { storeSource } from "../../src/ledger/store-source.ts";
import { prepareKeys, type InstallationKeys } from "../../src/main/keys.ts";
import { loadModelKeys, prepareModelKey } from "../../src/main/model-keys.ts";
import { ModelLog, modelPath } from "../../src/main/model-log.ts";
import { systemRandom } from "../../src/main/system.ts";
import { decideChange } from "../../src/model/change.ts";
import { readGraph } from "../../src/model/reads.ts";
import { service } from "../model/histories.ts";

let dir: string;
let keys: InstallationKeys;
let nowMs = 1_790_000_000_000;
const problems: string[] = [];

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "holdpoint-model-"));
  const places = { dataDir: join(dir, "data"), ownerDir: join(dir, "owner") };
  const ledger = openSqlite(join(dir, "ledger.db"));
  await prepareKeys(ledger, places, systemRandom, "log.example");
  await prepareModelKey(ledger, places, systemRandom);
  await prepareModelKey(ledger, places, systemRandom);
  keys = await loadModelKeys(ledger, places.dataDir);
  await ledger.close();
});
after(() => rmSync(dir, { recursive: true, force: true }));

const open = (): Promise<ModelLog> =>
  ModelLog.open({
    dataDir: dir,
    keys,
    clock: { nowMs: () => nowMs },
    random: systemRandom,
    snapshotEveryEvents: 4,
    onSnapshotProblem: (_size, cause) => problems.push(String(cause)),
  });

async function recordDeploys(log: ModelLog, from: number, count: number): Promise<void> {
  for (let i = from; i < from + count; i++) {
    nowMs += 1000;
    const change = { id: `c${i}`, kind: "deploy", at: nowMs, targets: [service("cart")], settings: [] } as const;
    const draft = decideChange(log.graph, change);
    assert.ok(draft);
    await log.append(draft, "person:ada");
  }
}

const everything = (log: ModelLog) =>
  readGraph(log.graph, { at: nowMs, knownAt: nowMs, from: 0, limit: 100, kinds: ["service", "deploy"] });

test("what was recorded is there after each start, from a snapshot and without one", async () => {
  let log = await open();
  await recordDeploys(log, 0, 3);
  const first = everything(log);
  assert.equal(first.nodes.length, 4);
  await log.close();
  log = await open();
  assert.deepEqual(everything(log), first);
  await recordDeploys(log, 3, 8);
  const second = everything(log);
  await log.close();
  const store = openSqliteReader(modelPath(dir));
  assert.ok((await store.latestSnapshot(Number.MAX_SAFE_INTEGER))?.size);
  await store.close();
  log = await open();
  assert.deepEqual(everything(log), second);
  await log.close();
  assert.deepEqual(problems, []);
});

test("the same change told again in the same words is not recorded again", async () => {
  const log = await open();
  const change = { id: "again", kind: "flag", at: nowMs, targets: [service("cart")], settings: [] } as const;
  const draft = decideChange(log.graph, change);
  assert.ok(draft);
  await log.append(draft, "person:ada");
  assert.equal(decideChange(log.graph, change), null);
  assert.ok(decideChange(log.graph, { ...change, at: nowMs - 1000 }), "a correction is");
  await log.close();
});

test("the log verifies offline under the root key of the ledger alone", async () => {
  const store = openSqliteReader(modelPath(dir));
  const result = await verifyLog(await storeSource(store), { rootPublicKey: keys.root.text });
  await store.close();
  assert.deepEqual([result.ok, result.origin], [true, "log.example/model"]);
});

test("a clock that went back does not stop it, and time never decreases along it", async () => {
  const log = await open();
  const { time } = log.graph;
  const was = nowMs;
  nowMs -= 3_600_000;
  await recordDeploys(log, 100, 1);
  assert.equal(log.graph.time, time);
  nowMs = was;
  await log.close();
});

test("a log whose last events were altered does not open", async () => {
  const log = await open();
  await recordDeploys(log, 200, 1);
  await log.close();
  const db = new DatabaseSync(modelPath(dir));
  const row = db.prepare("select max(first_seq) as seq from batches").get();
  db.prepare("update batches set leaf_hashes = zeroblob(32) where first_seq = ?").run(Number(row?.["seq"]));
  db.close();
  await assert.rejects(open(), { code: "ledger-corrupt" });
});
