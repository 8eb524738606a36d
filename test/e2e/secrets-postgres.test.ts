// The password of the ledger's PostgreSQL, looked for wherever a server and its commands write, whatever becomes of the connection.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, it } from "node:test";
import { openPostgresReader } from "../../src/adapters/stores/postgres.ts";
import type { LedgerReader } from "../../src/wire/contracts/store.ts";
import { startCommitProxy, type CommitProxy } from "../stores/commit-proxy.ts";
import { startPostgresServer, type PostgresServer } from "../stores/postgres-server.ts";
import { Search, streamOf } from "./planted-search.ts";
import { startLeakyPostgres } from "./planted-systems.ts";
import { eventually, freePort, noteOf, TestServer, writePolicies } from "./server.ts";

const FATAL_EXIT = 70;
const ROLE = "planted";

/** What is looked for; in the passwords beside it stand marks that an address cannot carry as they are. */
const PLANTED = { right: randomBytes(16).toString("hex"), wrong: randomBytes(16).toString("hex") } as const;
const passwordOf = (core: string): string => `pg/${core}=@:`;

const POLICIES = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: everything }
spec:
  match: { actions: [record.note, "runbook.*"] }
  rules: [{ name: free, decision: allow }]
`;

/** A program that shows its own environment, and that of every process that it sees. */
const NOSY = {
  name: "nosy",
  environment: "staging",
  service: "cart",
  program: "/bin/sh",
  args: ["-c", "env; cat /proc/[0-9]*/environ"],
};

let postgres: PostgresServer;
let proxy: CommitProxy;
let server: TestServer;
let schema: string;
let policies: string;

before(async () => {
  postgres = await startPostgresServer();
  proxy = await startCommitProxy(postgres.port);
  await postgres.query(`create role ${ROLE} superuser login password '${passwordOf(PLANTED.right)}'`);
  schema = await postgres.newSchema();
  policies = writePolicies(tmpdir(), POLICIES);
  const executors = { runbook: { commands: [NOSY] } };
  server = await TestServer.create({ snapshotEvery: 100, policy: { path: policies }, executors });
});
after(async () => {
  await server?.remove();
  await proxy?.close();
  await postgres?.stop();
  rmSync(policies, { recursive: true, force: true });
});

/** Where the ledger is, as the planted role, by `core` of its password and by another way where one is given. */
function urlOf(core: string, port = postgres.port): string {
  const url = new URL(schema);
  url.username = ROLE;
  url.password = encodeURIComponent(passwordOf(core));
  url.port = String(port);
  return url.href;
}

const start = (url: string): Promise<void> =>
  server.start({ env: { HOLDPOINT_POSTGRES_URL: url, HOLDPOINT_LOG_LEVEL: "trace" } });

const reader = (): Promise<LedgerReader> => openPostgresReader({ connectionString: urlOf(PLANTED.right) });

const search = new Search(PLANTED);

/** What commands say that read the ledger, or write to it. */
async function scanCommands(url: string, commands: readonly (readonly string[])[]): Promise<readonly string[]> {
  const said: string[] = [];
  for (const argv of commands) {
    const text = await server.holdpointBeside(argv, { HOLDPOINT_POSTGRES_URL: url });
    search.assertClean(argv.join(" "), text);
    said.push(text);
  }
  return said;
}

const verifying = (): readonly string[] => {
  const root = ["--root", join(server.dataDir, "root.pub")];
  return ["verify", server.dataDir, "--postgres", ...root, "-o", "json"];
};
const ROTATING = ["keys", "rotate", "--postgres", "--root", "/nowhere"];

/** Everything that is kept, after the server has ended. */
async function scanKept(): Promise<void> {
  await search.scanRecords(server.dataDir, await reader());
  search.scanFiles(server.dataDir);
  const name = new URL(schema).searchParams.get("options")?.split("=")[1] ?? "";
  const { rows } = await postgres.query(`select tablename from pg_tables where schemaname = '${name}'`);
  const tables = (rows as readonly { readonly tablename: string }[]).map(({ tablename }) => tablename);
  assert.ok(tables.includes("batches"));
  for (const table of tables) search.scanRows(table, (await postgres.query(`select * from ${name}.${table}`)).rows);
  scanSaid();
}

/** How much of the log the tests before have looked at. */
let seen = 0;
afterEach(() => (seen = server.wholeLog.length));

function scanSaid(): void {
  search.assertClean("the log", server.wholeLog.slice(seen));
  search.assertClean("what it prints", server.printed);
}

/** A start that fails, and says so in words that `expected` knows. */
async function startRefused(url: string, expected: RegExp): Promise<void> {
  await assert.rejects(start(url), expected);
  scanSaid();
  for (const said of await scanCommands(url, [verifying(), ROTATING])) assert.match(said, expected);
}

it("the password with which a server keeps its ledger is found nowhere", async () => {
  await start(urlOf(PLANTED.right));
  const used = await postgres.query(`select distinct application_name from pg_stat_activity where usename = '${ROLE}'`);
  assert.ok(used.rows.length > 1, "its sessions are those of the planted role");
  const stream = await streamOf(server);
  const ask = { ...noteOf("."), kind: "runbook.command-once", arguments: { command: NOSY.name } };
  const { id } = (await server.propose(ask, "nosy")).body;
  const ended = await eventually("the program ended", async () => {
    const action = await server.ask("GET", `/v1/actions/${id}`);
    return ["granted", "executing", "evaluating"].includes(action.body.status) ? undefined : action;
  });
  assert.equal(ended.body.status, "succeeded", JSON.stringify(ended.body));
  await server.send([{ service: "cart", startsAt: new Date().toISOString() }]);
  for (let index = 0; index < 110; index += 10) {
    await Promise.all(
      Array.from({ length: 10 }, (_, i) => server.propose(noteOf(`note ${index + i}`), `key-${index + i}`)),
    );
  }
  await eventually("a snapshot", async () => search.hasSnapshot(server.dataDir, await reader()));
  const empty = await search.scanAnswers(server);
  assert.ok(empty.length < 20, `most reads answered something: ${empty.join("; ")}`);
  const exported = join(server.dir, "export");
  const exporting = ["export", exported, "--postgres", "--payloads"];
  const [verified = ""] = await scanCommands(urlOf(PLANTED.right), [verifying(), exporting, ROTATING, ["doctor"]]);
  assert.match(verified, /"size":/);
  search.assertClean("an export", readFileSync(exported, "utf8"));
  await server.kill("SIGTERM");
  search.assertClean("the stream", await stream.whole);
  await scanKept();
});

it("nor is it when the connection breaks while the server runs", async () => {
  await start(urlOf(PLANTED.right, proxy.port));
  proxy.mode = "cut-after";
  const unknown = await server.propose(noteOf("which way"), "unknown");
  search.assertClean("an answer", JSON.stringify(unknown.body, Object.getOwnPropertyNames(unknown.body ?? {})));
  assert.equal((await server.ended).code, FATAL_EXIT);
  proxy.mode = "forward";

  await start(urlOf(PLANTED.right));
  const { body } = await server.propose(noteOf("before it is gone"), "gone");
  await postgres.crash();
  assert.equal((await server.ended).code, FATAL_EXIT);
  search.assertClean("an answer before", JSON.stringify(body));
  assert.match(server.log, /"the right to write to the ledger is lost|the ledger's fate is unknown/);
  await scanKept();
});

it("nor is it when the server refuses it, is not there, or repeats it", async () => {
  await startRefused(urlOf(PLANTED.wrong), /password authentication failed/);
  await startRefused(urlOf(PLANTED.right, await freePort()), /ECONNREFUSED/);
  const heard: string[] = [];
  const leaky = await startLeakyPostgres(heard);
  try {
    await startRefused(urlOf(PLANTED.right, leaky.port), /PostgreSQL: /);
    assert.ok(heard.join("").includes(passwordOf(PLANTED.right)), "it was told");
  } finally {
    leaky.close();
  }
});

for (const [what, url] of [
  ["marks that are not encoded", `postgres://${ROLE}:pg#${PLANTED.right}@127.0.0.1:1/postgres`],
  ["a wrong encoding", `postgres://${ROLE}:%zz${PLANTED.right}@127.0.0.1:1/postgres`],
] as const) {
  it(`nor is it when the address cannot be read: ${what}`, async () => {
    await startRefused(url, /Invalid URL|ECONNREFUSED/);
  });
}
