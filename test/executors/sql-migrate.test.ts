// Migrations against a real PostgreSQL: planned against its catalog, run at most once, and refused when it has moved.

import assert from "node:assert/strict";
import { createServer, connect as connectTcp, type AddressInfo, type Server } from "node:net";
import { after, before, describe, it, type TestContext } from "node:test";
import type { ExecuteRequest, Executor, Plan, StepOutcome } from "../../src/wire/contracts/executor.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { createEgress } from "../../src/adapters/egress/egress.ts";
import { createSqlExecutor } from "../../src/adapters/executors/sql-migrate.ts";
import { sqlConfigSchema } from "../../src/wire/schemas/executors-config.ts";
import { startPostgresServer, type PostgresServer } from "../stores/postgres-server.ts";
import { executeRequest, executorContract, never, TestClock } from "./contract.ts";
import { judge } from "./judged.ts";
import { credentials, JUDGED, MIGRATOR_PASSWORD, PASSWORD, sqlExecutor, type Overrides } from "./sql-stage.ts";

let server: PostgresServer;
let actions = 0;

const executor = (overrides?: Overrides): Executor => sqlExecutor(server.port, overrides);

function plan(statements: string, of: Executor = executor(), target = { environment: "production", service: "cart" }) {
  const args = { database: "orders", statements };
  return of.plan({ actionId: "act_000000001", kind: "sql.migrate", target, args, context: {} }, never);
}

function request(planned: Plan, idempotencyKey = `act_${String(++actions).padStart(9, "0")}`): ExecuteRequest {
  return { ...executeRequest(planned), idempotencyKey };
}

async function run(statements: string, of: Executor = executor()) {
  const planned = await plan(statements, of);
  return of.execute(request(planned), never);
}

async function rowsOf(sql: string): Promise<readonly JsonObject[]> {
  return (await server.query(sql)).rows as readonly JsonObject[];
}

function classOf(planned: Plan): unknown {
  return (planned.diff as JsonObject)["class"];
}

/** As it would be of the same database at another port. */
function at(planned: Plan, port: number): Plan {
  const [call] = planned.calls as readonly JsonObject[];
  return { ...planned, calls: [{ ...call, at: { ...(call?.["at"] as JsonObject), port } }] };
}

const codeOf = (outcome: StepOutcome): string => ("code" in outcome ? outcome.code : outcome.status);

/** A fresh table of five rows. */
async function table(name: string): Promise<void> {
  await server.query(`drop table if exists ${name} cascade;
    create table ${name} (id int primary key, status text not null default 'new', amount numeric(8,2), code varchar(8));
    insert into ${name} select n, 'new', n, 'c' || n from generate_series(1, 5) n; analyze ${name}`);
}

