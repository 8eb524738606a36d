// What proves that a migration ran is Holdpoint's own: no other statement touches it, and no row counts that is not about
// what was approved.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { isAppError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { ExecuteRequest, Plan, StepOutcome } from "../../src/wire/contracts/executor.ts";
import { startPostgresServer, type PostgresServer } from "../stores/postgres-server.ts";
import { executeRequest, never, planRequest } from "./contract.ts";
import { sqlExecutor } from "./sql-stage.ts";

let server: PostgresServer;
let actions = 0;

const nextAction = (): string => `act_${String(++actions).padStart(9, "0")}`;

function plan(statements: string): Promise<Plan> {
  const args = { database: "orders", statements };
  return sqlExecutor(server.port).plan(planRequest({ kind: "sql.migrate", args }, nextAction()), never);
}

function request(planned: Plan, idempotencyKey = nextAction()): ExecuteRequest {
  return { ...executeRequest(planned), idempotencyKey };
}

const execute = (asked: ExecuteRequest): Promise<StepOutcome> => sqlExecutor(server.port).execute(asked, never);

async function findingsOf(statements: string): Promise<readonly JsonObject[]> {
  const { diff, signature } = await plan(statements);
  assert.equal(signature, "irreversible", statements);
  return (diff as { statements: { findings: JsonObject[] }[] }).statements.flatMap(({ findings }) => findings);
}

async function isRefused(statements: string): Promise<void> {
  await assert.rejects(
    plan(statements),
    (error) => isAppError(error, "arguments-invalid") && error.facts["code"] === "touches-journal",
    statements,
  );
}

const TOUCHING = [
  "insert into holdpoint.migrations (action, grant_id) values ('test:act_000000009', 'g')",
  "delete from holdpoint.migrations where action = 'x'",
  "update only HoldPoint.migrations set grant_id = 'g' where action = 'x'",
  "delete from \"holdpoint\".migrations as m where m.action = 'x'",
  "delete from U&\"hold\\0070oint\".migrations where action = 'x'",
  "delete from postgres.holdpoint.migrations where action = 'x'",
  "with gone as (delete from holdpoint.migrations where action = 'x' returning 1) select * from gone",
  "explain analyze delete from holdpoint.migrations where action = 'x'",
  "prepare later as delete from holdpoint.migrations where action = 'x'",
  "insert into plain (id) select 1 from holdpoint.migrations",
  "select 1; truncate holdpoint.migrations",
  "merge into holdpoint.migrations m using plain on false when matched then delete",
  "alter table holdpoint.migrations add constraint shut check (action = '') not valid",
  "alter table holdpoint.migrations inherit plain",
  "alter table holdpoint.migrations rename to others",
  "alter table plain inherit holdpoint.migrations",
  "alter table plain set schema holdpoint",
  "alter index holdpoint.migrations_pkey rename to x",
  "comment on table holdpoint.migrations is ''",
  "comment on column holdpoint.migrations.action is ''",
  "create index on holdpoint.migrations (at)",
  "create policy p on holdpoint.migrations",
  "create rule r as on insert to holdpoint.migrations do instead nothing",
  "create rule r as on insert to plain do also delete from holdpoint.migrations",
  "create table holdpoint.others (id int)",
  "create table others () inherits (holdpoint.migrations)",
  "create table others (like holdpoint.migrations)",
  "create table others (row holdpoint.migrations)",
  "create table others (action text references holdpoint.migrations)",
  "create table others as select * from holdpoint.migrations",
  "create trigger t before insert on holdpoint.migrations execute function suppress_redundant_updates_trigger()",
  "create type holdpoint.mood as enum ('fine')",
  "create view seen as select * from holdpoint.migrations",
  "create function f() returns void begin atomic delete from holdpoint.migrations; end",
  "create extension hstore schema holdpoint",
  "drop table holdpoint.migrations",
  "drop table plain, holdpoint.migrations",
  "drop index holdpoint.migrations_pkey",
  "drop function holdpoint.f(int)",
  "drop schema plain, holdpoint cascade",
  "drop owned by current_user",
  "reassign owned by current_user to pg_monitor",
  "create schema holdpoint",
  "alter schema holdpoint rename to other",
  "alter schema other rename to holdpoint",
  "alter schema holdpoint owner to pg_monitor",
  "grant insert on holdpoint.migrations to public",
  "grant insert on all tables in schema holdpoint to public",
  "grant create on schema holdpoint to public",
  "alter default privileges in schema holdpoint grant insert on tables to public",
  "lock table holdpoint.migrations",
  "alter sequence counted owned by holdpoint.migrations.at",
];

