// `verify`, `export` and `keys rotate` on data folders, whole and damaged, with no server.

import assert from "node:assert/strict";
import { copyFileSync, cpSync, existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openSqliteReader } from "../../src/adapters/stores/sqlite-reader.ts";
import { openSqlite } from "../../src/adapters/stores/sqlite.ts";
import { packLeaves } from "../../src/adapters/stores/stored-leaves.ts";
import { appendBatches, makeDataFolder, type DataFolder } from "./data-folder.ts";
import type { Outcome } from "./terminal.ts";

function verify(folder: DataFolder, ...rest: string[]): Promise<Outcome> {
  return folder.terminal(["verify", folder.dataDir, ...rest]);
}

function change(folder: DataFolder, sql: string, ...values: (string | Uint8Array)[]): void {
  const db = new DatabaseSync(join(folder.dataDir, "ledger.db"));
  try {
    db.prepare(sql).run(...values);
  } finally {
    db.close();
  }
}

test("a data folder verifies under the root key that the owner's configuration knows", async (t) => {
  const folder = await makeDataFolder(t);
  const { code, out, err } = await verify(folder);
  assert.equal(code, 0, err);
  assert.match(
    out,
    /^Log +log\.test\nEvents +8\n.*\nPayloads +4 opened, 0 sealed, 0 erased\nResult +consistent; not proven/,
  );
  const asJson = JSON.parse((await verify(folder, "-o", "json")).out) as { ok: boolean; size: number };
  assert.deepEqual([asJson.ok, asJson.size], [true, 8]);
});

test("a key beside the log is not trusted by itself: without a known root it is a usage error", async (t) => {
  const folder = await makeDataFolder(t, 1);
  rmSync(folder.rootKey);
  const { code, err } = await verify(folder);
  assert.equal(code, 2);
  assert.match(err, /no root key is known for log\.test/);
  assert.equal((await verify(folder, "--root", join(folder.dataDir, "root.pub"))).code, 0);
  const other = await makeDataFolder(t, 1);
  const wrong = await verify(folder, "--root", join(other.dataDir, "root.pub"));
  assert.equal(wrong.code, 7);
  assert.match(wrong.out, /statements-invalid/);
});

test("a changed leaf, payload or checkpoint is found, and the first wrong event is named", async (t) => {
  const folder = await makeDataFolder(t);
  const reader = openSqliteReader(join(folder.dataDir, "ledger.db"));
  const [batch] = await reader.readLeaves(4, 1);
  await reader.close();
  const leaves = packLeaves(Buffer.from(batch?.leaves.replace('"number":5', '"number":6') ?? ""));
  change(folder, "update batches set leaves = ? where first_seq = 4", leaves);
  const { code, out } = await verify(folder);
  assert.equal(code, 7);
  assert.match(out, /Result +does not verify\nFirst wrong +event 5: leaf-altered/);
});

test("every page of a damaged ledger file is found or makes no difference; nothing crashes", async (t) => {
  const folder = await makeDataFolder(t);
  const path = join(folder.dataDir, "ledger.db");
  const whole = readFileSync(path);
  const before = (await verify(folder)).out;
  for (let at = 16; at < whole.length; at += 1499) {
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] ?? 0) ^ 0x10;
    for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true });
    writeFileSync(path, bytes);
    const { code, out, err } = await verify(folder);
    if (code === 0) assert.equal(out, before, `byte ${at}`);
    else assert.ok(code === 7 || code === 1, `byte ${at}: ${code} ${err}`);
  }
});

test("a log cut short or begun anew is found with the checkpoint that was kept", async (t) => {
  const folder = await makeDataFolder(t);
  const kept = join(folder.dir, "kept");
  const first = await verify(folder, "--keep", kept);
  assert.equal(first.code, 0);
  assert.ok(first.err.endsWith(`: pass --since ${kept} next time\n`), first.err);
  assert.match((await verify(folder)).err, /keep a checkpoint \(--keep FILE\)/);
  assert.match((await verify(folder, "--since", kept)).out, /consistent with the given checkpoint/);
  change(folder, "delete from batches where first_seq >= 6");
  assert.equal((await verify(folder)).code, 0);
  const cut = await verify(folder, "--since", kept);
  assert.equal(cut.code, 7);
  assert.match(cut.out, /truncated/);
  change(folder, "delete from keys");
  await appendBatches(folder.dataDir, 2);
  const forked = await verify(folder, "--since", kept);
  assert.equal(forked.code, 7);
  assert.match(forked.out, /forked/);
});

test("an export verifies as the folder does, and a flipped byte of it is found", async (t) => {
  const folder = await makeDataFolder(t);
  const path = join(folder.dir, "export");
  assert.equal((await folder.terminal(["export", path])).code, 0);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.match((await folder.terminal(["verify", path])).out, /Events +8\n/);
  const bytes = readFileSync(path);
  for (let at = 0; at < bytes.length; at += 397) {
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    writeFileSync(path, flipped);
    const { code, err } = await folder.terminal(["verify", path]);
    assert.ok(code === 7 || code === 2, `byte ${at}: ${code} ${err}`); // 2: the name of a log that nobody knows
  }
  assert.equal((await folder.terminal(["verify", join(folder.dir, "nothing")])).code, 2);
  const missing = join(folder.dir, "missing");
  for (const words of [
    ["export", join(missing, "x")],
    ["verify", folder.dataDir, "--keep", join(missing, "x")],
  ]) {
    const { code, err } = await folder.terminal(words);
    assert.equal(code, 1);
    assert.ok(err.endsWith(`holdpoint: ${missing}/x cannot be written: there is no folder ${missing}\n`), err);
  }
  writeFileSync(path, "neither");
  assert.equal((await folder.terminal(["verify", path])).code, 7);
});