describe("a migration of a real database", () => {
  before(async () => (server = await startPostgresServer()));
  after(() => server.stop());

  it("is judged by what its plan shows: each planted one waits for a person, and its benign twin passes", async () => {
    await table("judged");
    const of = executor({ environment: "staging" });
    const judged = (statements: string) =>
      judge(of, { kind: "sql.migrate", args: { database: "orders", statements }, environment: "staging" });
    for (const [planted, benign, risks] of JUDGED) {
      const caught = await judged(planted);
      assert.deepEqual([caught.result, caught.route, caught.risks], ["held", "owners", risks], planted);
      const twin = await judged(benign);
      assert.deepEqual([twin.result, twin.risks], ["granted", []], benign);
    }
    const [there, here] = [
      await plan("select 1", of, { environment: "staging", service: "cart" }),
      await plan("select 1"),
    ];
    assert.equal(there.change, here.change, "the same statements are the same change, wherever they run");
    assert.notEqual((await plan("select 2")).change, here.change);
    const says = (plan: Plan): Plan => ({ ...plan, kind: "record.note" });
    const lying: Executor = { ...of, plan: async (asked, signal) => says(await of.plan(asked, signal)) };
    const statements = "grant select on judged to public";
    const asked = { kind: "sql.migrate", args: { database: "orders", statements }, environment: "staging" };
    const told = await judge(lying, asked);
    assert.deepEqual(
      told.risks,
      ["privilege-widening", "data-exposure"],
      "what a plan says of its kind is not believed",
    );
  });

  it("that only adds goes through, is written down beside its change, and its inverse takes it back", async () => {
    await table("adds");
    const planned = await plan(
      "ALTER TABLE adds ADD COLUMN note text DEFAULT 'x'; CREATE INDEX adds_note ON adds (note)",
    );
    assert.equal(classOf(planned), "additive");
    const ran = request(planned);
    assert.equal((await executor().execute(ran, never)).status, "succeeded");
    assert.deepEqual(await rowsOf("select distinct note from adds"), [{ note: "x" }]);
    const journal = await rowsOf("select action, grant_id from holdpoint.migrations order by at desc limit 1");
    assert.deepEqual(journal, [{ action: `test:${ran.idempotencyKey}`, grant_id: ran.grantId }]);
    const inverse = planned.inverse as { args: { statements: string } };
    assert.equal((await run(inverse.args.statements)).status, "succeeded");
    assert.deepEqual(await rowsOf("select column_name from information_schema.columns where column_name = 'note'"), []);
  });

  it("is for people where what looks like PostgreSQL's own is somebody's: a function, a column, an operator", async () => {
    await table("disguised");
    const harmless = "select lower(1::bigint), d.wiped, 1 @@@ 2 from disguised d";
    const names = ["select lower('X'), d.id, 1 + 2 from disguised d", "select abs(1)", "select 1 where 1 = 1"];
    for (const text of names) assert.equal(classOf(await plan(text)), "reads", text);
    const wipe = "language sql as 'delete from disguised; select 1::bigint'";
    await server.query(`create function lower(bigint) returns bigint ${wipe};
      create function wiped(disguised) returns bigint ${wipe};
      create function wipes(int, int) returns bigint ${wipe};
      create operator @@@ (function = wipes, leftarg = int, rightarg = int)`);
    try {
      const hidden = [
        "select lower(1::bigint)",
        "select d.wiped from disguised d",
        "select (d).wiped from disguised d",
      ];
      for (const text of [...hidden, "select 1 @@@ 2", `update disguised set code = lower('X') where id = 1`]) {
        const planned = await plan(text);
        assert.deepEqual([classOf(planned), planned.signature], ["opaque", "irreversible"], text);
      }
      for (const text of names.slice(1)) assert.equal(classOf(await plan(text)), "reads", text);
      await server.query(harmless);
      assert.deepEqual(await rowsOf("select id from disguised"), [], "PostgreSQL does run them");
    } finally {
      await server.query(
        "drop operator @@@ (int, int); drop function lower(bigint), wiped(disguised), wipes(int, int)",
      );
    }
  });

  let tables = 0;
  executorContract({
    name: "sql migrate",
    start: async () => {
      const name = `contract_${++tables}`;
      await table(name);
      await server.query("drop schema if exists holdpoint cascade"); // every stage has the same action
      if (tables === 1) await server.query(`create role migrator login superuser password '${MIGRATOR_PASSWORD}'`);
      const column = `select 1 from information_schema.columns where table_name = '${name}' and column_name = 'note'`;
      return {
        clock: new TestClock(),
        kind: "sql.migrate",
        args: { database: "orders", statements: `alter table ${name} add column note text` },
        build: () => executor({ user: "migrator", passwordRef: "sql/migrator" }),
        buildFor: (target) => executor({ user: "migrator", passwordRef: "sql/migrator", ...target }),
        buildWithoutSecrets: () => executor({ passwordRef: "sql/none" }),
        effects: async () => (await rowsOf(column)).length,
        complaints: () => [],
        standIn: undefined,
        write: { method: "", path: "" },
        secrets: [MIGRATOR_PASSWORD],
        reach: "ready",
        close: () => Promise.resolve(),
      };
    },
  });

  it("that nothing takes back says so, and one that an inverse takes back does not", async () => {
    await table("gone");
    assert.equal((await plan("DROP TABLE gone")).signature, "irreversible");
    assert.equal((await plan("ALTER TABLE gone ADD COLUMN late text")).signature, undefined);
  });

  it("has a database that says whether it is there and takes the password", async () => {
    const reach = async (overrides: Overrides): Promise<string> => {
      const [found] = await executor(overrides).probe(never);
      return `${found?.target} ${found?.status} ${found?.code}`;
    };
    assert.equal(await reach({}), "database orders ready ");
    assert.equal(await reach({ passwordRef: "sql/wrong" }), "database orders refused credential-refused");
    assert.equal(await reach({ passwordRef: "sql/none" }), "database orders missing credential-missing");
    assert.equal(await reach({ port: 1 }), "database orders away unreachable");
  });

  it("is not taken back over what somebody has changed since", async () => {
    await table("since");
    // As a journal was before it had a place for how things were left.
    await server.query("alter table if exists holdpoint.migrations drop column left_as");
    const planned = await plan("ALTER TABLE since ADD COLUMN added int");
    const ran = request(planned);
    const outcome = await executor().execute(ran, never);
    const left = outcome.status === "succeeded" ? outcome.left : undefined;
    assert.ok(left !== undefined);
    const found = await executor().reconcile(ran, never);
    assert.deepEqual([found.status, "left" in found && found.left], ["happened", left], "nor after a crash");
    const inverse = planned.inverse as { args: { database: string; statements: string } };
    const undo = () => {
      const target = { environment: "production", service: "cart" };
      const asked = { actionId: "act_000000002", kind: "sql.migrate", target, args: inverse.args, context: {}, left };
      return executor().plan(asked, never);
    };
    assert.equal((await undo()).calls.length, 1);
    await server.query("alter table since alter column added set default 7");
    await assert.rejects(undo(), { code: "target-moved" });
  });

  it("runs once, however often it is told to", async () => {
    await table("once");
    const ran = request(await plan("UPDATE once SET amount = amount + 1 WHERE id = 1"));
    const both = await Promise.all([executor().execute(ran, never), executor().execute(ran, never)]);
    assert.ok(both.some(({ status }) => status === "succeeded"));
    const again = await executor().execute(ran, never);
    assert.deepEqual(again.status === "succeeded" && again.detail, { foundBefore: true });
    assert.deepEqual(await rowsOf("select amount::float8 from once where id = 1"), [{ amount: 2 }]);
    assert.equal((await executor().reconcile(ran, never)).status, "happened");
    assert.equal((await executor().reconcile(request(ran.plan), never)).status, "absent");
    const elsewhere = await executor({ database: "template1" }).reconcile(request(ran.plan), never);
    assert.deepEqual(elsewhere, { status: "unclear", detail: { code: "plan-invalid" } }, "nobody told it");
  });

  it("is judged by what the catalog knows: keys that pick few rows, types that only widen", async () => {
    await table("known");
    await server.query("create view known_view as select * from known");
    const expected: readonly (readonly [string, string])[] = [
      ["UPDATE known SET status = 'old' WHERE id = 3", "bounded-write"],
      ["DELETE FROM known WHERE id IN (1, 2) AND status = 'new'", "bounded-write"],
      ["DELETE FROM known WHERE status = 'new'", "unbounded-write"],
      ["DELETE FROM known_view WHERE id = 1", "unbounded-write"],
      ["CREATE TABLE fresh (id int); DELETE FROM fresh WHERE id = 1", "unbounded-write"],
      ["ALTER TABLE known ALTER COLUMN id TYPE bigint", "altering"],
      ["ALTER TABLE known ALTER COLUMN id TYPE smallint", "destructive"],
      ["ALTER TABLE known ALTER COLUMN id TYPE bigint USING 0", "destructive"],
      ["ALTER TABLE known ALTER COLUMN code TYPE varchar(20)", "altering"],
      ["ALTER TABLE known ALTER COLUMN code TYPE varchar(4)", "destructive"],
      ["ALTER TABLE known ALTER COLUMN code TYPE text", "altering"],
      ["ALTER TABLE known ALTER COLUMN status TYPE varchar(400)", "destructive"],
      ["ALTER TABLE known ALTER COLUMN amount TYPE numeric(10,2)", "altering"],
      ["ALTER TABLE known ALTER COLUMN amount TYPE numeric(10,4)", "altering"],
      ["ALTER TABLE known ALTER COLUMN amount TYPE numeric(8,4)", "destructive"],
      ["ALTER TABLE known ALTER COLUMN amount TYPE numeric(10)", "destructive"],
    ];
    for (const [statements, of] of expected) assert.equal(classOf(await plan(statements)), of, statements);
    assert.equal((await rowsOf("select count(*)::int as n from known"))[0]?.["n"], 5, "planning changes nothing");
  });

  it("shows its size and locks, and is not reversible when a statement has no inverse", async () => {
    await table("sized");
    const planned = await plan("CREATE INDEX i ON sized (status); UPDATE sized SET status = 'x' WHERE id = 1");
    const { tables, statements } = planned.diff as { tables: JsonObject[]; statements: { findings: JsonObject[] }[] };
    assert.equal(tables[0]?.["relation"], "sized");
    assert.equal(tables[0]?.["rows"], 5);
    assert.ok(Number(tables[0]?.["bytes"]) > 0);
    assert.equal(statements[0]?.findings[0]?.["lock"], "SHARE");
    assert.equal(planned.reversible, false);
    assert.equal(planned.inverse, null);
  });

  it("is refused when a table of it has changed since it was planned", async () => {
    await table("moved");
    const planned = await plan("ALTER TABLE moved ADD COLUMN extra int");
    await server.query("alter table moved add column other int");
    const outcome = await executor().execute(request(planned), never);
    assert.deepEqual(outcome, { status: "failed", code: "target-moved", detail: null });
    assert.deepEqual(await rowsOf("select 1 from information_schema.columns where column_name = 'extra'"), []);
  });

  it("leaves nothing behind when a later statement fails, and repeats no row in what it says", async () => {
    await table("atomic");
    const outcome = await run(
      "UPDATE atomic SET status = 'x' WHERE id = 1; INSERT INTO atomic (id, status) VALUES (2, 's3cret')",
    );
    assert.equal(outcome.status, "failed");
    assert.equal("code" in outcome && outcome.code, "target-refused");
    assert.deepEqual(outcome.detail, {
      sqlState: "23505",
      schema: "public",
      table: "atomic",
      constraint: "atomic_pkey",
    });
    assert.deepEqual(await rowsOf("select status from atomic where id = 1"), [{ status: "new" }]);
    const bad = await run("INSERT INTO atomic (id, amount) VALUES (9, 'hunter2-value')");
    assert.ok(!JSON.stringify(bad).includes("hunter2"));
  });

  it("waits no longer for a lock than it may, and can be tried again", async () => {
    await table("locked");
    const planned = await plan("ALTER TABLE locked ADD COLUMN late int");
    const holder = await holdLock("locked");
    const ran = request(planned);
    const outcome = await executor().execute(ran, never);
    assert.equal(outcome.status, "retry");
    assert.equal("code" in outcome && outcome.code, "lock-timeout");
    await holder();
    assert.equal((await executor().execute(ran, never)).status, "succeeded");
  });

  it("ends as unknown when the answer to its commit is lost, and reconciling finds out", async (t) => {
    await table("lost");
    const cutting = await cuttingProxy(t, server.port);
    const of = executor({ port: cutting.port });
    const ran = request(await plan("ALTER TABLE lost ADD COLUMN kept int", of));
    cutting.cutAt("commit\0"); // the statement, not the isolation level
    const outcome = await of.execute(ran, never);
    assert.deepEqual(outcome, { status: "unknown", code: "connection-lost", detail: null });
    const settled = await untilSettled(() => of.reconcile(ran, never));
    const kept = await rowsOf("select 1 from information_schema.columns where column_name = 'kept'");
    assert.equal(settled.status, kept.length > 0 ? "happened" : "absent");
    cutting.cutAt("add column");
    const early = request(await plan("alter table lost add column never int", of));
    assert.deepEqual(await of.execute(early, never), outcome, "it may still hold its locks");
    assert.equal((await untilSettled(() => of.reconcile(early, never))).status, "absent");
  });

  it("is refused where it could not be taken back as a whole, or is not of this target", async () => {
    for (const statements of [
      "CREATE INDEX CONCURRENTLY i ON adds (id)",
      "COMMIT",
      "BEGIN; SELECT 1",
      "SET lock_timeout = 0",
      "SET LOCAL ROLE postgres",
      "VACUUM",
      "COPY adds TO '/tmp/x'",
      "-- nothing",
    ]) {
      await assert.rejects(plan(statements), { code: "arguments-invalid" }, statements);
    }
    await assert.rejects(plan("SELECT 1", executor(), { environment: "staging", service: "cart" }), {
      code: "arguments-invalid",
    });
    await assert.rejects(plan("SELECT 1", executor(), { environment: "production", service: "payments" }), {
      code: "arguments-invalid",
    });
  });

  it("cannot end its transaction from within, whatever people have signed", async () => {
    await table("inside");
    await server.query("create or replace procedure sneak() language plpgsql as $$ begin commit; end $$");
    const outcome = await run("UPDATE inside SET status = 'x' WHERE id = 1; CALL sneak()");
    assert.equal(outcome.status, "failed");
    assert.deepEqual(await rowsOf("select status from inside where id = 1"), [{ status: "new" }]);
  });

  it("says what is wrong with its login, and never the password", async () => {
    const moved = executor({ port: 1 });
    const planned = await plan("SELECT 1");
    assert.equal(codeOf(await moved.execute(request(planned), never)), "plan-invalid");
    const outcome = await moved.execute(request(at(planned, 1)), never);
    assert.deepEqual(outcome, { status: "retry", afterMs: 5_000, code: "unreachable", detail: null });
    await assert.rejects(plan("SELECT 1", executor({ port: 1 })), { code: "target-unavailable" });
  });

  it("is not configured without TLS beyond this machine", () => {
    const database = { name: "a", environment: "production", service: "b", database: "c", user: "d", passwordRef: "e" };
    const config = sqlConfigSchema.parse({ databases: [{ ...database, host: "db.example", tls: "off" }] });
    const egress = createEgress({ allow: [] });
    assert.throws(() => createSqlExecutor({ config, egress, credentials, installation: "test" }), {
      code: "config-invalid",
    });
  });
});