/** What only looks like it. */
const SPARING = [
  "select action, grant_id from holdpoint.migrations",
  "select count(*) from holdpoint.migrations where at > now()",
  "insert into plain (id, note) values (7, 'delete from holdpoint.migrations')",
  "update plain as holdpoint set note = 'x' where holdpoint.id = 1",
  "create table holdpoint (holdpoint int, id int, primary key (holdpoint, id))",
  "create type kinds as enum ('holdpoint', 'other')",
  "alter table plain add column holdpoint text",
  "grant select on plain to pg_monitor",
];

describe("the journal of migrations", () => {
  before(async () => {
    server = await startPostgresServer();
    await server.query("create table plain (id int primary key, note text); create sequence counted");
    const first = await execute(request(await plan("create table first (id int)")));
    assert.equal(first.status, "succeeded");
  });
  after(() => server.stop());

  it("is touched by no statement, whoever signs, and may be read", async () => {
    for (const statements of TOUCHING) await isRefused(statements);
    for (const statements of SPARING) assert.ok((await plan(statements)).calls.length === 1, statements);
  });

  it("is not reached by way of a view, a rule, a parent or a foreign key that is there", async () => {
    const ways: readonly (readonly [make: string, statements: string, undo: string])[] = [
      [
        "create view journal as select * from holdpoint.migrations; create view again as select * from journal",
        "delete from again where action = 'x'",
        "drop view journal cascade",
      ],
      [
        "create rule r as on insert to plain do also delete from holdpoint.migrations",
        "insert into plain (id) values (9)",
        "drop rule r on plain",
      ],
      [
        "create table parent (action text); alter table holdpoint.migrations inherit parent",
        "delete from parent",
        "alter table holdpoint.migrations no inherit parent; drop table parent",
      ],
      [
        "alter table holdpoint.migrations add column of int references plain on delete cascade",
        "delete from plain where id = 1",
        "alter table holdpoint.migrations drop column of",
      ],
    ];
    for (const [make, statements, undo] of ways) {
      await server.query(make);
      try {
        await isRefused(statements);
      } finally {
        await server.query(undo);
      }
      const early = await plan(
        statements.replace("again", "plain").replace("parent", "plain").replace("action", "note"),
      );
      assert.equal(early.calls.length, 1);
    }
    await server.query("create view journal as select * from holdpoint.migrations");
    assert.equal((await plan("select action from journal")).signature, undefined, "reading goes");
    const early = await plan("insert into plain (id) values (9)");
    await server.query("create rule r as on insert to plain do also delete from holdpoint.migrations");
    const outcome = await execute(request(early));
    assert.deepEqual(outcome, { status: "failed", code: "target-moved", detail: null });
    await server.query("drop rule r on plain; drop view journal");
  });

  it("is not looked for on a path, and touched by no plan from before", async () => {
    const searchPath = ["public", "holdpoint"];
    assert.throws(() => sqlExecutor(server.port, { searchPath }), { code: "config-invalid" });
    const planned = await plan("select 1");
    const call = { ...(planned.calls[0] as JsonObject), statements: TOUCHING[0] ?? "" };
    const outcome = await execute(request({ ...planned, calls: [call] }));
    assert.deepEqual(outcome, { status: "failed", code: "plan-invalid", detail: null });
  });

  it("is for people who are told, where code names it", async () => {
    const told = async (statements: string): Promise<readonly unknown[]> =>
      (await findingsOf(statements)).flatMap(({ code, runs = null }) => (code === "names-journal" ? [runs] : []));
    assert.deepEqual(await told("do $$ begin delete from HOLDPOINT.migrations; end $$"), [null]);
    assert.deepEqual(await told("do $$ begin delete from plain; end $$"), []);
    const body = "language sql as 'delete from holdpoint.migrations'";
    assert.deepEqual(await told(`create function wipes() returns void ${body}`), [null]);
    await server.query(`create function named() returns int language plpgsql as
        $$ begin delete from holdpoint.migrations; return 1; end $$;
      create function bound() returns int begin atomic delete from holdpoint.migrations; select 1; end;
      create function other() returns int language plpgsql as $$ begin delete from plain; return 1; end $$;
      create view runs_named as select named(); create view runs_bound as select bound();
      create view runs_other as select other()`);
    assert.deepEqual(await told("select * from runs_named"), ["function public.named()"]);
    assert.deepEqual(await told("select * from runs_bound"), ["function public.bound()"]);
    assert.deepEqual(await told("select * from runs_other"), []);
  });

  it("has its word for an action only by a row about what was approved", async () => {
    const planned = await plan("create table wanted (id int)");
    const asked = request(planned);
    const row = (grantId: string, callHash: string): Promise<unknown> =>
      server.query(`delete from holdpoint.migrations where action = 'test:${asked.idempotencyKey}';
        insert into holdpoint.migrations (action, grant_id, call_hash)
          values ('test:${asked.idempotencyKey}', '${grantId}', ${callHash})`);
    assert.equal((await execute(asked)).status, "succeeded");
    const { rows } = await server.query("select call_hash from holdpoint.migrations order by at desc limit 1");
    const own = (rows[0] as { call_hash: string }).call_hash;
    assert.match(own, /^[0-9a-f]{64}$/);
    await server.query("drop table wanted");
    const reconcile = () => sqlExecutor(server.port).reconcile(asked, never);
    const others = [
      ["g", `'${own}'`],
      [asked.grantId, "null"],
      [asked.grantId, `'${"0".repeat(64)}'`],
    ] as const;
    for (const [grantId, callHash] of others) {
      await row(grantId, callHash);
      const unknown = { status: "unknown", code: "look-up-unreliable", detail: null };
      assert.deepEqual(await execute(asked), unknown, `${grantId} ${callHash}`);
      const unclear = { status: "unclear", detail: { code: "look-up-unreliable" } };
      assert.deepEqual(await reconcile(), unclear, "and is not asked again");
    }
    await row(asked.grantId, `'${own}'`);
    assert.equal((await reconcile()).status, "happened");
    const again = await execute(asked);
    assert.deepEqual(again.status === "succeeded" && again.detail, { foundBefore: true });
    assert.deepEqual((await server.query("select to_regclass('wanted') is null as gone")).rows, [{ gone: true }]);
  });

  it("from before is given a place for what was approved, and until then its rows prove nothing", async () => {
    const asked = request(await plan("create table older (id int)"));
    await server.query(`alter table holdpoint.migrations drop column call_hash;
      insert into holdpoint.migrations (action, grant_id) values ('test:${asked.idempotencyKey}', '${asked.grantId}')`);
    assert.equal((await sqlExecutor(server.port).reconcile(asked, never)).status, "unclear");
    const next = request(asked.plan);
    assert.equal((await sqlExecutor(server.port).reconcile(next, never)).status, "absent");
    assert.equal((await execute(next)).status, "succeeded");
    assert.equal((await sqlExecutor(server.port).reconcile(next, never)).status, "happened");
  });
});
