// A migration is not taken back over rows and values that were written since.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Plan, StepOutcome } from "../../src/wire/contracts/executor.ts";
import { startPostgresServer, type PostgresServer } from "../stores/postgres-server.ts";
import { executeRequest, never, planRequest } from "./contract.ts";
import { sqlExecutor } from "./sql-stage.ts";

let server: PostgresServer;
let actions = 0;

const nextAction = (): string => `act_${String(++actions).padStart(9, "0")}`;

function plan(statements: string, left?: string): Promise<Plan> {
  const asked = planRequest({ kind: "sql.migrate", args: { database: "orders", statements } }, nextAction());
  return sqlExecutor(server.port).plan(left === undefined ? asked : { ...asked, left }, never);
}

function execute(planned: Plan): Promise<StepOutcome> {
  return sqlExecutor(server.port).execute({ ...executeRequest(planned), idempotencyKey: nextAction() }, never);
}

type Undo = { readonly plan: () => Promise<Plan> };

/** A fresh `customers` of three rows, migrated. */
async function migrated(statements: string): Promise<Undo> {
  await server.query(`drop table if exists customers, more, parted cascade; create table customers (id int, name text);
    insert into customers select n, 'c' || n from generate_series(1, 3) n`);
  const planned = await plan(statements);
  const done = await execute(planned);
  assert.equal(done.status, "succeeded", JSON.stringify([statements, done]));
  const inverse = planned.inverse as { args: { statements: string } };
  const left = done.status === "succeeded" ? done.left : undefined;
  return { plan: () => plan(inverse.args.statements, left) };
}

const NOTE = "alter table customers add column note ";
const REWRITTEN = "vacuum full customers";
const OTHERS = "update customers set name = 'x' where id = 1";

/** The migration, what is written into it, and what else is written that it may be taken back over. */
const WRITTEN: readonly (readonly [string, string, string])[] = [
  ["create table more (id int)", "insert into more values (1)", "insert into more values (1); delete from more"],
  [
    "create table more as select id from customers",
    "update more set id = 7 where id = 1",
    "insert into customers values (4, 'c4')",
  ],
  [
    "create table parted (id int) partition by range (id); create table part partition of parted for values from (0) to (9)",
    "create table others partition of parted for values from (10) to (19)",
    "select 1",
  ],
  [`${NOTE} text`, "update customers set note = 'n' where id = 2", OTHERS],
  [`${NOTE} text`, "insert into customers values (4, 'c4', '')", "insert into customers values (4, 'c4')"],
  [`${NOTE} json`, "update customers set note = '{}'", OTHERS],
  [`${NOTE} int default 7`, "update customers set note = 8 where id = 2", "insert into customers values (4, 'c4')"],
  [`${NOTE} int default 7`, "update customers set note = null where id = 2", REWRITTEN],
  [`${NOTE} boolean default false not null`, "update customers set note = true where id = 2", OTHERS],
  [`${NOTE} text default 'it''s'`, "update customers set note = '' where id = 2", OTHERS],
  [`${NOTE} int[] default '{1,2}'`, "update customers set note = '{1}' where id = 2", OTHERS],
  [`${NOTE} timestamptz default now()`, "update customers set note = now() where id = 2", OTHERS],
  [`${NOTE} uuid default gen_random_uuid()`, "update customers set note = gen_random_uuid() where id = 2", REWRITTEN],
  [`${NOTE} bigserial`, "insert into customers values (4, 'c4')", "delete from customers where id = 1"],
];

async function state(): Promise<unknown> {
  const { rows } =
    await server.query(`select query_to_xml('select * from ' || oid::regclass, true, true, '')::text as rows
    from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by oid`);
  return rows;
}

describe("a migration that is taken back", () => {
  before(async () => (server = await startPostgresServer()));
  after(() => server.stop());

  it("is not when what it would drop was written since, and is when something else was", async () => {
    for (const [statements, writes, spares] of WRITTEN) {
      const undo = await migrated(statements);
      const early = await undo.plan();
      await server.query(writes);
      const found = await state();
      await assert.rejects(undo.plan(), { code: "target-moved" }, `${statements}: ${writes}`);
      const outcome = await execute(early);
      assert.equal(outcome.status === "failed" && outcome.code, "target-moved", `${statements}: ${writes}`);
      assert.deepEqual(await state(), found, "nothing was done");
      const twin = await migrated(statements);
      await server.query(spares);
      assert.equal((await execute(await twin.plan())).status, "succeeded", `${statements}: ${spares}`);
    }
  });

  it("is, however many tables it was of, and not where what it left is not known any more", async () => {
    const names = Array.from({ length: 400 }, (_, n) => `a_table_with_a_rather_long_name_${n}`);
    await server.query(names.map((name) => `create table ${name} (id int)`).join("; "));
    const [first, action] = [
      await plan(names.map((name) => `alter table ${name} add note text`).join("; ")),
      nextAction(),
    ];
    const done = await sqlExecutor(server.port).execute({ ...executeRequest(first), idempotencyKey: action }, never);
    const left = (done.status === "succeeded" && done.left) || "";
    assert.ok(left.length > 0 && left.length < 1_000, left.slice(0, 200));
    const { statements } = (first.inverse as { args: { statements: string } }).args;
    const undo = await plan(statements, left);
    await assert.rejects(plan(statements, left.slice(0, -9)), { code: "target-moved" }, "half of it tells nothing");
    await assert.rejects(plan(statements, left.replace(/[0-9a-f]{9}"}/, '000000000"}')), { code: "target-moved" });
    assert.equal((await execute(undo)).status, "succeeded");
    await assert.rejects(plan("select 1", left), { code: "target-moved" }, "they are not as they were");
  });

  it("computes what nobody writes again, so that goes", async () => {
    const undo = await migrated("alter table customers add column twice int generated always as (id * 2) stored");
    await server.query("update customers set id = 9 where id = 1");
    assert.equal((await execute(await undo.plan())).status, "succeeded");
  });

  it("is not over a value that is committed while its lock is waited for", async () => {
    const undo = await migrated(`${NOTE} text`);
    const planned = await undo.plan();
    const { default: pg } = await import("pg");
    const writer = new pg.Client({ host: "127.0.0.1", port: server.port, user: "postgres", password: "test" });
    await writer.connect();
    try {
      await writer.query("begin; update customers set note = 'late' where id = 1");
      assert.equal((await execute(planned)).status, "retry", "it waits no longer than it may");
      const waiting = execute(planned);
      await writer.query("commit");
      const outcome = await waiting;
      assert.deepEqual(outcome, {
        status: "failed",
        code: "target-moved",
        detail: { written: { relation: "public.customers", column: "note" } },
      });
    } finally {
      await writer.end();
    }
  });

  it("is not over what was written since either where its transaction was not kept, and is planned anew where that is no number", async () => {
    const undo = await migrated(`${NOTE} int default 7`);
    const { calls, ...rest } = await undo.plan();
    const call = { ...(calls[0] as Record<string, never>), undoes: { transaction: null } };
    await server.query("update customers set note = 8 where id = 2");
    const outcome = await execute({ ...rest, calls: [call] });
    assert.equal(outcome.status === "failed" && outcome.code, "target-moved");
    const forged = await execute({ ...rest, calls: [{ ...call, undoes: { transaction: "1'::xid or true" } }] });
    assert.equal(forged.status === "failed" && forged.code, "plan-invalid");
  });
});
