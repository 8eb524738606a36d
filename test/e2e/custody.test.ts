// What becomes of a real installation's records: erased for good, signed on by another key, never folded when tampered.

import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, it } from "node:test";
import { openSqlite } from "../../src/adapters/stores/sqlite.ts";
import { openSqliteReader } from "../../src/adapters/stores/sqlite-reader.ts";
import { signerFromSeed } from "../../src/ledger/ed25519.ts";
import { parseLeaf } from "../../src/ledger/leaf.ts";
import { packLeaves, unpackRows } from "../../src/adapters/stores/stored-leaves.ts";
import { hashLeaf } from "../../src/ledger/merkle.ts";
import { parseNote, signNote } from "../../src/ledger/note.ts";
import { Sealer } from "../../src/ledger/seal.ts";
import { loadKeys } from "../../src/main/keys.ts";
import { openTerminal } from "../cli/terminal.ts";
import { LedgerCopy } from "./ledger-copy.ts";
import { PROPOSER, eventually, noteOf, SECOND, TestServer } from "./server.ts";

const dir = mkdtempSync(join(tmpdir(), "holdpoint-custody-"));
const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.remove();
});
after(() => rmSync(dir, { recursive: true, force: true }));

/** A server that has held one action and done many, and the id of the held one. */
async function serverAtWork(text: string): Promise<{ server: TestServer; held: string }> {
  const server = await TestServer.create({ snapshotEvery: 100 });
  servers.push(server);
  await server.start();
  const notes = (from: number) =>
    Promise.all(Array.from({ length: 40 }, (_, i) => server.propose(noteOf(`note ${i}`), `note-${from + i}`)));
  await notes(0);
  const { id } = (await server.propose(noteOf(text, "production"), "held")).body as { id: string };
  await notes(40);
  await eventually("a snapshot", async () => ((await snapshotSize(server)) > 0 ? true : undefined));
  return { server, held: id };
}

async function snapshotSize({ dataDir }: TestServer): Promise<number> {
  const reader = openSqliteReader(join(dataDir, "ledger.db"));
  try {
    return (await reader.latestSnapshot(Number.MAX_SAFE_INTEGER))?.size ?? 0;
  } finally {
    await reader.close();
  }
}

/** Files below `folder` that hold the bytes. */
function filesHolding(folder: string, bytes: Buffer): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes(bytes))
    .map(({ name }) => name);
}

type ActionDocument = { planHash: string; status: string; erased: readonly string[]; content: unknown };

async function readAction(server: TestServer, id: string): Promise<ActionDocument> {
  const answer = await server.call("GET", `/v1/actions/${id}`);
  assert.equal(answer.status, 200);
  return answer.body as ActionDocument;
}

async function approve(server: TestServer, id: string): Promise<void> {
  const { planHash } = await readAction(server, id);
  const body = { decision: "approve", planHash, reason: "seen" };
  const { status } = await server.call("POST", `/v1/actions/${id}/approvals`, { as: SECOND, body, key: `yes-${id}` });
  assert.equal(status, 200);
}

async function gauge(server: TestServer, name: string): Promise<number> {
  const text = String((await server.call("GET", "/metrics")).body);
  return Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1]);
}

/** The sealed content of a subject: boxes and wrapped keys as they are stored. */
async function sealedContent({ dataDir }: TestServer, subject: string): Promise<readonly Buffer[]> {
  const reader = openSqliteReader(join(dataDir, "ledger.db"));
  try {
    const found: Buffer[] = [];
    for (const batch of await reader.readBatches(0, 4_096)) {
      const leaves = batch.leaves.split("\n").map(parseLeaf);
      for (const { seq, box, keyId } of batch.payloads) {
        const leaf = leaves[seq - batch.firstSeq];
        if (leaf?.event.subject !== subject || leaf.payload?.retention !== "content") continue;
        found.push(Buffer.from(box), Buffer.from((await reader.readKey(keyId)) ?? []));
      }
    }
    return found;
  } finally {
    await reader.close();
  }
}

