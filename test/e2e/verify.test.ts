// What an auditor finds, who is handed a data folder, an export or a receipt and trusts the root's public key alone.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { openSqlite } from "../../src/adapters/stores/sqlite.ts";
import { openSqliteReader } from "../../src/adapters/stores/sqlite-reader.ts";
import { parseLeaves } from "../../src/history/leaves.ts";
import { Sealer } from "../../src/ledger/seal.ts";
import { verifySnapshot } from "../../src/ledger/snapshot-note.ts";
import { storeSource } from "../../src/ledger/store-source.ts";
import { verifyLog, type LogBatch } from "../../src/ledger/verify.ts";
import { loadKeys } from "../../src/main/keys.ts";
import type { StoredBatch } from "../../src/wire/contracts/store.ts";
import { openTerminal } from "../cli/terminal.ts";
import { LedgerCopy, verdictOf } from "./ledger-copy.ts";
import { eventually, noteOf, SECOND, TestServer } from "./server.ts";

const PROPOSALS = 200; // at two events or more each, a full tile

let dir: string;
let server: TestServer;
/** All that the auditor trusts: a copy of the root's public key, from elsewhere. */
let root: string;
let receipt: string;
let kept: string;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "holdpoint-audit-"));
  root = join(dir, "root.pub");
  receipt = join(dir, "receipt.json");
  kept = join(dir, "checkpoint");
  server = await TestServer.create({
    snapshotEvery: 100,
    limits: { writes: { burst: 1_000, perSecond: 1_000 } },
  });
  await server.start();
  const held = await server.propose(noteOf("who reads this decides", "production"), "held");
  const { id } = held.body as { id: string };
  const action = await server.call("GET", `/v1/actions/${id}`);
  const { planHash } = action.body as { planHash: string };
  const answer = { decision: "approve", planHash, reason: "seen" };
  const approved = await server.call("POST", `/v1/actions/${id}/approvals`, { as: SECOND, body: answer, key: "yes" });
  assert.equal(approved.status, 200);
  await server.send([{ service: "cart", startsAt: new Date().toISOString() }]);
  for (let i = 0; i < 5; i++) await server.propose(noteOf(`one by one ${i}`), `slow-${i}`);
  await Promise.all(Array.from({ length: PROPOSALS }, (_, i) => server.propose(noteOf(`note ${i}`), `quick-${i}`)));
  await eventually("a full tile", async () => ((await server.events()).length > 256 ? true : undefined));
  const proof = await server.call("GET", `/v1/actions/${id}/receipt`);
  writeFileSync(receipt, JSON.stringify(proof.body));
  writeFileSync(kept, (await server.call("GET", "/v1/ledger/checkpoint")).body as string);
  await server.kill("SIGTERM");
  copyFileSync(join(server.dataDir, "root.pub"), root);
});

after(async () => {
  await server.remove();
  rmSync(dir, { recursive: true, force: true });
});

function copy(): LedgerCopy {
  return new LedgerCopy(server.dataDir, dir);
}

function* flips(bytes: Uint8Array, stride = 1): Generator<[number, Buffer]> {
  for (let at = 0; at < bytes.length; at += stride) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    yield [at, changed];
  }
}

it("what the server left verifies, and is not proven unforked without a checkpoint that was kept", async () => {
  const whole = copy();
  assert.deepEqual(await whole.verify(root), { code: 0, statement: "consistent; not proven unforked", first: null });
  const since = await whole.verify(root, "--since", kept, "--every-signature");
  assert.deepEqual([since.code, since.statement], [0, "consistent, and consistent with the given checkpoint"]);
});

const COLUMNS = [
  { column: "leaves", type: "blob", table: "batches", where: "count > 1 order by first_seq desc limit 1" },
  { column: "leaf_hashes", type: "blob", table: "batches", where: "count > 1 order by first_seq desc limit 1" },
  { column: "checkpoint", type: "text", table: "batches", where: "first_seq > 9 order by first_seq limit 1" },
  { column: "payloads", type: "blob", table: "batches", where: "payloads is not null order by first_seq desc limit 1" },
  { column: "frames", type: "blob", table: "keys", where: "true order by first_seq desc limit 1" },
  { column: "hashes", type: "blob", table: "tiles", where: "level = 0 limit 1" },
  { column: "bytes", type: "blob", table: "snapshots", where: "true order by id desc limit 1" },
  { column: "note", type: "text", table: "snapshots", where: "true order by id desc limit 1" },
  { column: "value", type: "text", table: "meta", where: "name = 'statements'" },
] as const;

