// Databases over TLS: the server shows a certificate for its name, and what is sent to it is sent under that alone.

import assert from "node:assert/strict";
import { chownSync, statSync, writeFileSync } from "node:fs";
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import type { Executor } from "../../src/wire/contracts/executor.ts";
import { makeCertificate } from "../identity/certificate.ts";
import { startPostgresServer, type PostgresServer } from "../stores/postgres-server.ts";
import { executeRequest, never, planRequest } from "./contract.ts";
import { sqlExecutor } from "./sql-stage.ts";

const HOST = "db.example";
/** What a client that wants TLS begins with: its length, and 1234.5679. */
const SSL_REQUEST = "0000000804d2162f";
const POLLS_MAX = 1_000;
const trusted = getCACertificates("default");

let server: PostgresServer;

before(async () => {
  server = await startPostgresServer();
  const { pem, key } = makeCertificate(HOST, Date.now());
  const { uid, gid } = statSync(server.directory);
  for (const [name, text] of [
    ["server.crt", pem],
    ["server.key", key.export({ type: "pkcs8", format: "pem" }).toString()],
  ] as const) {
    writeFileSync(join(server.directory, name), text, { mode: 0o600 });
    chownSync(join(server.directory, name), uid, gid);
  }
  setDefaultCACertificates([...trusted, pem]);
});
after(async () => {
  setDefaultCACertificates(trusted);
  await server.stop();
});

async function configure(...settings: readonly string[]): Promise<void> {
  for (const setting of settings) await server.query(`alter system ${setting}`);
  await server.query("select pg_reload_conf()");
}

/** Passes every connection on and keeps how each begins. */
async function listenBetween(t: TestContext): Promise<{ readonly port: number; readonly begun: readonly string[] }> {
  const sockets = new Set<Socket>();
  const begun: string[] = [];
  const listener = createServer((client) => {
    const upstream = connectTcp(server.port, "127.0.0.1");
    for (const socket of [client, upstream]) sockets.add(socket.on("error", () => undefined));
    client.once("data", (data) => begun.push(data.subarray(0, 8).toString("hex")));
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  return { port: (listener.address() as AddressInfo).port, begun };
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let polls = 0; !(await isSo()); polls++) {
    assert.ok(polls < POLLS_MAX, "it never came to that");
    await sleep(20);
  }
}

async function isAsleep(): Promise<boolean> {
  const asked = "select 1 from pg_stat_activity where application_name = 'holdpoint' and wait_event = 'PgSleep'";
  return (await server.query(asked)).rows.length > 0;
}

const planOf = (executor: Executor, statements: string) =>
  executor.plan(planRequest({ kind: "sql.migrate", args: { database: "orders", statements } }), never);

describe("a database beyond this machine", () => {
  it("is not spoken to where its server has no TLS", async (t) => {
    await configure("set ssl = off");
    const { port, begun } = await listenBetween(t);
    const executor = sqlExecutor(port, { host: HOST, tls: "verify-full" });
    await assert.rejects(planOf(executor, "select 1"), { code: "target-unavailable" });
    assert.deepEqual([...new Set(begun)], [SSL_REQUEST]);
  });

  it("is not spoken to where its certificate is another's, or nobody vouches for it", async () => {
    await configure("set ssl = on");
    const elsewhere = sqlExecutor(server.port, { host: "db.elsewhere.example", tls: "verify-full" });
    await assert.rejects(planOf(elsewhere, "select 1"), { code: "target-unavailable" });
    const all = getCACertificates("default");
    setDefaultCACertificates(trusted);
    const executor = sqlExecutor(server.port, { host: HOST, tls: "verify-full" });
    await assert.rejects(planOf(executor, "select 1"), { code: "target-unavailable" });
    setDefaultCACertificates(all);
  });

  it("is planned, migrated and told to cancel under TLS alone", async (t) => {
    await configure("set ssl = on");
    const { port, begun } = await listenBetween(t);
    const executor = sqlExecutor(port, { host: HOST, tls: "verify-full" });
    const plan = await planOf(executor, "select pg_sleep(600)");
    const brake = new AbortController();
    const running = executor.execute(executeRequest(plan, 60_000), brake.signal);
    await until(isAsleep);
    const used = await server.query(
      "select ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'holdpoint'",
    );
    assert.deepEqual(used.rows, [{ ssl: true }]);
    brake.abort(new Error("stopped by the kill switch"));
    assert.deepEqual(await running, { status: "failed", code: "aborted", detail: null });
    assert.ok(begun.length >= 3, "planning, running and cancelling are connections of their own");
    assert.deepEqual([...new Set(begun)], [SSL_REQUEST]);
  });
});
