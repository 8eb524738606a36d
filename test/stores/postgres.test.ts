// The PostgreSQL store: the contract on a real server, and what only a network and a server can do to it.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import pg from "pg";
import type { PostgresOptions } from "../../src/adapters/stores/postgres-connection.ts";
import { openPostgres, openPostgresReader } from "../../src/adapters/stores/postgres.ts";
import type { PostgresStore } from "../../src/adapters/stores/postgres.ts";
import type { AppError } from "../../src/core/errors.ts";
import type { LedgerStore, SealedBatch } from "../../src/wire/contracts/store.ts";
import { assertStored, makeBatch, makeBatches, makeKey } from "./batches.ts";
import { startCommitProxy } from "./commit-proxy.ts";
import { appendAll, storeContract } from "./contract.ts";
import { startPostgresServer } from "./postgres-server.ts";
import type { PostgresServer } from "./postgres-server.ts";
import { mountSmallDisk, remount, unmount } from "./small-disk.ts";
import { filesHolding } from "./sqlite-directory.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

let server: PostgresServer;
before(async () => {
  server = await startPostgresServer();
});
after(() => server.stop());

storeContract("the PostgreSQL store", async () => {
  const connectionString = await server.newSchema();
  const open = new Set<LedgerStore>();
  const another = async (): Promise<LedgerStore> => {
    const store = await openPostgres({ connectionString });
    open.add(store);
    return store;
  };
  const closeAll = async (): Promise<void> => {
    await Promise.all([...open].map((store) => store.close()));
    open.clear();
  };
  return {
    store: await another(),
    reopen: async () => {
      await closeAll();
      return another();
    },
    openSecond: another,
    dispose: closeAll,
  };
});

async function open(connectionString: string, options: Partial<PostgresOptions> = {}): Promise<PostgresStore> {
  const store = await openPostgres({ connectionString, ...options });
  cleanups.push(() => store.close());
  return store;
}

/** A store whose connections run through a proxy, and one beside it that does not. */
async function openThroughProxy() {
  const connectionString = await server.newSchema();
  const proxy = await startCommitProxy(server.port);
  cleanups.push(() => proxy.close());
  const store = await open(connectionString.replace(`:${server.port}/`, `:${proxy.port}/`));
  return { proxy, store, direct: await open(connectionString) };
}

for (const [mode, isKept] of [
  ["cut-after", true],
  ["cut-before", false],
  ["cut-late", true],
] as const) {
  it(`a commit whose answer is lost (${mode}) is unknown until the head tells the truth`, async () => {
    const { proxy, store } = await openThroughProxy();
    const first = makeBatch({ firstSeq: 0, count: 2 });
    const second = makeBatch({ firstSeq: 2, count: 3 });
    await store.append(first);
    await store.head();
    proxy.mode = mode;
    await assert.rejects(store.append(second), { code: "commit-unknown" });
    assert.equal(proxy.hits(), 1);
    proxy.mode = mode === "cut-late" ? mode : "forward";
    proxy.watched = "never";
    await assert.rejects(store.append(second), { code: "commit-unknown" });
    await assert.rejects(store.writeMeta("origin", "x"), { code: "commit-unknown" });
    const expected = isKept ? [first, second] : [first];
    const size = isKept ? 5 : 2;
    assert.deepEqual(await store.head(), { size, checkpoint: expected.at(-1)?.checkpoint });
    assertStored(await store.readBatches(0, 10), expected);
    await store.append(makeBatch({ firstSeq: size, count: 1 }));
  });
}

it("a connection lost before COMMIT is a definite failure, and nothing was written", async () => {
  const { proxy, store, direct } = await openThroughProxy();
  proxy.watched = "with fence as";
  proxy.mode = "cut-after";
  await assert.rejects(store.append(makeBatch({ firstSeq: 0, count: 1 })), { code: "store-unavailable" });
  assert.equal(proxy.hits(), 1);
  assert.equal((await direct.head()).size, 0);
  proxy.mode = "forward";
  await store.append(makeBatch({ firstSeq: 0, count: 1 }));
  assert.equal((await direct.head()).size, 1);
});

it("a writer that starts waits for a commit that its predecessor left under way", async () => {
  const connectionString = await server.newSchema();
  const proxy = await startCommitProxy(server.port);
  cleanups.push(() => proxy.close());
  const old = await open(connectionString.replace(`:${server.port}/`, `:${proxy.port}/`));
  const next = await open(connectionString);
  proxy.mode = "cut-late";
  await assert.rejects(old.append(makeBatch({ firstSeq: 0, count: 4 })), { code: "commit-unknown" });
  assert.equal((await next.head()).size, 4);
});