it("erased content is in no file and no export, and nothing else about the action changes", async () => {
  const marker = "marker-7f3a9c51e0";
  const { server, held } = await serverAtWork(`only ${marker} says this`);
  const ledger = (): LedgerCopy => new LedgerCopy(server.dataDir, dir);
  const root = join(server.dataDir, "root.pub");
  const exported = async (): Promise<string> => {
    const one = ledger();
    assert.equal((await one.terminal(["export", join(one.dir, "export"), "--payloads"])).code, 0);
    return readFileSync(join(one.dir, "export"), "utf8");
  };
  const sealed = await sealedContent(server, held);
  assert.equal(sealed.length, 2);
  for (const bytes of sealed) assert.notDeepEqual(filesHolding(server.dataDir, bytes), []);
  assert.ok((await exported()).includes(marker));
  await approve(server, held);
  const explained = await server.call("GET", `/v1/actions/${held}/explain`);

  const erasure = { subject: held, retention: "content" };
  const erased = await server.call("POST", "/v1/ledger/erasures", { body: erasure, key: "erase" });
  assert.equal(erased.status, 200);
  assert.equal((erased.body as { erased: number }).erased, 1);
  for (const when of ["while it runs", "when it has stopped"]) {
    const parts = sealed.flatMap((bytes) => [bytes, bytes.subarray(0, 24), bytes.subarray(-24)]);
    for (const bytes of [...parts, Buffer.from(marker)])
      assert.deepEqual(filesHolding(server.dataDir, bytes), [], when);
    if (when === "while it runs") await server.kill("SIGTERM");
  }
  assert.ok(!(await exported()).includes(marker));
  assert.equal((await ledger().verify(root)).code, 0);

  // All of it is decided again, without snapshots and without what was erased.
  const copy = ledger();
  copy.run("delete from snapshots");
  copyFileSync(copy.path, join(server.dataDir, "ledger.db"));
  for (const name of ["views.db", "views.db-wal", "views.db-shm"]) rmSync(join(server.dataDir, name), { force: true });
  await server.start();
  const { status, erased: classes, content } = await readAction(server, held);
  assert.deepEqual([status, classes, content], ["succeeded", ["content"], { missing: "payload-erased" }]);
  assert.deepEqual((await server.call("GET", `/v1/actions/${held}/explain`)).body, explained.body);
  assert.equal(await gauge(server, "holdpoint_replay_mismatched_commands"), 0);
  assert.ok((await gauge(server, "holdpoint_replay_compared_commands")) > 80);
});

it("a rotated log key signs on, and the old one is no good for what comes after", async () => {
  const { server, held } = await serverAtWork("before the rotation");
  const oldSeed = join(dir, "old.key");
  const seed = join(server.dataDir, "keys", "log.key");
  copyFileSync(seed, oldSeed);
  const root = join(server.dataDir, "root.pub");
  const rootKey = join(server.ownerDir, "roots", readdirSync(join(server.ownerDir, "roots"))[0] ?? "");
  const terminal = openTerminal({ dataDir: server.dataDir, configDir: server.ownerDir });
  const rotate = () => terminal(["keys", "rotate", "--root", rootKey]);
  const refused = await rotate();
  assert.equal(refused.code, 1);
  assert.match(refused.err, /another process already writes/);
  await server.kill("SIGTERM");
  assert.equal((await rotate()).code, 0);
  // As if it had been cut off before the new key took the old one's place: the start finishes it.
  const rotated = readFileSync(seed, "utf8");
  copyFileSync(seed, `${seed}.next`);
  copyFileSync(oldSeed, seed);
  await server.start();
  assert.equal(readFileSync(seed, "utf8"), rotated);
  const keys = (await server.call("GET", "/v1/ledger/keys")).body as { statements: readonly unknown[] };
  assert.equal(keys.statements.length, 3);
  await approve(server, held);
  await server.propose(noteOf("after the rotation"), "after");
  const kept = join(dir, "rotated");
  writeFileSync(kept, (await server.call("GET", "/v1/ledger/checkpoint")).body as string);
  await server.kill("SIGTERM");
  const copy = new LedgerCopy(server.dataDir, dir);
  assert.equal((await copy.verify(root, "--every-signature", "--since", kept)).code, 0);

  const size = await appendSignedBy(oldSeed, copy);
  const { code, first } = await copy.verify(root);
  assert.deepEqual([code, first?.code, first?.seq], [7, "checkpoint-altered", size]);
});

