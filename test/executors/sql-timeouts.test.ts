// Migrations that take too long, or are braked: PostgreSQL ends them itself or is told to, and the outcome says what is true.

import assert from "node:assert/strict";
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from "node:net";
import { after, before, describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecuteRequest, StepOutcome } from "../../src/wire/contracts/executor.ts";
import { startPostgresServer, type PostgresServer } from "../stores/postgres-server.ts";
import { executeRequest, never } from "./contract.ts";
import { sqlExecutor, type Overrides } from "./sql-stage.ts";

const BRAKED = new Error("stopped by the kill switch");
const OUT_OF_TIME = new DOMException("its time is up", "TimeoutError");
const POLLS_MAX = 1_000;

let server: PostgresServer;
let actions = 0;

/** A step of its own whose time is `timeoutMs`. */
async function step(statements: string, overrides: Overrides = {}, timeoutMs = 60_000): Promise<ExecuteRequest> {
  const args = { database: "orders", statements };
  const target = { environment: "production", service: "cart" };
  const idempotencyKey = `act_${String(++actions).padStart(9, "0")}`;
  const asked = { actionId: idempotencyKey, kind: "sql.migrate", target, args, context: {} };
  const plan = await sqlExecutor(server.port, overrides).plan(asked, never);
  return { ...executeRequest(plan, timeoutMs), idempotencyKey };
}

/** What sessions of migrations are doing. */
async function activity(): Promise<readonly string[]> {
  const asked = "select query from pg_stat_activity where application_name = 'holdpoint'";
  return ((await server.query(asked)).rows as { query: string }[]).map(({ query }) => query);
}

async function until(isSo: (queries: readonly string[]) => boolean): Promise<void> {
  for (let polls = 0; !isSo(await activity()); polls++) {
    assert.ok(polls < POLLS_MAX, "it never came to that");
    await sleep(20);
  }
}

const asleep = (queries: readonly string[]): boolean => queries.some((query) => query.includes("pg_sleep"));
const gone = (queries: readonly string[]): boolean => queries.length === 0;

/** Runs the step and aborts it once its statement is asleep. */
async function abortedAsleep(request: ExecuteRequest, reason: Error, port = server.port): Promise<StepOutcome> {
  const brake = new AbortController();
  const running = sqlExecutor(port).execute(request, brake.signal);
  await until(asleep);
  brake.abort(reason);
  return running;
}

async function assertNothingDone(request: ExecuteRequest, port = server.port): Promise<void> {
  await until(gone);
  const found = await sqlExecutor(port).reconcile(request, never);
  assert.deepEqual(found, { status: "absent", detail: null });
}

const TIMED_OUT = { status: "failed", code: "statement-timeout", detail: { sqlState: "57014" } };

