// SQL checks against a real PostgreSQL: one value from a session that can change nothing.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createEgress } from "../../src/adapters/egress/egress.ts";
import { createSqlReader } from "../../src/adapters/executors/sql-reader.ts";
import { createHealthProbe, healthOrigins } from "../../src/adapters/health/probe.ts";
import type { HealthAnswer, HealthProbe } from "../../src/wire/contracts/health.ts";
import { healthConfigSchema } from "../../src/wire/schemas/health-config.ts";
import { parseTcpAddress } from "../../src/wire/schemas/origin.ts";
import { startPostgresServer, type PostgresServer } from "../stores/postgres-server.ts";

let postgres: PostgresServer;
let probe: HealthProbe;
const never = new AbortController().signal;

function probeWith(secret: string): HealthProbe {
  const at = { host: "127.0.0.1", port: postgres.port, tls: "off" };
  const shop = { ...at, database: "postgres", user: "postgres", passwordRef: "health/shop", statementTimeoutMs: 500 };
  const config = healthConfigSchema.parse({ databases: { shop } });
  const egress = createEgress({ allow: healthOrigins(config) });
  const credentials = { get: async () => secret };
  const readers = Object.entries(config.databases).map(([name, database]) => {
    const connect = egress.connectTo(parseTcpAddress(database).address);
    return [name, createSqlReader({ config: database, connect, credentials })] as const;
  });
  const clock = { nowMs: () => 0, monotonicMs: () => 0 };
  const model = { stateOf: () => Promise.reject(new Error("nobody asks the model")) };
  return createHealthProbe({
    config,
    egress,
    credentials,
    databases: new Map(readers),
    clusters: new Map(),
    clock,
    model,
  });
}

type Bounds = { readonly min?: number; readonly max?: number };

function ask(query: string, { min, max }: Bounds = {}, of = probe): Promise<HealthAnswer> {
  const check = { kind: "sql", name: "it", database: "shop", query, min: min ?? null, max: max ?? null } as const;
  return of.ask({ check, beforeMs: 0 }, never);
}

before(async () => {
  postgres = await startPostgresServer();
  await postgres.query("create table orders (id bigserial primary key, state text not null)");
  await postgres.query("insert into orders (state) values ('paid'), ('lost'), ('lost')");
  probe = probeWith("test");
});
after(() => postgres.stop());

describe("an SQL check", () => {
  it("passes when its value is true, and fails when it is false", async () => {
    const query = "select count(*) > 1 from orders";
    assert.deepEqual(await ask(query), { result: "pass", evidence: { value: true } });
    assert.equal((await ask("select count(*) = 0 from orders")).result, "fail");
  });

  it("compares a number of any width with its bounds", async () => {
    const lost = "select count(*) from orders where state = 'lost'";
    assert.deepEqual(await ask(lost, { max: 2 }), { result: "pass", evidence: { value: 2, min: null, max: 2 } });
    assert.equal((await ask(lost, { max: 1 })).result, "fail");
    assert.equal((await ask("select avg(id) from orders", { min: 2, max: 2 })).result, "pass");
    assert.equal((await ask("select 1.5::float8", { min: 2 })).result, "fail");
  });

  const UNTOLD = {
    "no row": "select true where false",
    "several rows": "select true from orders",
    "several columns": "select true, true",
    text: "select state from orders limit 1",
    "nothing at all": "select null::boolean",
    "a column that is not there": "select gone from orders",
    "two statements": "select true; delete from orders",
    "a write": "delete from orders returning true",
    "a write within": "with gone as (delete from orders returning id) select count(*) = 3 from gone",
    "too long": "select pg_sleep(5) is null",
  };
  for (const [name, query] of Object.entries(UNTOLD)) {
    it(`cannot tell from ${name}, and changes nothing`, async () => {
      const { result, evidence } = await ask(query);
      assert.equal(result, "unknown", JSON.stringify(evidence));
      assert.ok(!JSON.stringify(evidence).includes("paid"), "what the database holds is no evidence");
      const { rows } = await postgres.query("select count(*)::int as count from orders");
      assert.deepEqual(rows, [{ count: 3 }]);
    });
  }

  it("cannot tell where it may not sign in, and asks no other database", async () => {
    assert.deepEqual((await ask("select true", {}, probeWith("wrong"))).evidence, { code: "credential-refused" });
    const check = { kind: "sql", name: "it", database: "other", query: "select true", min: null, max: null } as const;
    await assert.rejects(probe.ask({ check, beforeMs: 0 }, never), { code: "config-invalid" });
  });
});