it("a server that is gone is a definite failure until it is back", async () => {
  const { proxy, store } = await openThroughProxy();
  await store.append(makeBatch({ firstSeq: 0, count: 1 }));
  await server.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'holdpoint'");
  await setTimeout(50); // the pool hears of it and drops what is broken
  await store.append(makeBatch({ firstSeq: 1, count: 1 }));
  await proxy.close();
  await assert.rejects(store.append(makeBatch({ firstSeq: 9, count: 1 })), { code: "store-unavailable" });
  await assert.rejects(store.head(), { code: "store-unavailable" });
  await assert.rejects(
    openPostgres({ connectionString: `postgres://postgres:test@127.0.0.1:${proxy.port}/postgres` }),
    {
      code: "store-unavailable",
    },
  );
});

it("a fence that another session holds times out as a definite failure", async () => {
  const connectionString = await server.newSchema();
  const store = await open(connectionString, { statementTimeoutMs: 200 });
  const holder = new pg.Client({ connectionString });
  await holder.connect();
  cleanups.push(() => holder.end());
  await holder.query("begin");
  await holder.query("select size from head for update");
  await assert.rejects(store.append(makeBatch({ firstSeq: 0, count: 1 })), { code: "store-unavailable" });
  await assert.rejects(store.head(), { code: "store-unavailable" });
  await holder.query("rollback");
  await store.append(makeBatch({ firstSeq: 0, count: 1 }));
});

it("of two that want to be the only writer the second is refused, until the first is gone", async () => {
  const connectionString = await server.newSchema();
  const losses: string[] = [];
  const onLockLost = ({ code }: AppError): void => void losses.push(code);
  const first = await openPostgres({ connectionString, onLockLost });
  const elsewhere = await open(await server.newSchema(), { onLockLost }); // another ledger in the same database
  await assert.rejects(openPostgres({ connectionString, onLockLost }), {
    code: "store-unavailable",
    message: "another process already writes to this ledger",
  });
  await first.append(makeBatch({ firstSeq: 0, count: 1 }));
  await first.close();
  const next = await open(connectionString, { onLockLost });
  await next.append(makeBatch({ firstSeq: 1, count: 1 }));
  await elsewhere.append(makeBatch({ firstSeq: 0, count: 1 }));
  assert.deepEqual(losses, []);
});

it("a writer whose session ends is told at once, and what takes over leaves it no place to write", async () => {
  const connectionString = await server.newSchema();
  const lost = Promise.withResolvers<AppError>();
  const old = await open(connectionString, { onLockLost: lost.resolve });
  await old.append(makeBatch({ firstSeq: 0, count: 1 }));
  await server.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'holdpoint writer'",
  );
  assert.equal((await lost.promise).code, "store-unavailable");
  const next = await open(connectionString, { onLockLost: () => undefined });
  await next.append(makeBatch({ firstSeq: 1, count: 1 }));
  await assert.rejects(old.append(makeBatch({ firstSeq: 1, count: 1, writer: "old" })), { code: "store-conflict" });
});

it("a reader stands beside the writer, writes nothing, and makes no ledger where there is none", async () => {
  const connectionString = await server.newSchema();
  await assert.rejects(openPostgresReader({ connectionString }), { code: "store-unavailable" });
  const client = new pg.Client({ connectionString });
  await client.connect();
  cleanups.push(() => client.end());
  const { rows } = await client.query("select to_regclass('batches') as made");
  assert.deepEqual(rows, [{ made: null }]);
  const store = await open(connectionString, { onLockLost: () => undefined });
  const reader = await openPostgresReader({ connectionString });
  cleanups.push(() => reader.close());
  await store.append(makeBatch({ firstSeq: 0, count: 2 }));
  assert.equal((await reader.head()).size, 2);
});

it("a session that may only read can read and is refused every write", async () => {
  const connectionString = await server.newSchema();
  const batches = makeBatches([2, 2]);
  await appendAll(await open(connectionString), batches);
  const readOnly = decodeURIComponent(connectionString) + " -c default_transaction_read_only=on";
  const store = await open(readOnly.replaceAll(" ", "%20"));
  assert.equal((await store.head()).size, 4);
  assertStored(await store.readBatches(0, 10), batches);
  await assert.rejects(store.append(makeBatch({ firstSeq: 4, count: 1 })), { code: "store-unavailable" });
  await assert.rejects(store.eraseKey("0"), { code: "store-unavailable" });
  await assert.rejects(store.writeMeta("origin", "x"), { code: "store-unavailable" });
});

it("a server that does not sync its commits is refused; an asynchronous session is made synchronous", async () => {
  const connectionString = await server.newSchema();
  await server.query("alter system set fsync = off");
  await server.query("select pg_reload_conf()");
  try {
    await assert.rejects(untilReloaded(connectionString), { code: "config-invalid" });
  } finally {
    await server.query("alter system reset fsync");
    await server.query("select pg_reload_conf()");
  }
  const careless = decodeURIComponent(await server.newSchema()) + " -c synchronous_commit=off";
  const store = await open(careless.replaceAll(" ", "%20"));
  await store.append(makeBatch({ firstSeq: 0, count: 1 }));
});

