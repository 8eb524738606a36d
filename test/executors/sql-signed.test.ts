// Migrations are planned against the catalog, also those that destroy, open or copy, and run on nothing but what was signed.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { isAppError } from "../../src/core/errors.ts";
import type { ExecuteRequest, Executor, Plan } from "../../src/wire/contracts/executor.ts";
import { startPostgresServer, type PostgresServer } from "../stores/postgres-server.ts";
import { executeRequest, never } from "./contract.ts";
import { sqlExecutor } from "./sql-stage.ts";

let server: PostgresServer;
let actions = 0;

const executor = (): Executor => sqlExecutor(server.port, undefined);

const UNDOING = {
  actionId: "act_000000002",
  kind: "sql.migrate",
  target: { environment: "production", service: "cart" },
  context: {},
} as const;

function plan(statements: string): Promise<Plan> {
  return executor().plan({ ...UNDOING, args: { database: "orders", statements } }, never);
}

function request(planned: Plan): ExecuteRequest {
  return { ...executeRequest(planned), idempotencyKey: `act_${String(++actions).padStart(9, "0")}` };
}

/** A fresh table of five rows. */
async function table(name: string): Promise<void> {
  await server.query(`drop table if exists ${name} cascade;
    create table ${name} (id int primary key, status text not null default 'new', amount numeric(8,2), code varchar(8));
    insert into ${name} select n, 'new', n, 'c' || n from generate_series(1, 5) n; analyze ${name}`);
}

