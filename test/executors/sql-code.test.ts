// Code that is there already and that a statement sets off: each planted one waits for a person, its benign twin passes.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import pg from "pg";
import type { JsonObject } from "../../src/core/json.ts";
import type { Plan } from "../../src/wire/contracts/executor.ts";
import { startPostgresServer, type PostgresServer } from "../stores/postgres-server.ts";
import { executeRequest, never } from "./contract.ts";
import { judge } from "./judged.ts";
import { ALTERATIONS, PLANNED, READS, UNREAD, type CodeCase } from "./sql-code-cases.ts";
import { WRITES } from "./sql-code-writes.ts";
import { PASSWORD, sqlExecutor } from "./sql-stage.ts";

/** `noted` notes that it ran, as whatever somebody wrote may do; `claims` does too, and is marked as one that only computes. */
const SCHEMA = `drop schema if exists public cascade; create schema public;
  create table ran (n int);
  create function noted(int) returns int language plpgsql as $$ begin insert into public.ran values ($1); return $1; end $$;
  create function says(int) returns boolean language plpgsql as $$ begin return public.noted($1) > 0; end $$;
  create function claims(int) returns int language plpgsql immutable as $$ begin return public.noted($1); end $$;
  create function fires() returns trigger language plpgsql as
    $$ begin perform public.noted(1); return coalesce(new, old); end $$;
  create table plain (id int primary key, note text);
  insert into plain values (1, 'a'), (2, 'b')`;

let server: PostgresServer;

function plan(statements: string): Promise<Plan> {
  const target = { environment: "production", service: "cart" };
  const asked = { actionId: "act_000000001", kind: "sql.migrate", target, context: {} };
  return sqlExecutor(server.port).plan({ ...asked, args: { database: "orders", statements } }, never);
}

function classOf(planned: Plan): unknown {
  return (planned.diff as JsonObject)["class"];
}

function runsOf(planned: Plan): readonly unknown[] {
  const { statements } = planned.diff as { statements: { findings: JsonObject[] }[] };
  const found = statements.flatMap(({ findings }) => findings.filter(({ code }) => code === "runs-code"));
  return [...new Set(found.map(({ runs }) => runs))];
}

/** Whether PostgreSQL runs what was planted, told by PostgreSQL itself; nothing of it stays. */
async function runsCode(statements: string): Promise<boolean> {
  const client = new pg.Client({ host: "127.0.0.1", port: server.port, user: "postgres", password: PASSWORD });
  await client.connect();
  try {
    await client.query("begin");
    await client.query(statements);
    return (await client.query("select 1 from public.ran")).rows.length > 0;
  } finally {
    await client.end();
  }
}

async function make(setup: string): Promise<void> {
  await server.query(`${SCHEMA}; ${setup}; delete from ran`);
}

async function isToldApart({ setup, planted, benign, runs }: CodeCase): Promise<void> {
  await make(setup);
  const caught = await plan(planted);
  assert.deepEqual([classOf(caught), runsOf(caught)], ["opaque", runs], planted);
  assert.notEqual(caught.signature, undefined, planted);
  const twin = await plan(benign);
  assert.deepEqual([runsOf(twin), twin.signature], [[], undefined], benign);
}

describe("a statement that sets off what somebody wrote", () => {
  before(async () => (server = await startPostgresServer()));
  after(() => server.stop());

  for (const one of [...WRITES, ...READS, ...PLANNED, ...ALTERATIONS]) {
    it(`is told from one that does not: ${one.what}`, async () => {
      await isToldApart(one);
      assert.equal(await runsCode(one.planted), true, "PostgreSQL does run it");
      assert.equal(await runsCode(one.benign), false, "and here it does not");
    });
  }

  for (const one of UNREAD) {
    it(`is held where nothing tells what it does: ${one.what}`, () => isToldApart(one));
  }

  it("is named on the statement that does it, by what that touches", async () => {
    await make("create trigger t before insert on plain for each row execute function fires()");
    const planned = await plan("select 1; insert into plain values (7, 'x')");
    const { statements } = planned.diff as { statements: JsonObject[] };
    assert.deepEqual(
      statements.map((statement) => statement["class"]),
      ["reads", "opaque"],
    );
    assert.deepEqual(statements[1]?.["findings"], [
      { code: "inserts", relation: "plain", lock: "ROW EXCLUSIVE" },
      { code: "selects", relation: null, lock: "ACCESS SHARE" },
      { code: "runs-code", relation: "plain", lock: null, runs: "function public.fires()" },
    ]);
  });

  it("waits for a person under the standard pack, since a part of it is not seen", async () => {
    await make("create view watched as select noted(id) as id from plain");
    const of = sqlExecutor(server.port, { environment: "staging" });
    const judged = (statements: string) =>
      judge(of, { kind: "sql.migrate", args: { database: "orders", statements }, environment: "staging" });
    const caught = await judged("select * from watched");
    assert.deepEqual([caught.result, caught.route, caught.risks], ["held", "owners", ["unseen"]]);
    assert.equal((await judged("select * from plain")).result, "granted");
  });

  it("is not run on what was planned before it was there, or signed before it said something else", async () => {
    await make("");
    const of = sqlExecutor(server.port);
    const run = (planned: Plan) => of.execute(executeRequest(planned), never);
    const moved = { status: "failed", code: "target-moved", detail: null };
    const early = await plan("insert into plain values (3, 'c'); select * from plain");
    await server.query("create rule r as on insert to plain do also select noted(1)");
    assert.deepEqual(await run(early), moved, "a rule since");
    const signed = await plan("insert into plain values (3, 'c')");
    await server.query("create or replace rule r as on insert to plain do also select noted(2)");
    assert.deepEqual(await run(signed), moved, "another rule since");
    await server.query(`drop rule r on plain; create view v as select id from plain;
      create trigger t before insert on plain for each row execute function fires()`);
    const reviewed = await plan("insert into plain values (3, 'c')");
    const reading = await plan("select * from v");
    await server.query(`create or replace function fires() returns trigger language plpgsql as
      $$ begin delete from public.plain; return new; end $$; create or replace view v as select noted(id) as id from plain`);
    assert.deepEqual(await run(reviewed), moved, "another function since");
    assert.deepEqual(await run(reading), moved, "another view since");
    assert.equal((await server.query("select 1 from plain")).rows.length, 2);
  });
});