/** The server takes a moment to read its settings again. */
async function untilReloaded(connectionString: string): Promise<void> {
  for (let i = 0; i < 100; i++) {
    await (await openPostgres({ connectionString })).close();
    await setTimeout(20);
  }
}

it("a schema newer than the code and a changed released migration refuse to open", async () => {
  const connectionString = await server.newSchema();
  await (await openPostgres({ connectionString })).close();
  const client = new pg.Client({ connectionString });
  await client.connect();
  cleanups.push(() => client.end());
  await client.query("insert into schema_migrations values (2, '002-later.sql', 'x')");
  await assert.rejects(openPostgres({ connectionString }), { code: "store-newer" });
  await client.query("delete from schema_migrations where number = 2");
  await client.query("update schema_migrations set sha256 = 'x'");
  await assert.rejects(openPostgres({ connectionString }), { code: "config-invalid" });
});

it("several processes that open an empty schema at once set it up once", async () => {
  const connectionString = await server.newSchema();
  const stores = await Promise.all([1, 2, 3, 4].map(() => open(connectionString)));
  await stores[0]?.append(makeBatch({ firstSeq: 0, count: 1 }));
  for (const store of stores) assert.equal((await store.head()).size, 1);
});

it("the bytes of a destroyed key leave the data files at the next compaction", async () => {
  const store = await open(await server.newSchema());
  // Not the bytes that every other test's keys have.
  const keys = ["0", "1"].map((keyId) => ({ keyId, wrapped: makeKey(`own ${keyId}`).wrapped }));
  await store.append({ ...makeBatch({ firstSeq: 0, count: 2 }), keys });
  const holding = async (keyId: string): Promise<string[]> => {
    await server.query("checkpoint");
    return filesHolding(join(server.directory, "base"), makeKey(`own ${keyId}`).wrapped);
  };
  assert.notDeepEqual(await holding("0"), []);
  await store.eraseKey("0");
  await store.compact();
  assert.deepEqual(await holding("0"), []);
  assert.notDeepEqual(await holding("1"), []);
});

/** As large on the disk as it says: nothing of it can be compressed. */
function largeBatch(firstSeq: number): SealedBatch {
  const batch = makeBatch({ firstSeq, count: 1 });
  const box = createHash("shake256", { outputLength: 100_000 }).update(`${firstSeq}`).digest();
  return { ...batch, payloads: batch.payloads.map((payload) => ({ ...payload, box })) };
}

it("a full disk refuses definitely, loses nothing, and takes appends again when there is room", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "holdpoint-tablespace-"));
  cleanups.push(() => rmSync(directory, { recursive: true }));
  chmodSync(directory, 0o755);
  const disk = mountSmallDisk(t, directory, "size=2m");
  if (disk === undefined) return;
  cleanups.unshift(() => unmount(disk));
  const place = join(disk, "place");
  mkdirSync(place);
  const { uid, gid } = statSync(server.directory);
  chownSync(place, uid, gid);
  await server.query(`create tablespace small location '${place}'`);
  const connectionString = (await server.newSchema()) + encodeURIComponent(" -c default_tablespace=small");
  const store = await openPostgres({ connectionString });
  const batches: SealedBatch[] = [];
  const fill = async (): Promise<void> => {
    for (; batches.length < 30; batches.push(largeBatch(batches.length)))
      await store.append(largeBatch(batches.length));
  };
  await assert.rejects(fill(), { code: "store-unavailable", message: /No space left on device/ });
  assert.ok(batches.length > 2, `${batches.length} fitted`);
  assert.equal((await store.head()).size, batches.length);
  assertStored(await store.readBatches(0, 100), batches);
  remount(disk, "size=16m");
  await fill();
  assertStored(await store.readBatches(0, 100), batches);
  await store.close();
  await server.query(`drop schema ${/ledger_\d+/.exec(connectionString)?.[0]} cascade`);
  await server.query("drop tablespace small");
});

it("a PostgreSQL that is killed with -9 in the middle keeps whole batches, every acknowledged one among them", async () => {
  const store = await open(await server.newSchema());
  const whole = makeBatches(Array.from({ length: 2_000 }, (_, i) => 1 + (i % 3)));
  let acknowledged = 0;
  const appending = (async () => {
    for (const batch of whole) {
      await store.append(batch);
      acknowledged++;
    }
  })();
  while (acknowledged < 20) await setTimeout(5);
  const crashed = server.crash();
  await assert.rejects(appending, (error: AppError) => ["store-unavailable", "commit-unknown"].includes(error.code));
  await crashed;
  const { size } = await store.head();
  const kept = whole.filter(({ firstSeq }) => firstSeq < size);
  assert.ok(kept.length === acknowledged || kept.length === acknowledged + 1, `${kept.length} of ${acknowledged}`);
  assertStored(await store.readBatches(0, 4_000), kept);
  await store.append(makeBatch({ firstSeq: size, count: 1 }));
});