test("payloads are exported only when asked for, and only with their key", async (t) => {
  const folder = await makeDataFolder(t);
  const [closed, open] = [join(folder.dir, "closed"), join(folder.dir, "open")];
  await folder.terminal(["export", "--out", closed]);
  assert.ok(!readFileSync(closed, "utf8").includes("because"));
  const { out } = await folder.terminal(["verify", closed, "--root", join(folder.dataDir, "root.pub")]);
  assert.match(out, /0 opened, 0 sealed, 0 erased, 4 not included/, "nothing was erased: it was left out");
  await folder.terminal(["export", "--out", open, "--payloads"]);
  assert.ok(readFileSync(open, "utf8").includes("because 7"));
  rmSync(join(folder.dataDir, "keys", "payload.key"));
  assert.equal((await folder.terminal(["export", "--out", join(folder.dir, "none"), "--payloads"])).code, 1);
  assert.ok(!existsSync(join(folder.dir, "none")));
  assert.match((await verify(folder)).out, /0 opened, 4 sealed/);
});

const rotate = (folder: DataFolder): Promise<Outcome> => folder.terminal(["keys", "rotate", "--root", folder.rootKey]);

test("a rotated log key signs what comes after, again and again, and all of it verifies", async (t) => {
  const folder = await makeDataFolder(t, 1);
  const keys = new Set<string>();
  for (let i = 0; i < 3; i++) {
    const { code, out, err } = await rotate(folder);
    assert.equal(code, 0, err);
    keys.add(out);
    if (i !== 1) await appendBatches(folder.dataDir, 1); // twice at one size, too
    assert.equal((await verify(folder, "--every-signature")).code, 0);
  }
  assert.equal(keys.size, 3);
  assert.equal(statSync(join(folder.dataDir, "keys", "log.key")).mode & 0o777, 0o600);
  assert.ok(!existsSync(join(folder.dataDir, "keys", "log.key.next")));
});

test("a rotation that was cut off before or after its statements is finished by running it again", async (t) => {
  const folder = await makeDataFolder(t, 1);
  const [current, next] = ["log.key", "log.key.next"].map((name) => join(folder.dataDir, "keys", name));
  assert.ok(current && next);
  // Cut off before: the seed of a key that no statement names yet.
  writeFileSync(next, `${Buffer.alloc(32, 7).toString("base64")}\n`, { mode: 0o600 });
  await appendBatches(folder.dataDir, 1); // a server starts with it lying there
  copyFileSync(current, join(folder.dir, "old.key"));
  const first = await rotate(folder);
  assert.equal(first.code, 0, first.err);
  assert.equal(readFileSync(current, "utf8"), `${Buffer.alloc(32, 7).toString("base64")}\n`);
  // Cut off after: the statements name the new key, which is not in its place yet.
  renameSync(current, next);
  copyFileSync(join(folder.dir, "old.key"), current);
  const again = await rotate(folder);
  assert.equal(again.out, first.out);
  await appendBatches(folder.dataDir, 1);
  assert.equal((await verify(folder, "--every-signature")).code, 0);
});

test("a server that starts after such a cut finishes the rotation itself", async (t) => {
  const folder = await makeDataFolder(t, 1);
  const [current, next] = ["log.key", "log.key.next"].map((name) => join(folder.dataDir, "keys", name));
  assert.ok(current && next);
  copyFileSync(current, join(folder.dir, "old.key"));
  assert.equal((await rotate(folder)).code, 0);
  const rotated = readFileSync(current, "utf8");
  renameSync(current, next);
  copyFileSync(join(folder.dir, "old.key"), current);
  await appendBatches(folder.dataDir, 1);
  assert.equal(readFileSync(current, "utf8"), rotated);
  assert.ok(!existsSync(next));
  assert.equal((await verify(folder, "--every-signature")).code, 0);
});

test("nothing is rotated with another root key, with a wrong log key, or beside a running writer", async (t) => {
  const folder = await makeDataFolder(t, 1);
  const other = await makeDataFolder(t, 1);
  const wrongRoot = await folder.terminal(["keys", "rotate", "--root", other.rootKey]);
  assert.equal(wrongRoot.code, 1);
  assert.match(wrongRoot.err, /is not this log's root key/);
  const store = openSqlite(join(folder.dataDir, "ledger.db"));
  const busy = await rotate(folder);
  await store.close();
  assert.equal(busy.code, 1);
  assert.match(busy.err, /next: stop the server first/);
  cpSync(join(other.dataDir, "keys", "log.key"), join(folder.dataDir, "keys", "log.key"));
  assert.match((await rotate(folder)).err, /not the one that the statements name/);
  assert.equal((await folder.terminal(["keys", "rotate", "--data", folder.dir, "--root", folder.rootKey])).code, 1);
});
