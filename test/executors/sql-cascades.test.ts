// Writes that a foreign key spreads to other tables: each planted one waits for a person, its benign twin passes.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import pg from "pg";
import type { JsonObject } from "../../src/core/json.ts";
import type { Plan } from "../../src/wire/contracts/executor.ts";
import { startPostgresServer, type PostgresServer } from "../stores/postgres-server.ts";
import { executeRequest, never } from "./contract.ts";
import { PASSWORD, sqlExecutor } from "./sql-stage.ts";

type CascadeCase = {
  readonly what: string;
  readonly setup: string;
  readonly planted: string;
  readonly benign: string;
  /** As they are named. */
  readonly spreads: readonly string[];
};

const SCHEMA = `drop schema if exists public cascade; create schema public;
  create table plain (id int primary key, note text);
  insert into plain values (1, 'a'), (2, 'b');
  create table calm (id int primary key, note text); insert into calm values (1, 'a')`;

const CASES: readonly CascadeCase[] = [
  {
    what: "a deletion",
    setup: `create table child (id int references plain on delete cascade); insert into child values (1), (1);
      create table kept (id int references calm on delete restrict); create table held (id int references calm);
      create table moved (id int references calm on update cascade);
      create table loose (id int references calm on delete cascade not enforced); insert into loose values (1)`,
    planted: "delete from plain where id = 1",
    benign:
      "delete from calm where id = 1; update plain set note = 'x' where id = 1; insert into plain values (3, 'c')",
    spreads: ["public.child"],
  },
  {
    what: "a deletion that only empties, or resets, what points to it",
    setup: `create table child (id int references plain on delete set null); insert into child values (1);
      create table reset (id int default 2 references plain on delete set default); insert into reset values (1)`,
    planted: "delete from plain where id = 1",
    benign: "update plain set note = 'x' where id = 1; delete from calm where id = 1",
    spreads: ["public.child", "public.reset"],
  },
  {
    what: "an update of what is referenced",
    setup: "create table child (id int references plain on update cascade); insert into child values (1)",
    planted: "update plain set note = 'x', id = 9 where id = 1",
    benign: "update plain set note = 'x' where id = 1; delete from plain where id = 2",
    spreads: ["public.child"],
  },
  {
    what: "an update of several columns at once",
    setup: "create table child (id int references plain on update set null); insert into child values (1)",
    planted: "update plain set (note, id) = ('x', 9) where id = 1",
    benign: "update plain set (note) = row ('x') where id = 1",
    spreads: ["public.child"],
  },
  {
    what: "an update by way of a conflict",
    setup: "create table child (id int references plain on update cascade); insert into child values (1)",
    planted: "insert into plain values (1, 'x') on conflict (id) do update set id = 9",
    benign: "insert into plain values (1, 'x') on conflict (id) do update set note = 'x'",
    spreads: ["public.child"],
  },
  {
    what: "an update of what a referenced column is generated from",
    setup: `create table other (id int primary key, m int, n int generated always as (m + 1) stored unique);
      insert into other values (1, 1); create table child (n int references other (n) on update cascade);
      insert into child values (2)`,
    planted: "update other set m = 5 where id = 1",
    benign: "delete from other where id = 2",
    spreads: ["public.child"],
  },
  {
    what: "an update through a view, whose columns may have other names",
    setup: `create table child (id int references plain on update cascade); insert into child values (1);
      create view v as select id as note, note as id from plain; create view w as select note, id from v;
      create view calms as select * from calm where id not in (select id from plain)`,
    planted: "insert into w values (1, 'x') on conflict (note) do update set note = 9",
    benign: "insert into calms values (1, 'x') on conflict (id) do update set id = 9; insert into w values (3, 'c')",
    spreads: ["public.child"],
  },
  {
    what: "a table behind a table",
    setup: `create table child (id int primary key references plain on delete cascade, n int unique);
      insert into child values (1, 1); create table far (id int references child on delete set null); insert into far values (1);
      create table off (n int references child (n) on update cascade); insert into off values (null);
      create table calmer (id int references calm on delete set null, n int unique); insert into calmer values (null, 1);
      create table no (n int references calmer (n) on update cascade on delete cascade)`,
    planted: "delete from plain where id = 1",
    benign: "update calm set note = 'x' where id = 1; insert into calmer values (null, 2)",
    spreads: ["public.child", "public.far"],
  },
  {
    what: "a table behind columns that are emptied, and none behind others",
    setup: `create table child (id int unique references plain on delete set null, n int unique);
      insert into child values (1, 1); create table far (id int references child (id) on update cascade);
      insert into far values (1); create table off (n int references child (n) on update cascade on delete cascade)`,
    planted: "delete from plain where id = 1",
    benign: "delete from calm where id = 1; update plain set id = id where id = 2",
    spreads: ["public.child", "public.far"],
  },
  {
    what: "a table that points to its own rows",
    setup: `create table other (id int primary key, boss int references other on delete cascade);
      insert into other values (1, null), (2, 1), (3, 2);
      create table flat (id int primary key, boss int references flat); insert into flat values (1, null), (2, 1)`,
    planted: "delete from other where id = 1",
    benign: "delete from flat where id = 2",
    spreads: ["public.other"],
  },
  {
    what: "a partition of what is referenced",
    setup: `create table whole (id int primary key) partition by range (id);
      create table low partition of whole for values from (0) to (9); insert into whole values (1);
      create table child (id int references whole on delete cascade) partition by range (id);
      create table child_low partition of child default; insert into child values (1)`,
    planted: "delete from low where id = 1",
    benign: "insert into low values (2)",
    spreads: ["public.child"],
  },
  {
    what: "a whole of which one partition is referenced",
    setup: `create table whole (id int primary key) partition by range (id);
      create table low partition of whole for values from (0) to (9); insert into whole values (1);
      create table child (id int references low on delete cascade); insert into child values (1);
      create table calm_whole (id int primary key) partition by range (id); create table part partition of calm_whole default`,
    planted: "delete from whole where id = 1",
    benign: "delete from calm_whole where id = 1; insert into whole values (2)",
    spreads: ["public.child"],
  },
  {
    what: "a foreign key that the migration itself makes",
    setup: "create table child (id int); insert into child values (1)",
    planted: `alter table child add constraint c foreign key (id) references plain on delete cascade not valid;
      delete from plain where id = 1`,
    benign: `alter table child add constraint c foreign key (id) references plain on delete cascade not valid;
      update plain set note = 'x' where id = 1; insert into plain values (3, 'c')`,
    spreads: ["child"],
  },
  {
    what: "a partition that the migration itself attaches",
    setup: `create table whole (id int primary key) partition by range (id); create table part (id int primary key);
      create table child (id int references whole on delete cascade on update cascade)`,
    planted: `alter table whole attach partition part for values from (0) to (9);
      insert into part values (1); insert into child values (1), (1); update part set id = 2 where id = 1`,
    benign: "alter table whole attach partition part for values from (0) to (9); insert into part values (1)",
    spreads: ["public.child"],
  },
];

