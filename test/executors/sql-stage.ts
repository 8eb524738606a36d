// Databases that tests migrate, and plans of which one is planted and its twin is benign.

import type { LookupFunction } from "node:net";
import { createEgress } from "../../src/adapters/egress/egress.ts";
import { createSqlExecutor } from "../../src/adapters/executors/sql-migrate.ts";
import type { Credentials } from "../../src/wire/contracts/credentials.ts";
import type { Executor } from "../../src/wire/contracts/executor.ts";
import { sqlConfigSchema } from "../../src/wire/schemas/executors-config.ts";
import { parseTcpAddress } from "../../src/wire/schemas/origin.ts";

export const PASSWORD = "test";
export const MIGRATOR_PASSWORD = "s3cret-of-the-migrator";
export const credentials: Credentials = {
  get: (ref) => {
    const secret = { "sql/orders": PASSWORD, "sql/wrong": "another", "sql/migrator": MIGRATOR_PASSWORD }[ref];
    return secret === undefined ? Promise.reject(new Error("no such secret")) : Promise.resolve(secret);
  },
};

export type Overrides = {
  /** A name is looked up nowhere: it is this machine's. */
  readonly host?: string;
  readonly tls?: "verify-full";
  readonly environment?: string;
  readonly service?: string;
  readonly database?: string;
  readonly port?: number;
  readonly passwordRef?: string;
  readonly user?: string;
  readonly lockTimeoutMs?: number;
  readonly statementTimeoutMs?: number;
  readonly searchPath?: readonly string[];
};

/** The database `orders` of production's cart on that port, unless told otherwise. */
export function sqlExecutor(port: number, overrides: Overrides = {}): Executor {
  const config = sqlConfigSchema.parse({
    databases: [
      {
        name: "orders",
        environment: "production",
        service: "cart",
        host: "127.0.0.1",
        port,
        database: "postgres",
        user: "postgres",
        passwordRef: "sql/orders",
        tls: "off",
        lockTimeoutMs: 300,
        ...overrides,
      },
    ],
  });
  const allow = config.databases.map((one) => parseTcpAddress(one).address);
  return createSqlExecutor({
    config,
    egress: createEgress({ allow, lookup: here }),
    credentials,
    installation: "test",
  });
}

const here: LookupFunction = (_host, { all }, callback) =>
  all === true ? callback(null, [{ address: "127.0.0.1", family: 4 }]) : callback(null, "127.0.0.1", 4);

/** What is planted, its benign twin, and what is found in the planted one. */
export const JUDGED: readonly (readonly [string, string, readonly string[]])[] = [
  ["grant select on judged to pg_monitor", "alter table judged add column note text", ["privilege-widening"]],
  [
    "grant select on judged to public",
    "comment on table judged is 'granted to nobody'",
    ["privilege-widening", "data-exposure"],
  ],
  ["alter table judged owner to pg_monitor", "create table judged_owner (id int)", ["privilege-widening"]],
  [
    "create function f() returns int language sql security definer as 'select 1'",
    "create view judged_rows as select id from judged",
    ["privilege-widening", "unseen"],
  ],
  ["alter table judged disable row level security", "create index on judged (status)", ["data-exposure"]],
  [
    "create policy all_rows on judged using (true)",
    "alter table judged add check (id > 0) not valid",
    ["data-exposure"],
  ],
  ["drop table judged", "create table judged_more (id int)", []],
  ["truncate judged", "insert into judged values (9, 'new', 1, 'c9')", []],
  ["alter table judged alter column code type varchar(2)", "alter table judged alter column code type varchar(20)", []],
  ["delete from judged", "delete from judged where id = 1", []],
  ["update judged set status = 'x' where true", "update judged set status = 'x' where id = 2", []],
  ["select 1; drop table judged", "select 1; select 2", []],
  ["do $$ begin execute 'drop table judged'; end $$", "select 'do $$ drop table judged $$'", ["unseen"]],
  [
    "create table t (id int); /* ; -- */ drop /* */ table judged; --",
    "create table t (id int); -- drop table judged",
    [],
  ],
];
