// What an SQLite ledger leaves in its files: one writer, torn journals, full and read-only disks, erased bytes.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, it } from "node:test";
import type { TestContext } from "node:test";
import fc from "fast-check";
import { openSqliteReader } from "../../src/adapters/stores/sqlite-reader.ts";
import { openSqlite } from "../../src/adapters/stores/sqlite.ts";
import type { SqliteOptions, SqliteStore } from "../../src/adapters/stores/sqlite.ts";
import { assertStored, makeBatch, makeBatches, makeKey } from "./batches.ts";
import { appendAll } from "./contract.ts";
import { mountSmallDisk, remount, unmount } from "./small-disk.ts";
import { copyDirectory, fileNames, filesHolding, makeSqliteDirectory } from "./sqlite-directory.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function makeDirectory(): { directory: string; path: string } {
  const made = makeSqliteDirectory();
  cleanups.push(made.remove);
  return made;
}

function open(path: string, options: SqliteOptions = {}): SqliteStore {
  const store = openSqlite(path, options);
  cleanups.push(() => store.close());
  return store;
}

it("a second writer on the same directory is refused until the first is closed", async () => {
  const { path } = makeDirectory();
  const first = open(path);
  await first.append(makeBatch({ firstSeq: 0, count: 1 }));
  assert.throws(() => openSqlite(path), { code: "store-unavailable", message: /another process already writes/ });
  const source = `
    import { openSqlite } from ${JSON.stringify(new URL("../../src/adapters/stores/sqlite.ts", import.meta.url).href)};
    try { openSqlite(process.argv[1]); } catch (error) { process.stdout.write(error.message); }`;
  const said = execFileSync(process.execPath, ["--input-type=module-typescript", "-e", source, path], {
    encoding: "utf8",
  });
  assert.match(said, /another process already writes to the ledger/);
  await first.append(makeBatch({ firstSeq: 1, count: 1 }));
  await first.close();
  assert.equal((await open(path).head()).size, 2);
});

it("a reader stands beside the writer, sees each commit, and cannot write", async () => {
  const { path } = makeDirectory();
  const writer = open(path);
  const reader = openSqliteReader(path);
  cleanups.push(() => reader.close());
  assert.equal((await reader.head()).size, 0);
  const batches = makeBatches([2, 3, 4]);
  for (const batch of batches) {
    await writer.append(batch);
    assert.deepEqual(await reader.head(), await writer.head());
  }
  assertStored(await reader.readBatches(0, 10), batches);
  await writer.eraseKey("0");
  assert.equal((await reader.readPayload(0))?.wrapped, null);
  assert.equal("append" in reader, false);
  await writer.close();
  assert.equal((await reader.head()).size, 9);
});

it("a reader can read what a crash left", async () => {
  const { directory, path } = makeDirectory();
  const batches = makeBatches([2, 3]);
  await appendAll(open(path), batches);
  const crashed = makeDirectory();
  copyDirectory(directory, crashed.directory);
  const reader = openSqliteReader(crashed.path);
  cleanups.push(() => reader.close());
  assertStored(await reader.readBatches(0, 10), batches);
});

it("a reader refuses what is no ledger", () => {
  const { directory, path } = makeDirectory();
  assert.throws(() => openSqliteReader(path), { code: "store-unavailable" });
  const foreign = join(directory, "foreign.db");
  const db = new DatabaseSync(foreign);
  db.exec("create table something (else_)");
  db.close();
  assert.throws(() => openSqliteReader(foreign), { code: "store-unavailable" });
  const text = join(directory, "text.db");
  writeFileSync(text, "this is not a database, only a text that is long enough to be looked at".repeat(40));
  assert.throws(() => openSqliteReader(text), { code: "ledger-corrupt" });
  assert.throws(() => openSqlite(text), { code: "ledger-corrupt" });
  assert.throws(() => openSqlite(join(directory, "missing", "ledger.db")), { code: "store-unavailable" });
});

it("only the owner can read the files", async () => {
  const { directory, path } = makeDirectory();
  await open(path).append(makeBatch({ firstSeq: 0, count: 1 }));
  for (const name of fileNames(directory)) assert.equal(statSync(join(directory, name)).mode & 0o077, 0, name);
});

it("a schema newer than the code and a changed released migration refuse to open", async () => {
  const { path } = makeDirectory();
  await openSqlite(path).close();
  const tamper = (sql: string): void => {
    const db = new DatabaseSync(path);
    db.exec(sql);
    db.close();
  };
  tamper("insert into schema_migrations values (2, '002-later.sql', 'x')");
  assert.throws(() => openSqlite(path), { code: "store-newer" });
  assert.throws(() => openSqliteReader(path), { code: "store-newer" });
  tamper("delete from schema_migrations where number = 2; update schema_migrations set sha256 = 'x'");
  assert.throws(() => openSqlite(path), { code: "config-invalid", message: /001-ledger\.sql/ });
  tamper("delete from schema_migrations");
  assert.throws(() => openSqlite(path), { code: "store-unavailable" });
});