let server: PostgresServer;

function plan(statements: string): Promise<Plan> {
  const target = { environment: "production", service: "cart" };
  const asked = { actionId: "act_000000001", kind: "sql.migrate", target, context: {} };
  return sqlExecutor(server.port).plan({ ...asked, args: { database: "orders", statements } }, never);
}

function classOf({ diff }: Plan): unknown {
  return (diff as JsonObject)["class"];
}

function spreadsOf({ diff }: Plan): readonly unknown[] {
  const { statements } = diff as { statements: { findings: JsonObject[] }[] };
  const found = statements.flatMap(({ findings }) => findings.filter(({ code }) => code === "cascades"));
  return found.map(({ relation }) => relation);
}

/** Whether rows of these tables are others afterwards, told by PostgreSQL itself; nothing of it stays. */
async function changes(tables: readonly string[], statements: string): Promise<boolean> {
  const client = new pg.Client({ host: "127.0.0.1", port: server.port, user: "postgres", password: PASSWORD });
  await client.connect();
  const rows = async () => {
    const all: unknown[] = [];
    for (const table of tables) all.push((await client.query(`select * from ${table} order by 1`)).rows);
    return JSON.stringify(all);
  };
  try {
    await client.query("begin");
    const was = await rows();
    await client.query(statements);
    return (await rows()) !== was;
  } finally {
    await client.end();
  }
}