for (const { column, type, table, where } of COLUMNS) {
  it(`a changed byte of ${table}.${column} is found, with the first wrong event`, async () => {
    const ledger = copy();
    const { id, value } = ledger.one(
      `select rowid as id, cast(${column} as blob) as value from ${table} where ${where}`,
    );
    const bytes = value as Uint8Array;
    const batch = table === "batches" ? ledger.one("select * from batches where rowid = ?", id ?? 0) : null;
    for (const [at, changed] of flips(bytes, Math.ceil(bytes.length / 70))) {
      ledger.run(`update ${table} set ${column} = cast(? as ${type}) where rowid = ?`, changed, id ?? 0);
      const { code, first, statement } = await ledger.verify(root);
      assert.equal(code, 7, `byte ${at}: ${statement}`);
      if (batch !== null) {
        const offset = (first?.seq ?? -1) - Number(batch["first_seq"]);
        assert.ok(offset >= 0 && offset < Number(batch["count"]), `byte ${at} names event ${first?.seq}`);
      }
    }
    ledger.run(`update ${table} set ${column} = cast(? as ${type}) where rowid = ?`, bytes, id ?? 0);
    assert.equal((await ledger.verify(root)).code, 0);
  });
}

it("every single byte of the batch in which an action was proposed, held and decided is vouched for", async () => {
  const reader = openSqliteReader(copy().path);
  const { rootPublicKey, keyEncryptionKey, source, batches } = await readLog(reader);
  const index = batches.findIndex((batch) => batch.leaves.includes('"type":"action.proposed"'));
  const target = batches[index] as StoredBatch;
  // The bundle of the start is large; what it is vouched for by is checked above.
  const before = batches.slice(0, index).map((batch) => ({ ...batch, payloads: [] }));
  const readKey = (keyId: string): Promise<Uint8Array | null> =>
    Number(keyId) < target.firstSeq ? Promise.resolve(null) : reader.readKey(keyId);
  const verify = async (batch: LogBatch): Promise<number | null> => {
    const all = [...before, batch];
    const log = { origin: source.origin, statements: source.statements, batches: toAsync(all), readKey };
    return (await verifyLog(log, { rootPublicKey, keyEncryptionKey })).first?.seq ?? null;
  };
  assert.equal(await verify(target), null);
  const isInside = (seq: number | null): boolean =>
    seq !== null && seq >= target.firstSeq && seq < target.firstSeq + target.count;
  for (const [at, leaves] of flips(Buffer.from(target.leaves)))
    assert.ok(isInside(await verify({ ...target, leaves: leaves.toString() })), `leaf ${at}`);
  for (const [at, leafHashes] of flips(target.leafHashes))
    assert.ok(isInside(await verify({ ...target, leafHashes })), `hash ${at}`);
  for (const [at, note] of flips(Buffer.from(target.checkpoint)))
    assert.ok(isInside(await verify({ ...target, checkpoint: note.toString() })), `checkpoint ${at}`);
  for (const payload of target.payloads)
    for (const [at, box] of flips(payload.box))
      assert.equal(await verify({ ...target, payloads: [{ ...payload, box }] }), payload.seq, `payload ${at}`);
  await reader.close();
});

it("every single byte of a stored snapshot and its note is vouched for", async () => {
  const reader = openSqliteReader(copy().path);
  const { logKeys } = await loadKeys(reader, server.dataDir);
  const snapshot = await reader.latestSnapshot(Number.MAX_SAFE_INTEGER);
  assert.ok(snapshot !== null);
  verifySnapshot(snapshot, logKeys);
  for (const [at, bytes] of flips(snapshot.bytes, Math.ceil(snapshot.bytes.length / 2_000)))
    assert.throws(() => verifySnapshot({ ...snapshot, bytes }, logKeys), { code: "ledger-corrupt" }, `byte ${at}`);
  for (const [at, note] of flips(Buffer.from(snapshot.note))) {
    assert.throws(
      () => verifySnapshot({ ...snapshot, note: note.toString() }, logKeys),
      { code: "ledger-corrupt" },
      `byte ${at}`,
    );
  }
  await reader.close();
});

it("a byte changed anywhere in the file is found, or changes nothing of what the ledger says", async () => {
  const ledger = copy();
  const exported = async (): Promise<string> => {
    const path = join(ledger.dir, "export");
    const { code, err } = await ledger.terminal(["export", path, "--payloads"]);
    assert.equal(code, 0, err);
    return readFileSync(path, "utf8");
  };
  const whole = readFileSync(ledger.path);
  const said = await exported();
  const stride = Math.floor(whole.length / 61);
  for (let at = 37; at < whole.length; at += stride) {
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] ?? 0) ^ 0x04;
    for (const suffix of ["-wal", "-shm"]) rmSync(ledger.path + suffix, { force: true });
    writeFileSync(ledger.path, bytes);
    const { code, statement } = await ledger.verify(root);
    if (code === 0) assert.equal(await exported(), said, `byte ${at}`);
    else assert.ok(code === 7 || code === 1, `byte ${at}: ${code} ${statement}`);
  }
});

