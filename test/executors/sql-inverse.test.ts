// What a migration that is taken back leaves alone: everything that was not its own, by whatever name it goes.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Executor, Plan, StepOutcome } from "../../src/wire/contracts/executor.ts";
import { startPostgresServer, type PostgresServer } from "../stores/postgres-server.ts";
import { executeRequest, never, planRequest } from "./contract.ts";
import { sqlExecutor, type Overrides } from "./sql-stage.ts";

let server: PostgresServer;
let actions = 0;

const nextAction = (): string => `act_${String(++actions).padStart(9, "0")}`;

function plan(of: Executor, statements: string, left?: string): Promise<Plan> {
  const args = { database: "orders", statements };
  const asked = planRequest({ kind: "sql.migrate", args }, nextAction());
  return of.plan(left === undefined ? asked : { ...asked, left }, never);
}

function execute(of: Executor, planned: Plan): Promise<StepOutcome> {
  return of.execute({ ...executeRequest(planned), idempotencyKey: nextAction() }, never);
}

function inverseOf(planned: Plan): string | null {
  const inverse = planned.inverse as { args: { statements: string } } | null;
  return inverse === null ? null : inverse.args.statements;
}

/** What there is in the schemas of these tests, by kind and name. */
async function objects(): Promise<readonly string[]> {
  const { rows } = await server.query(`
    select concat(c.relkind, ' ', c.oid::regclass) as name from pg_class c
      where c.relnamespace::regnamespace::text in ('a', 'b')
    union all select concat('t ', t.oid::regtype) from pg_type t
      where t.typnamespace::regnamespace::text in ('a', 'b') and t.typtype in ('e', 'd')
    union all select concat('c ', n.conrelid::regclass, ' ', n.conname) from pg_constraint n
      where n.connamespace::regnamespace::text in ('a', 'b')
    order by 1`);
  return (rows as { name: string }[]).map(({ name }) => name);
}

/** Migrates and takes it back; what is there before is there afterwards. */
async function thereAndBack(statements: string, overrides: Overrides = PATH): Promise<string> {
  const of = sqlExecutor(server.port, overrides);
  const before = await objects();
  const planned = await plan(of, statements);
  const done = await execute(of, planned);
  assert.equal(done.status, "succeeded", JSON.stringify([statements, done]));
  assert.notDeepEqual(await objects(), before, statements);
  const back = inverseOf(planned) ?? "";
  const undone = await execute(of, await plan(of, back, done.status === "succeeded" ? done.left : undefined));
  assert.equal(undone.status, "succeeded", JSON.stringify([statements, back, undone]));
  assert.deepEqual(await objects(), before, `${statements}, undone by ${back}`);
  return back;
}

const PATH = { searchPath: ["a", "b"] };
const inverseAt = async (statements: string, overrides: Overrides = PATH): Promise<string | null> =>
  inverseOf(await plan(sqlExecutor(server.port, overrides), statements));