/** Another transaction that has read the table and goes on. */
async function holdLock(name: string): Promise<() => Promise<void>> {
  const { default: pg } = await import("pg");
  const client = new pg.Client({ host: "127.0.0.1", port: server.port, user: "postgres", password: PASSWORD });
  await client.connect();
  await client.query("begin");
  await client.query(`select * from ${name}`);
  return () => client.end();
}

type Cutting = { readonly port: number; readonly cutAt: (text: string) => void };

/** Passes everything on, and cuts both ways once the client has said `text`, which still arrives. */
async function cuttingProxy(t: TestContext, port: number): Promise<Cutting> {
  let cut = "";
  const proxy: Server = createServer((client) => {
    const upstream = connectTcp(port, "127.0.0.1");
    client.on("error", () => upstream.destroy()).on("close", () => upstream.destroy());
    upstream.on("error", () => client.destroy()).on("data", (chunk) => client.writable && client.write(chunk));
    client.on("data", (chunk) => {
      const isLast = cut !== "" && chunk.toString("latin1").toLowerCase().includes(cut);
      upstream.write(chunk, () => isLast && (client.destroy(), (cut = "")));
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  t.after(() => proxy.close());
  return { port: (proxy.address() as AddressInfo).port, cutAt: (text) => (cut = text) };
}

async function untilSettled(ask: () => ReturnType<Executor["reconcile"]>) {
  for (;;) {
    const answer = await ask();
    if (answer.status !== "unclear") return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
