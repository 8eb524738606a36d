// A whole server on PostgreSQL: the same answers, the same proof, and one writer whatever happens to it.

import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { openTerminal, type Outcome } from "../cli/terminal.ts";
import { startCommitProxy, type CommitProxy } from "../stores/commit-proxy.ts";
import { startPostgresServer, type PostgresServer } from "../stores/postgres-server.ts";
import { eventually, noteOf, SECOND, TestServer, type Answer } from "./server.ts";

const FATAL_EXIT = 70;

let postgres: PostgresServer;
let proxy: CommitProxy;
before(async () => {
  postgres = await startPostgresServer();
  proxy = await startCommitProxy(postgres.port);
});
after(async () => {
  await proxy.close();
  await postgres.stop();
});

const servers: TestServer[] = [];
afterEach(async () => {
  proxy.mode = "forward";
  for (const server of servers.splice(0)) await server.remove();
});

type Installation = { readonly server: TestServer; readonly url: string; start(through?: "proxy"): Promise<void> };

/** A server over a ledger of its own in the database; nothing runs yet. `like` gives it the ledger, keys and clients of another. */
async function install(like?: Installation): Promise<Installation> {
  const server = await TestServer.create({});
  servers.push(server);
  const url = like?.url ?? (await postgres.newSchema());
  if (like !== undefined) {
    for (const name of ["keys", "clients"])
      cpSync(join(like.server.dataDir, name), join(server.dataDir, name), { recursive: true });
    cpSync(join(like.server.ownerDir, "clients"), join(server.ownerDir, "clients"), { recursive: true });
  }
  const proxied = url.replace(`:${postgres.port}/`, `:${proxy.port}/`);
  const start = (through?: "proxy"): Promise<void> =>
    server.start({ env: { HOLDPOINT_POSTGRES_URL: through === undefined ? url : proxied } });
  return { server, url, start };
}

function holdpoint({ server, url }: Installation, ...argv: string[]): Promise<Outcome> {
  const terminal = openTerminal({ dataDir: server.dataDir, configDir: server.ownerDir });
  return terminal(argv, { env: { postgresUrl: url } });
}

/** Exit code and what is wrong, of the ledger as any reader finds it, all signatures and payloads included. */
async function verify(one: Installation): Promise<{ code: number; size: number; first: unknown }> {
  const flags = ["--postgres", "--root", join(one.server.dataDir, "root.pub"), "--every-signature", "-o", "json"];
  const { code, out, err } = await holdpoint(one, "verify", one.server.dataDir, ...flags);
  assert.ok(out.startsWith("{"), out + err);
  const { size, first } = JSON.parse(out) as { size: number; first: unknown };
  return { code, size, first };
}