describe("what takes a migration back", () => {
  before(async () => {
    server = await startPostgresServer();
    await server.query(`create schema a; create schema b;
      create table a.other (id int); create index idx on a.other (id);
      create table b.t (id int); create table b.u (id int not null); create unique index u_idx on b.u (id);
      create table b.parted (id int not null) partition by range (id);
      create table b.part partition of b.parted for values from (0) to (9);
      create index part_idx on b.part (id)`);
  });
  after(() => server.stop());

  it("drops an index where its table is, whatever else has its name", async () => {
    assert.equal(await thereAndBack("create index idx on t (id)"), 'DROP INDEX "b"."idx"');
    assert.equal(await thereAndBack("create index other_idx on other (id)"), 'DROP INDEX "a"."other_idx"');
    assert.equal(
      await thereAndBack("create table t (id int); create index idx2 on t (id)"),
      ['DROP INDEX "a"."idx2"', 'DROP TABLE "a"."t"'].join(";\n"),
      "a new table hides the one that was there",
    );
  });

  it("names the schema of all that it drops", async () => {
    const made: readonly (readonly [string, string])[] = [
      ["create table fresh (id int)", 'DROP TABLE "a"."fresh"'],
      ["create table fresh as select 1 as one", 'DROP TABLE "a"."fresh"'],
      ["create view v as select 1 as one", 'DROP VIEW "a"."v"'],
      ["create sequence s", 'DROP SEQUENCE "a"."s"'],
      ["create type mood as enum ('fine')", 'DROP TYPE "a"."mood"'],
      ["create type pair as (x int)", 'DROP TYPE "a"."pair"'],
      ["create domain positive as int check (value > 0)", 'DROP DOMAIN "a"."positive"'],
      ["create table b.fresh (id int)", 'DROP TABLE "b"."fresh"'],
      ["alter table t add constraint above check (id > 0) not valid", 'ALTER TABLE "b"."t" DROP CONSTRAINT "above"'],
    ];
    for (const [statements, back] of made) assert.equal(await thereAndBack(statements), back);
    assert.equal(await inverseAt("alter table t add column note text"), 'ALTER TABLE "b"."t" DROP COLUMN "note"');
  });

  it("is not there where it would drop what was there before", async () => {
    const taken = [
      "alter table u add constraint u_key unique using index u_idx",
      "alter table u add constraint u_key primary key using index u_idx",
      "alter table u add constraint u_id_not_null not null id",
      "create index parted_idx on parted (id)",
      "alter table parted add constraint parted_key unique (id)",
      "alter table b.parted add constraint parted_key primary key (id)",
    ];
    for (const statements of taken) assert.equal(await inverseAt(statements), null, statements);
    assert.notEqual(await inverseAt("alter table u add constraint u_key unique (id)"), null);
    assert.notEqual(await inverseAt("create index on_part on part (id)"), null);
    assert.notEqual(await inverseAt("alter table parted add constraint low check (id < 9)"), null);
  });

  it("is not there where nobody can tell which one is meant, or what else was done", async () => {
    const uncertain = [
      "create schema c; create table fresh (id int)",
      "create table b.hidden (id int); create index hidden_idx on hidden (id)",
      "create table pg_temp.fresh (id int)",
      "create temp table fresh (id int)",
      "create type pg_temp.mood as enum ('fine')",
      "create table fresh as with gone as (delete from b.t where id = 1 returning *) select * from gone",
      "create table fresh as select set_config('search_path', 'b', false)",
      "create type b.pair as (x int); alter type b.pair add attribute y int",
    ];
    for (const statements of uncertain) {
      assert.equal(await inverseAt(statements, { searchPath: ["c", "a", "b"] }), null, statements);
    }
    const certain = ["create schema d; create table fresh (id int)", "create schema c; create table c.fresh (id int)"];
    for (const statements of certain) {
      assert.notEqual(await inverseAt(statements, { searchPath: ["c", "a", "b"] }), null, statements);
    }
    assert.equal(await inverseAt("create table fresh (id int)", { searchPath: ["nowhere"] }), null);
  });

  it("is not there for what would go elsewhere by now: then nothing is run", async () => {
    const of = sqlExecutor(server.port, { searchPath: ["later", "a"] });
    const planned = await plan(of, "create table fresh (id int)");
    await server.query("create schema later");
    assert.deepEqual(await execute(of, planned), { status: "failed", code: "target-moved", detail: null });
    assert.equal((await execute(of, await plan(of, "create table fresh (id int)"))).status, "succeeded");
  });

  it("drops no view that somebody has defined anew since", async () => {
    const of = sqlExecutor(server.port, PATH);
    const planned = await plan(of, "create view shown as select 1 as one");
    const done = await execute(of, planned);
    const left = done.status === "succeeded" ? done.left : undefined;
    const back = inverseOf(planned) ?? "";
    assert.equal((await plan(of, back, left)).calls.length, 1);
    await server.query("create or replace view a.shown as select 2 as one");
    await assert.rejects(plan(of, back, left), { code: "target-moved" });
  });
});