it("a log cut short is found with a kept checkpoint, and without one is only not proven unforked", async () => {
  const ledger = copy();
  const { end } = ledger.one("select first_seq as end from batches order by first_seq desc limit 1 offset 3");
  ledger.run("delete from batches where first_seq >= ?", end ?? 0);
  ledger.run("delete from snapshots where size > ?", end ?? 0);
  const { code, statement } = await ledger.verify(root);
  assert.deepEqual([code, statement], [0, "consistent; not proven unforked"]);
  const since = await ledger.verify(root, "--since", kept);
  assert.deepEqual([since.code, since.first?.code], [7, "truncated"]);
});

it("a history rewritten with the stolen log key is found with a kept checkpoint, and only with one", async () => {
  const ledger = copy();
  const old = openSqliteReader(join(server.dataDir, "ledger.db"));
  const events = (await old.readBatches(0, 4_096)).flatMap((batch) => parseLeaves(batch));
  await old.close();
  ledger.sql((db) => {
    for (const table of ["batches", "keys", "tiles", "snapshots"]) db.exec(`delete from ${table}`);
  });
  const store = openSqlite(ledger.path);
  const { signer, keyEncryptionKey, logKeys } = await loadKeys(store, ledger.dataDir);
  const random = { bytes: (count: number) => new Uint8Array(count) };
  const sealer = await Sealer.resume(store, logKeys, { signer, random, keyEncryptionKey });
  const forged = events.map((event) => (event.actor === SECOND ? { ...event, actor: "person:nobody" } : event));
  await store.append(sealer.seal(forged));
  await store.close();
  const { code, statement } = await ledger.verify(root);
  assert.deepEqual([code, statement], [0, "consistent; not proven unforked"]);
  const since = await ledger.verify(root, "--since", kept);
  assert.deepEqual([since.code, since.first?.code, since.first?.seq], [7, "forked", null]);
});

it("a receipt verifies in an empty folder with a copy of the root's public key, and with nothing less", async () => {
  const empty = mkdtempSync(join(dir, "elsewhere-"));
  const terminal = openTerminal({ dataDir: join(empty, "none"), configDir: join(empty, "none") });
  const verify = (path: string, key: string) => terminal(["verify", path, "--root", key]);
  const { code, out } = await verify(receipt, root);
  assert.equal(code, 0, out);
  assert.match(out, /Event +action\.[a-z]+ of act_[^]*Result +verifies/);
  assert.equal((await terminal(["verify", receipt])).code, 2);
  const text = readFileSync(receipt);
  const tampered = join(empty, "tampered.json");
  for (const [at, bytes] of flips(text, 11)) {
    writeFileSync(tampered, bytes);
    const refused = await verify(tampered, root);
    assert.equal(refused.code, 7, `byte ${at}: ${refused.out}${refused.err}`);
  }
  const stranger = await TestServer.create({});
  try {
    await stranger.start();
    await stranger.kill();
    assert.equal((await verify(receipt, join(stranger.dataDir, "root.pub"))).code, 7);
  } finally {
    await stranger.remove();
  }
});

it("an export verifies by itself, and a byte changed in it is found", async () => {
  const ledger = copy();
  const empty = mkdtempSync(join(dir, "elsewhere-"));
  mkdirSync(join(empty, "config"));
  const terminal = openTerminal({ dataDir: join(empty, "none"), configDir: join(empty, "config") });
  for (const flags of [[], ["--payloads"]]) {
    const path = join(empty, `export${flags.length}`);
    assert.equal((await ledger.terminal(["export", path, ...flags])).code, 0);
    const text = readFileSync(path, "utf8");
    assert.equal(text.includes("who reads this decides"), flags.length > 0);
    const verify = async (...more: string[]) =>
      verdictOf(await terminal(["verify", path, "--root", root, "-o", "json", ...more]));
    assert.equal((await verify("--since", kept)).code, 0);
    const bytes = Buffer.from(text);
    for (const [at, changed] of flips(bytes, Math.ceil(bytes.length / 40))) {
      writeFileSync(path, changed);
      const { code, statement } = await verify();
      assert.equal(code, 7, `byte ${at}: ${statement}`);
    }
  }
});

async function readLog(reader: ReturnType<typeof openSqliteReader>) {
  const source = await storeSource(reader);
  const { root: pinned, keyEncryptionKey } = await loadKeys(reader, server.dataDir);
  const batches = await reader.readBatches(0, 4_096);
  return { source, batches, rootPublicKey: pinned.text, keyEncryptionKey };
}

async function* toAsync<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