describe("a migration against the catalog", () => {
  before(async () => (server = await startPostgresServer()));
  after(() => server.stop());

  it("is not planned for a table that is not there, unless it makes it or does not mind", async () => {
    await table("there");
    const absent =
      (relation: string, statement = 1) =>
      (error: unknown) =>
        isAppError(error, "target-not-found") && isDeepStrictEqual(error.facts, { statement, relation });
    for (const text of [
      "ALTER TABLE nowhere ADD COLUMN note text",
      "DROP TABLE nowhere",
      "TRUNCATE there, nowhere",
      "DELETE FROM nowhere WHERE id = 1",
      "INSERT INTO nowhere VALUES (1)",
      "GRANT SELECT ON nowhere TO pg_monitor",
      "ALTER TABLE nowhere DROP COLUMN IF EXISTS note",
    ])
      await assert.rejects(plan(text), absent("nowhere"), text);
    await assert.rejects(
      plan("ALTER TABLE there ADD COLUMN a int; COMMENT ON TABLE public.gone IS ''"),
      absent("public.gone", 2),
    );
    for (const text of [
      "ALTER TABLE IF EXISTS nowhere ADD COLUMN note text",
      "DROP TABLE IF EXISTS nowhere",
      "CREATE TABLE nowhere (id int); INSERT INTO nowhere VALUES (1)",
      "ALTER TABLE there RENAME TO nowhere; ALTER TABLE nowhere ADD COLUMN note text",
      "CREATE INDEX anew ON there (id); ALTER INDEX anew SET (fillfactor = 70)",
      "DO $$ begin create table nowhere (id int); end $$; DELETE FROM nowhere WHERE id = 1",
      "WITH nowhere AS (SELECT 1 AS id) SELECT * FROM nowhere",
      "WITH nowhere AS (SELECT 1 AS id) UPDATE there SET code = 'x' FROM nowhere WHERE there.id = nowhere.id",
    ])
      await plan(text);
  });

  it("shows what it destroys, opens or copies, and does none of it to anything else than what was signed", async () => {
    type Case = readonly [make: string, statements: string, change: string, shown: readonly string[]];
    const column = "alter table shown add column precious text";
    const again = "drop table shown; create table shown (other int)";
    const cases: readonly Case[] = [
      ["", "DROP TABLE shown", column, ["shown"]],
      ["", "DROP TABLE IF EXISTS public.shown, missing", column, ["public.shown"]],
      ["", "TRUNCATE shown", again, ["shown"]],
      ["", "GRANT SELECT ON shown TO public", again, ["shown"]],
      ["", "REVOKE ALL ON shown FROM public", again, ["shown"]],
      ["", "CREATE POLICY p ON shown USING (true)", again, ["shown"]],
      ["", "COMMENT ON COLUMN shown.code IS 'x'", again, ["shown"]],
      [
        "create trigger t before insert on shown execute function suppress_redundant_updates_trigger()",
        "DROP TRIGGER t ON shown",
        column,
        ["shown"],
      ],
      ["create view v as select id from shown", "DROP VIEW v", "create or replace view v as select 7 as id", ["v"]],
      [
        "create index own on shown (code)",
        "DROP INDEX own",
        "drop index own; create index own on shown (status)",
        ["own"],
      ],
      [
        "create schema apart; create table apart.one (id int)",
        "DROP SCHEMA apart CASCADE",
        "create table apart.two (id int)",
        ["apart.one"],
      ],
      ["", "CREATE TABLE copy AS SELECT * FROM shown", column, ["shown"]],
      ["", "SELECT s.* INTO copy FROM shown s", column, ["shown"]],
      ["", "CREATE TABLE child (id int REFERENCES shown (id))", column, ["shown"]],
    ];
    for (const [make, statements, change, shown] of cases) {
      await server.query("drop schema if exists apart cascade; drop table if exists copy, child");
      await table("shown");
      if (make !== "") await server.query(make);
      const planned = await plan(statements);
      const { tables } = planned.diff as { tables: { relation: string }[] };
      assert.deepEqual(
        tables.map(({ relation }) => relation),
        shown,
        statements,
      );
      await server.query(change);
      const outcome = await executor().execute(request(planned), never);
      assert.deepEqual(outcome, { status: "failed", code: "target-moved", detail: null }, statements);
    }
  });

  it("picks few rows by a key of a partitioned table, and by none of a table that others inherit from", async () => {
    await server.query(`drop table if exists base, alone, parted cascade;
      create table base (id int primary key, v text); create table alone (id int primary key, v text);
      create table parted (id int primary key, v text) partition by range (id);
      create table part partition of parted for values from (0) to (9)`);
    const classOf = async (statements: string): Promise<unknown> => {
      const { diff, signature } = await plan(statements);
      return [(diff as { class: string }).class, signature !== undefined];
    };
    const early = await plan("UPDATE base SET v = 'y' WHERE id = 1");
    assert.equal(early.signature, undefined);
    await server.query("create table kid () inherits (base); insert into kid select 1, 'x' from generate_series(1, 9)");
    for (const statements of ["UPDATE base SET v = 'y' WHERE id = 1", "DELETE FROM base WHERE id = 1"])
      assert.deepEqual(await classOf(statements), ["unbounded-write", true], statements);
    for (const table of ["alone", "parted"])
      assert.deepEqual(await classOf(`DELETE FROM ${table} WHERE id = 1`), ["bounded-write", false], table);
    const outcome = await executor().execute(request(early), never);
    assert.deepEqual(outcome, { status: "failed", code: "target-moved", detail: null }, "nor since it was planned");
    assert.deepEqual((await server.query("select from kid where v = 'y'")).rows, []);
  });

  it("is not taken back over a change of a table that it made from a query", async () => {
    await server.query("drop table if exists made");
    const outcome = await executor().execute(request(await plan("CREATE TABLE made AS SELECT 1 AS a")), never);
    const left = outcome.status === "succeeded" ? outcome.left : undefined;
    assert.ok(left !== undefined);
    const args = { database: "orders", statements: 'DROP TABLE "made"' };
    const undo = () => executor().plan({ ...UNDOING, args, left }, never);
    await server.query("alter table made add column human text");
    await assert.rejects(undo(), { code: "target-moved" });
  });
});