/** Of how many different proposals the ledger holds, by their text. */
async function proposed(one: Installation): Promise<readonly string[]> {
  const path = join(one.server.dir, "export");
  assert.equal((await holdpoint(one, "export", path, "--postgres", "--payloads")).code, 0);
  const text = readFileSync(path, "utf8");
  rmSync(path);
  return [...text.matchAll(/^\{"opening":.*"args":\{"text":"([^"]*)"\}/gm)].map(([, said]) => said ?? "");
}

/** The same proposal again, once the views of a server that has just started have caught up. */
function repeated(server: TestServer, text: string, key: string): Promise<Answer> {
  return eventually("an answer of views that have caught up", async () => {
    const answer = await server.propose(noteOf(text), key);
    return answer.status === 503 && bodyOf(answer).code === "views-behind" ? undefined : answer;
  });
}

function bodyOf(answer: Answer): { id: string; status: string; code: string; repeated: boolean; planHash: string } {
  return answer.body as ReturnType<typeof bodyOf>;
}

it("holds, answers, restarts, verifies, exports and proves as it does on a file", async () => {
  const one = await install();
  const { server } = one;
  await one.start();
  const { id } = bodyOf(await server.propose(noteOf("for a person", "production"), "held"));
  assert.equal(bodyOf(await server.propose(noteOf("at once"), "free")).status, "succeeded");
  const sent = await server.send([{ service: "cart", startsAt: new Date().toISOString() }]);
  assert.equal(sent.status, 202);
  await server.kill("SIGTERM");
  await one.start();
  const { planHash, status } = bodyOf(await server.call("GET", `/v1/actions/${id}`));
  assert.equal(status, "held");
  const body = { decision: "approve", planHash, reason: "seen" };
  const approved = await server.call("POST", `/v1/actions/${id}/approvals`, { as: SECOND, body, key: "yes" });
  assert.equal(bodyOf(approved).status, "succeeded");
  const receipt = join(server.dir, "receipt.json");
  writeFileSync(receipt, JSON.stringify((await server.call("GET", `/v1/actions/${id}/receipt`)).body));
  assert.equal((await holdpoint(one, "verify", receipt, "--root", join(server.dataDir, "root.pub"))).code, 0);
  const erasure = { subject: id, retention: "content" };
  assert.equal((await server.call("POST", "/v1/ledger/erasures", { body: erasure, key: "erase" })).status, 200);
  assert.deepEqual(await proposed(one), ["at once"]);
  assert.equal((await verify(one)).code, 0);
});

it("what was answered before a kill -9 is there after it, and nothing is there twice", async () => {
  const one = await install();
  const { server } = one;
  await one.start();
  await server.token("person:deployer"); // one for all
  const answers = Array.from({ length: 60 }, (_, i) => server.propose(noteOf(`note ${i}`), `key-${i}`));
  await answers[10];
  await server.kill();
  const answered = (await Promise.all(answers)).map(({ status }) => status === 200 || status === 202);
  await one.start();
  for (const [i, was] of answered.entries()) {
    const again = await repeated(server, `note ${i}`, `key-${i}`);
    assert.equal(again.status, 200, JSON.stringify(again.body));
    if (was) assert.equal(bodyOf(again).repeated, true);
  }
  const texts = await proposed(one);
  assert.equal(texts.length, 60);
  assert.equal(new Set(texts).size, 60);
  assert.equal((await verify(one)).code, 0);
});

for (const [mode, isKept] of [
  ["cut-after", true],
  ["cut-before", false],
] as const) {
  it(`a COMMIT whose answer is lost (${mode}) ends the process, and the same key gets the truth`, async () => {
    const one = await install();
    const { server } = one;
    await one.start("proxy");
    assert.equal((await server.propose(noteOf("before"), "before")).status, 200);
    proxy.mode = mode;
    const unknown = await server.propose(noteOf("which way"), "unknown");
    assert.ok(unknown.status === 0 || bodyOf(unknown).code === "commit-unknown", JSON.stringify(unknown.body));
    const { code, signal } = await server.ended;
    assert.equal(code, FATAL_EXIT, `${signal}: ${server.log}`);
    proxy.mode = "forward";
    await one.start("proxy");
    const told = bodyOf(await repeated(server, "which way", "unknown"));
    assert.deepEqual([told.status, told.repeated], ["succeeded", isKept]);
    assert.deepEqual(await proposed(one), ["before", "which way"]);
    assert.equal((await verify(one)).code, 0);
  });
}

it("a second server on the same ledger does not start, and the first goes on", async () => {
  const first = await install();
  await first.start();
  const second = await install(first);
  const inUse = /another process already writes to this ledger/;
  const rotation = holdpoint(first, "keys", "rotate", "--postgres", "--root", join(first.server.dir, "none"));
  await assert.rejects(second.start(), inUse);
  assert.match((await rotation).err, inUse);
  assert.equal((await first.server.propose(noteOf("still here"), "one")).status, 200);
  assert.equal((await verify(first)).code, 0);
});

it("a server that loses its right to write ends, and the one that takes over has all of its work", async () => {
  const first = await install();
  await first.start();
  const { id } = bodyOf(await first.server.propose(noteOf("held here", "production"), "held"));
  await dropLock();
  assert.equal((await first.server.ended).code, FATAL_EXIT);
  const second = await install(first);
  await second.start();
  assert.equal(bodyOf(await second.server.call("GET", `/v1/actions/${id}`)).status, "held");
});

it("a server that slept through its replacement writes nothing when it wakes", async () => {
  const first = await install();
  await first.start();
  await first.server.propose(noteOf("before the sleep"), "one");
  first.server.signal("SIGSTOP");
  const asleep = first.server.propose(noteOf("said to the sleeper"), "two");
  await dropLock();
  const second = await install(first);
  await second.start();
  await second.server.propose(noteOf("after it"), "three");
  first.server.signal("SIGCONT");
  assert.equal((await first.server.ended).code, FATAL_EXIT);
  assert.ok((await asleep).status !== 200);
  await second.server.propose(noteOf("and on"), "four");
  assert.deepEqual(await proposed(second), ["before the sleep", "after it", "and on"]);
  cpSync(join(first.server.dataDir, "root.pub"), join(second.server.dataDir, "root.pub"));
  assert.equal((await verify(second)).code, 0);
});

/** The session that holds the right to write is gone, as when a network drops it. */
async function dropLock(): Promise<void> {
  await postgres.query("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted");
  await setTimeout(20);
}