describe("a migration that does not end in its time", () => {
  before(async () => (server = await startPostgresServer()));
  after(() => server.stop());

  it("is ended by PostgreSQL when one statement takes longer than it may", async () => {
    const request = await step("select pg_sleep(30)", { statementTimeoutMs: 2_000 });
    assert.deepEqual(await sqlExecutor(server.port).execute(request, never), TIMED_OUT);
    await assertNothingDone(request);
  });

  it("is ended by PostgreSQL before the time of its step is up, whatever one statement may take", async () => {
    const request = await step("select pg_sleep(30)", { statementTimeoutMs: 60_000 }, 3_000);
    assert.deepEqual(await sqlExecutor(server.port).execute(request, never), TIMED_OUT);
    await assertNothingDone(request);
  });

  it("is ended by PostgreSQL also when what is deferred takes too long", async () => {
    await server.query(`create table deferring (id int);
      create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(30); return null; end $$;
      create constraint trigger late after insert on deferring deferrable initially deferred
        for each row execute function slow()`);
    const request = await step("insert into deferring values (1)", { statementTimeoutMs: 2_000 });
    assert.deepEqual(await sqlExecutor(server.port).execute(request, never), TIMED_OUT);
    await assertNothingDone(request);
  });

  for (const [code, reason] of [
    ["aborted", BRAKED],
    ["timeout", OUT_OF_TIME],
  ] as const) {
    it(`has its statement cancelled when it is told to stop (${code}), and keeps no lock`, async () => {
      await server.query("create table if not exists braked (id int)");
      const request = await step("alter table braked add column extra int; select pg_sleep(600)");
      assert.deepEqual(await abortedAsleep(request, reason), { status: "failed", code, detail: null });
      await assertNothingDone(request);
      assert.equal((await server.query("select * from braked")).fields.length, 1);
    });
  }

  it("is unknown when nobody saw that its statement was cancelled, and is not run beside itself", async (t) => {
    const port = await proxy(t, { silentAt: 3 }); // after planning and running, for cancelling
    const request = await step("select pg_sleep(600)", { port });
    assert.deepEqual(await abortedAsleep(request, BRAKED, port), { status: "unknown", code: "aborted", detail: null });
    const found = await sqlExecutor(port).reconcile(request, never);
    assert.deepEqual(found, { status: "unclear", detail: { code: "still-running" }, afterMs: 2_000 });
    const again = await sqlExecutor(port).execute(request, never);
    assert.deepEqual(again, { status: "unknown", code: "earlier-attempt-unsettled", detail: null });
    await server.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'holdpoint'");
    await assertNothingDone(request, port);
  });

  it("is not cancelled any more once it commits: no answer is unknown, not done, where a standby may lack it", async () => {
    const request = await step("create table committed (id int)");
    await server.query("alter system set synchronous_standby_names = 'nobody'");
    await server.query("select pg_reload_conf()");
    const brake = new AbortController();
    const running = sqlExecutor(server.port).execute(request, brake.signal);
    await until((queries) => queries.includes("commit"));
    brake.abort(BRAKED);
    assert.deepEqual(await running, { status: "unknown", code: "aborted", detail: null });
    assert.ok((await activity()).includes("commit"), "it waits for the standby still");
    await server.query("alter system reset synchronous_standby_names");
    await server.query("select pg_reload_conf()");
    await until(gone);
    assert.equal((await sqlExecutor(server.port).reconcile(request, never)).status, "happened");
  });

  it("did not begin, for certain, when its secret is missing or not taken, and can be planned once it is there", async () => {
    const request = await step("select 1");
    for (const [passwordRef, code] of [
      ["sql/none", "credential-missing"],
      ["sql/wrong", "credential-refused"],
    ] as const) {
      const without = sqlExecutor(server.port, { passwordRef });
      assert.deepEqual(await without.execute(request, never), { status: "failed", code, detail: null });
      const found = await without.reconcile(request, never);
      assert.deepEqual(found, { status: "unclear", detail: { code }, afterMs: 5_000 });
      await assert.rejects(step("select 1", { passwordRef }), { code: "target-forbidden", facts: { code } });
    }
  });

  it("did not begin, for certain, when the server never answered the connection", async (t) => {
    const brake = new AbortController();
    const port = await proxy(t, { silentAt: 2, onSilent: () => brake.abort(BRAKED) });
    const request = await step("select 1", { port });
    const outcome = await sqlExecutor(port).execute(request, brake.signal);
    assert.deepEqual(outcome, { status: "retry", afterMs: 5_000, code: "unreachable", detail: null });
  });
});

type Silence = { readonly silentAt: number; readonly onSilent?: () => void };

/** Passes every connection on, but takes that one, counted from 1, and never answers. */
async function proxy(t: TestContext, { silentAt, onSilent }: Silence): Promise<number> {
  const sockets = new Set<Socket>();
  const listener = createServer((client) => {
    sockets.add(client.on("error", () => undefined));
    if (sockets.size === silentAt) return onSilent?.();
    const upstream = connectTcp(server.port, "127.0.0.1");
    upstream.on("error", () => client.destroy());
    client.on("close", () => upstream.destroy());
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  return (listener.address() as AddressInfo).port;
}
