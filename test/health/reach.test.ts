// Whether the places that verifications may ask are there: asked for real, each with its own secret.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { createEgress } from "../../src/adapters/egress/egress.ts";
import { createSqlReader } from "../../src/adapters/executors/sql-reader.ts";
import { healthOrigins } from "../../src/adapters/health/probe.ts";
import { probeHealth } from "../../src/adapters/health/reach.ts";
import { healthConfigSchema } from "../../src/wire/schemas/health-config.ts";
import { parseTcpAddress } from "../../src/wire/schemas/origin.ts";
import { startPostgresServer, type PostgresServer } from "../stores/postgres-server.ts";

let postgres: PostgresServer;
const metrics = createServer((request, response) => {
  const { authorization } = request.headers;
  const isWelcome = authorization === undefined || authorization === "Bearer good";
  response.writeHead(request.url === "/" && isWelcome ? 200 : 401).end();
});

before(async () => {
  await new Promise<void>((resolve) => metrics.listen(0, "127.0.0.1", resolve));
  postgres = await startPostgresServer();
});
after(async () => {
  metrics.close();
  await postgres.stop();
});

const SECRETS: ReadonlyMap<string, string> = new Map([
  ["health/good", "good"],
  ["health/spent", "spent"],
  ["health/shop", "test"],
]);

test("each endpoint and database is asked, and says whether it is there and takes its secret", async () => {
  const at = { baseUrl: `http://127.0.0.1:${(metrics.address() as AddressInfo).port}` };
  const shop = { host: "127.0.0.1", port: postgres.port, tls: "off", database: "postgres", user: "postgres" };
  const config = healthConfigSchema.parse({
    endpoints: {
      open: at,
      keyed: { ...at, tokenRef: "health/good" },
      spent: { ...at, tokenRef: "health/spent" },
      keyless: { ...at, tokenRef: "health/nowhere" },
      gone: { baseUrl: "http://127.0.0.1:9" },
    },
    databases: {
      shop: { ...shop, passwordRef: "health/shop" },
      spent: { ...shop, passwordRef: "health/spent" },
      keyless: { ...shop, passwordRef: "health/nowhere" },
      gone: { ...shop, port: 9, passwordRef: "health/shop" },
    },
  });
  const egress = createEgress({ allow: healthOrigins(config) });
  const credentials = {
    get: async (ref: string) => SECRETS.get(ref) ?? Promise.reject(new Error("there is no such secret")),
  };
  const readers = Object.entries(config.databases).map(([name, database]) => {
    const connect = egress.connectTo(parseTcpAddress(database).address);
    return [name, createSqlReader({ config: database, connect, credentials })] as const;
  });
  const parts = { config, egress, credentials, databases: new Map(readers) };
  const reached = await probeHealth(parts, new AbortController().signal);
  assert.deepEqual(
    reached.map(({ target, status, code }) => `${target}: ${status} ${code}`.trim()),
    [
      "endpoint open: ready",
      "endpoint keyed: reached credential-untried",
      "endpoint spent: refused credential-refused",
      "endpoint keyless: missing credential-missing",
      "endpoint gone: away unreachable",
      "database shop: ready",
      "database spent: refused credential-refused",
      "database keyless: missing credential-missing",
      "database gone: away unreachable",
    ],
  );
});