/** Appends one event under a checkpoint that another key than the valid one signed; the event's sequence. */
async function appendSignedBy(seedPath: string, { path, dataDir }: LedgerCopy): Promise<number> {
  const store = openSqlite(path);
  const { origin, signer, keyEncryptionKey, logKeys } = await loadKeys(store, dataDir);
  const random = { bytes: (count: number) => new Uint8Array(count) };
  const sealer = await Sealer.resume(store, logKeys, { signer, random, keyEncryptionKey });
  const seq = sealer.size;
  const header = {
    seq,
    time: Date.now(),
    type: "action.approved",
    version: 1,
    actor: PROPOSER,
    subject: "log",
    command: seq,
  };
  const batch = sealer.seal([{ ...header, facts: {} }]);
  const forger = signerFromSeed(origin, Buffer.from(readFileSync(seedPath, "utf8"), "base64"));
  await store.append({ ...batch, checkpoint: signNote(parseNote(batch.checkpoint).text, [forger]) });
  await store.close();
  return seq;
}

it("a tampered snapshot is passed over, and the state is folded from the log", async () => {
  const { server, held } = await serverAtWork("held over a restart");
  await server.kill("SIGTERM");
  const copy = new LedgerCopy(server.dataDir, dir);
  copy.run(`update snapshots set bytes = cast(replace(cast(bytes as text), '"held"', '"granted"') as blob)`);
  copyFileSync(copy.path, join(server.dataDir, "ledger.db"));
  await server.start();
  assert.match(server.log, /a snapshot was passed over/);
  assert.equal((await readAction(server, held)).status, "held");
  await approve(server, held);
  assert.equal(await gauge(server, "holdpoint_replay_mismatched_commands"), 0);
});

it("a snapshot of a history that was cut away is passed over once another one is as long", async () => {
  const { server, held } = await serverAtWork("this goes another way");
  await server.kill("SIGTERM");
  const size = await snapshotSize(server);
  const copy = new LedgerCopy(server.dataDir, dir);
  const { cut } = copy.one("select max(first_seq) as cut from batches where first_seq < 50");
  for (const table of ["batches", "keys"]) copy.run(`delete from ${table} where first_seq >= ?`, cut ?? 0);
  copy.run("delete from tiles");
  copyFileSync(copy.path, join(server.dataDir, "ledger.db"));
  await server.start();
  const length = async (): Promise<number> => gauge(server, "holdpoint_ledger_events");
  for (let i = 0; (await length()) <= size; i++) await server.propose(noteOf(`otherwise ${i}`), `otherwise-${i}`);
  await server.kill();
  assert.equal(await snapshotSize(server), size);
  await server.start();
  assert.match(server.log, /"msg":"a snapshot was passed over"/);
  assert.match(server.log, /a snapshot is of another log/);
  assert.equal((await server.call("GET", `/v1/actions/${held}`)).status, 404);
});

it("a server does not start on events that were changed since its last snapshot", async () => {
  const { server, held } = await serverAtWork("nobody answers this");
  await server.kill();
  const path = join(server.dataDir, "ledger.db");
  const intact = new LedgerCopy(server.dataDir, dir);
  intact.run("delete from snapshots");
  const { id, leaves, hashes, at } = intact.sql((db) => {
    const rows = db.prepare("select first_seq, leaves, leaf_hashes from batches").all() as { leaves: Uint8Array }[];
    const row = unpackRows<{ leaves: Uint8Array; first_seq?: number; leaf_hashes?: Uint8Array }>(rows).find((each) =>
      each.leaves.includes(`"subject":"${held}"`),
    );
    const lines = (row?.leaves ?? "").split("\n");
    const index = lines.findIndex((line) => line.includes('"type":"action.held"'));
    return { id: row?.first_seq ?? 0, leaves: lines, hashes: row?.leaf_hashes ?? new Uint8Array(0), at: index };
  });
  const forged = leaves.map((line, i) => (i === at ? line.replace('"route":"on-call"', '"route":"no-call"') : line));
  assert.notDeepEqual(forged, leaves);
  const forgedHashes = Buffer.from(hashes);
  hashLeaf(forged[at] ?? "").copy(forgedHashes, at * 32);
  for (const [what, stored, expected] of [
    ["a leaf", hashes, /ledger-corrupt: a leaf and its stored hash differ/],
    [
      "a leaf and its hash",
      forgedHashes,
      /ledger-corrupt: the (head's checkpoint is not of this log|log is not the one under)/,
    ],
  ] as const) {
    const packed = packLeaves(Buffer.from(forged.join("\n")));
    intact.run("update batches set leaves = ?, leaf_hashes = ? where first_seq = ?", packed, stored, id);
    for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true });
    copyFileSync(intact.path, path);
    await assert.rejects(server.start(), expected, what);
  }
});