it("a journal torn or damaged anywhere leaves whole batches from the start", async () => {
  const { directory, path } = makeDirectory();
  const batches = makeBatches(Array.from({ length: 24 }, (_, i) => 1 + (i % 5)));
  await appendAll(open(path), batches);
  const ends = new Set([0, ...batches.map((batch) => batch.firstSeq + batch.count)]);
  const image = makeDirectory();
  copyDirectory(directory, image.directory);
  rmSync(`${image.path}-shm`); // memory: no crash of the machine leaves it
  const journal = readFileSync(`${image.path}-wal`);
  const sizes = new Set<number>();
  const property = fc.asyncProperty(
    fc.nat(journal.length - 1),
    fc.constantFrom("cut", "flip", "zero"),
    async (at, harm) => {
      const torn = makeSqliteDirectory();
      try {
        copyDirectory(image.directory, torn.directory);
        if (harm === "cut") truncateSync(`${torn.path}-wal`, at);
        else writeFileSync(`${torn.path}-wal`, harmed(journal, at, harm));
        const store = openSqlite(torn.path);
        const { size } = await store.head();
        sizes.add(size);
        assert.ok(ends.has(size), `the log ends at ${size}, inside a batch`);
        assertStored(
          await store.readBatches(0, 100),
          batches.filter((batch) => batch.firstSeq < size),
        );
        await store.append(makeBatch({ firstSeq: size, count: 2, writer: "b" }));
        await store.close();
      } finally {
        torn.remove();
      }
    },
  );
  await fc.assert(property, { numRuns: 60, verbose: 0 });
  assert.ok(sizes.size > 5, "the damage fell on different batches");
});

function harmed(journal: Buffer, at: number, harm: "flip" | "zero"): Buffer {
  const copy = Buffer.from(journal);
  if (harm === "flip") copy[at] = (copy[at] ?? 0) ^ 0x01;
  else copy.fill(0, at, Math.min(at + 4096, copy.length));
  return copy;
}

it("a file at its bound refuses appends definitely, and takes them again when it may grow", async () => {
  const { path } = makeDirectory();
  const store = open(path, { fileBytesMax: 512 * 1024 });
  const failure = await appendUntilRefused(store);
  assert.equal(failure.code, "store-unavailable");
  assert.deepEqual(await store.head(), { size: failure.size, checkpoint: failure.checkpoint });
  await assert.rejects(store.writeMeta("large", "x".repeat(1_000_000)), { code: "store-unavailable" });
  assert.equal(await store.readMeta("large"), null);
  await store.close();
  const larger = open(path);
  assert.equal((await larger.head()).size, failure.size);
  await larger.append(makeBatch({ firstSeq: failure.size, count: 1, boxBytes: 100_000 }));
});

it("a full disk refuses or is unknown, and the head is true afterwards", async (t) => {
  const { directory } = makeDirectory();
  const disk = mountDisk(t, directory, "size=2m");
  if (disk === undefined) return;
  const path = join(disk, "ledger.db");
  const store = open(path);
  const failure = await appendUntilRefused(store);
  assert.ok(["store-unavailable", "commit-unknown"].includes(failure.code), failure.code);
  await store.close();
  remount(disk, "size=8m");
  const again = open(path);
  const { size } = await again.head();
  assert.ok(size === failure.size || (failure.code === "commit-unknown" && size === failure.size + 1));
  await again.append(makeBatch({ firstSeq: size, count: 1, writer: "b" }));
});

it("a read-only disk can be read and refuses to be written", async (t) => {
  const { directory } = makeDirectory();
  const disk = mountDisk(t, directory, "size=4m");
  if (disk === undefined) return;
  const path = join(disk, "ledger.db");
  const store = open(path);
  const batches = makeBatches([2, 2]);
  await appendAll(store, batches);
  await store.close();
  remount(disk, "ro");
  assert.throws(() => openSqlite(path), { code: "store-unavailable" });
  const reader = openSqliteReader(path);
  assertStored(await reader.readBatches(0, 10), batches);
  await reader.close();
});

function mountDisk(t: TestContext, directory: string, options: string): string | undefined {
  const disk = mountSmallDisk(t, directory, options);
  if (disk !== undefined) cleanups.push(() => unmount(disk));
  return disk;
}

async function appendUntilRefused(store: SqliteStore) {
  let checkpoint: string | null = null;
  for (let size = 0; size < 1_000; size++) {
    const batch = makeBatch({ firstSeq: size, count: 1, boxBytes: 20_000 });
    try {
      await store.append(batch);
    } catch (error) {
      return { size, checkpoint, code: String((error as { code?: unknown }).code) };
    }
    checkpoint = batch.checkpoint;
  }
  throw new Error("the disk never filled up");
}