describe("a write that a foreign key spreads", () => {
  before(async () => (server = await startPostgresServer()));
  after(() => server.stop());

  for (const { what, setup, planted, benign, spreads } of CASES) {
    it(`is told from one that stays where it is: ${what}`, async () => {
      await server.query(`${SCHEMA}; ${setup}`);
      const caught = await plan(planted);
      assert.deepEqual([classOf(caught), spreadsOf(caught)], ["unbounded-write", spreads], planted);
      assert.notEqual(caught.signature, undefined, planted);
      const twin = await plan(benign);
      assert.deepEqual([spreadsOf(twin), twin.signature], [[], undefined], benign);
      assert.equal(await changes(spreads, planted), true, "PostgreSQL does spread it");
      assert.equal(await changes(spreads, benign), false, "and here it does not");
    });
  }

  it("names the tables on the statement that reaches them, with their size", async () => {
    await server.query(`${SCHEMA}; create schema if not exists "a.b"; drop table if exists "a.b".child;
      create table "a.b".child (id int references plain on delete cascade);
      insert into "a.b".child select 1 from generate_series(1, 300); analyze "a.b".child`);
    const { statements, tables } = (await plan("select 1; delete from plain where id = 1")).diff as {
      statements: JsonObject[];
      tables: JsonObject[];
    };
    assert.deepEqual(statements[1]?.["findings"], [
      { code: "deletes", relation: "plain", lock: "ROW EXCLUSIVE" },
      { code: "cascades", relation: '"a.b".child', lock: "ROW EXCLUSIVE" },
    ]);
    assert.deepEqual(statements[0]?.["class"], "reads");
    assert.deepEqual(
      tables.map(({ relation, rows }) => [relation, rows]),
      [
        ['"a.b".child', 300],
        ["plain", 0],
      ],
    );
  });

  it("names of a merge what its parts reach", async () => {
    await server.query(`${SCHEMA}; create table child (id int references plain on delete cascade);
      create table moved (id int references plain on update cascade)`);
    const merge = (part: string) =>
      plan(`merge into plain using calm on plain.id = calm.id when matched then ${part}
        when not matched then insert values (calm.id, calm.note)`);
    assert.deepEqual(spreadsOf(await merge("delete")), ["public.child"]);
    assert.deepEqual(spreadsOf(await merge("update set id = 9")), ["public.moved"]);
    assert.deepEqual(spreadsOf(await merge("update set note = 'x'")), []);
  });

  it("is not run on what was planned before it spread, or spread so far", async () => {
    await server.query(SCHEMA);
    const of = sqlExecutor(server.port);
    const moved = { status: "failed", code: "target-moved", detail: null };
    const early = await plan("delete from plain where id = 1");
    assert.equal(classOf(early), "bounded-write");
    await server.query("create table child (id int primary key references plain on delete cascade)");
    assert.deepEqual(await of.execute(executeRequest(early), never), moved, "a table since");
    const signed = await plan("delete from plain where id = 1");
    await server.query("create table far (id int references child on delete cascade)");
    assert.deepEqual(await of.execute(executeRequest(signed), never), moved, "a further one since");
    const now = await plan("delete from plain where id = 1");
    assert.equal((await of.execute(executeRequest(now), never)).status, "succeeded");
  });
});