it("the bytes of destroyed keys and of their payloads are in no file", async () => {
  const { directory, path } = makeDirectory();
  const store = open(path);
  const marker = Buffer.from("MARKER-".repeat(8));
  const batches = Array.from({ length: 200 }, (_, seq) => {
    const batch = makeBatch({ firstSeq: seq, count: 1, boxBytes: 64 + ((seq * 997) % 20_000) });
    if (seq % 3 !== 0) return batch;
    return {
      ...batch,
      payloads: [{ seq, keyId: String(seq), box: Buffer.alloc(64 + ((seq * 991) % 30_000), marker) }],
    };
  });
  await appendAll(store, batches.slice(0, 120));
  await store.maintain();
  await appendAll(store, batches.slice(120));
  assert.deepEqual(filesHolding(directory, marker).length > 0, true);
  for (let seq = 0; seq < 200; seq += 3) assert.equal(await store.eraseKey(String(seq)), true);
  for (const seq of [0, 99, 198]) assert.deepEqual(filesHolding(directory, makeKey(String(seq)).wrapped), []);
  assert.notDeepEqual(filesHolding(directory, makeKey("1").wrapped), []);
  assert.equal(await store.compact(), 67);
  assert.deepEqual(filesHolding(directory, marker.subarray(0, 24)), []);
  assertStored(
    await store.readBatches(0, 300),
    batches.map((b) => (b.firstSeq % 3 === 0 ? { ...b, payloads: [] } : b)),
  );
  await store.close();
  assert.deepEqual(filesHolding(directory, marker.subarray(0, 24)), []);
});

it("a reader that stands on the journal holds up compaction, not the destruction of a key", async () => {
  const { directory, path } = makeDirectory();
  const store = open(path);
  await appendAll(store, makeBatches([1, 1]));
  const reader = new DatabaseSync(path, { readOnly: true });
  cleanups.push(() => reader.isOpen && reader.close());
  reader.exec("begin");
  reader.prepare("select count(*) from batches").get();
  assert.equal(await store.eraseKey("0"), true);
  assert.equal(await store.readKey("0"), null);
  await assert.rejects(store.compact(), { code: "store-unavailable", message: /a reader holds the journal/ });
  await store.append(makeBatch({ firstSeq: 2, count: 1 }));
  reader.exec("commit");
  await store.compact();
  assert.deepEqual(filesHolding(directory, makeKey("0").wrapped), []);
  assert.equal((await store.head()).size, 3);
});

it("housekeeping moves the journal into the file, and the journal starts over", async () => {
  const { path } = makeDirectory();
  const store = open(path);
  let seq = 0;
  const appendMore = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await store.append(makeBatch({ firstSeq: seq++, count: 1, boxBytes: 100_000 }));
    await store.maintain();
  };
  await appendMore();
  const journalBytes = statSync(`${path}-wal`).size;
  assert.ok(journalBytes > 2_000_000 && statSync(path).size > 2_000_000);
  for (let i = 0; i < 3; i++) await appendMore();
  assert.ok(statSync(`${path}-wal`).size < journalBytes * 2, "the journal is used again from its start");
  assert.equal((await store.head()).size, 80);
});

it("compaction gives the space back once there is enough of it", async () => {
  const { directory, path } = makeDirectory();
  const store = open(path, { rebuildBytesMin: 200_000 });
  const batches = Array.from({ length: 40 }, (_, seq) => makeBatch({ firstSeq: seq, count: 1, boxBytes: 30_000 }));
  await appendAll(store, batches);
  await store.eraseKey("0");
  assert.equal(await store.compact(), 1);
  const before = statSync(path).size;
  for (let seq = 1; seq < 30; seq++) await store.eraseKey(String(seq));
  assert.equal(await store.compact(), 29);
  assert.ok(statSync(path).size < before / 2, "the file has shrunk");
  assert.equal(statSync(`${path}-wal`).size, 0);
  assertStored(
    await store.readBatches(0, 100),
    batches.map((b) => (b.firstSeq < 30 ? { ...b, payloads: [] } : b)),
  );
  for (let seq = 0; seq < 30; seq += 7) assert.deepEqual(filesHolding(directory, makeKey(String(seq)).wrapped), []);
  assert.equal(await store.compact(), 0);
});

it("damaged payload bytes are reported as damage", async () => {
  const { path } = makeDirectory();
  const store = openSqlite(path);
  await store.append(makeBatch({ firstSeq: 0, count: 2 }));
  await store.close();
  const db = new DatabaseSync(path);
  const row = db.prepare("select payloads from batches").get();
  const payloads = row?.["payloads"] as Uint8Array;
  for (const [at, value] of [
    [8, 9],
    [8, 1],
    [9, 255],
  ] as const) {
    const harm = Uint8Array.from(payloads);
    harm[at] = value;
    db.prepare("update batches set payloads = ?").run(harm);
    const reader = openSqliteReader(path);
    await assert.rejects(reader.readPayload(0), { code: "ledger-corrupt" });
    await assert.rejects(reader.readBatches(0, 1), { code: "ledger-corrupt" });
    await reader.close();
  }
  db.close();
});
