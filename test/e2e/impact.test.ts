// What an action does is counted from telemetry, over a kill of the server: it is verified by that, taken back by that, and measured.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { startOperations, type OperationsStandIn } from "../../examples/stand-ins/operations.ts";
import { createSource } from "../../src/adapters/identity/source-secrets.ts";
import { eventually, OWNER, TestServer, writePolicies } from "./server.ts";

const POLICIES = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: calls }
spec:
  match: { actions: [http.call] }
  rules:
    - name: predicted
      gates: [{ blastRadius: { maxTrafficShare: 1 } }]
      decision: allow
---
apiVersion: holdpoint.dev/v1
kind: Verification
metadata: { name: calls }
spec:
  match: { actions: [http.call] }
  settle: 5s
  every: 1s
  samples: 1
  failures: 8
  within: 2m
  checks:
    - name: requests
      model: { maxRise: 0.1, maxTimesBefore: 3 }
`;
const ENVIRONMENTS = ["staging", "production"] as const;
const TRACES_AT_ONCE = 40;
const EVERY_MS = 200;

let policies: string;
let operations: OperationsStandIn;
let server: TestServer;
let sending: NodeJS.Timeout;

before(async () => {
  policies = writePolicies(tmpdir(), POLICIES);
  operations = await startOperations({ token: "operations-token" });
  const shared = { service: "cart", baseUrl: operations.url, tokenRef: "http/cart", repeat: "idempotent" };
  const operationsOf = (environment: string): readonly object[] => [
    {
      ...shared,
      environment,
      name: `change-${environment}`,
      path: `/change/${environment}`,
      undo: `undo-${environment}`,
    },
    { ...shared, environment, name: `undo-${environment}`, path: `/undo/${environment}` },
  ];
  server = await TestServer.create({
    policy: { path: policies },
    executors: { http: { operations: ENVIRONMENTS.flatMap(operationsOf) } },
    model: { windowSeconds: 1, holdSeconds: 0.2 },
  });
  server.keepSecret("http/cart", "operations-token");
  const secret = createSource(join(server.dataDir, "sources"), { name: "otel", kind: "otlp" }, { bytes: randomBytes });
  await server.start();
  sending = setInterval(() => void send(secret), EVERY_MS);
});

after(async () => {
  clearInterval(sending);
  await server.remove();
  await operations.close();
  rmSync(policies, { recursive: true });
});

/** In production the change breaks the cart, and nothing but taking it back mends it. */
function isBroken(environment: string): boolean {
  const done = operations.done.map(({ path }) => path).filter((path) => path.endsWith("/production"));
  return environment === "production" && done.at(-1) === "/change/production";
}

/** While the server is dead nobody takes them, as with any collector that gives up. */
async function send(secret: string): Promise<void> {
  const resourceSpans = ENVIRONMENTS.flatMap((environment) => spansOf(environment));
  const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json" };
  const signal = AbortSignal.timeout(30_000);
  const body = JSON.stringify({ resourceSpans });
  await fetch(`${server.url}/v1/traces`, { method: "POST", headers, body, signal }).catch(() => undefined);
}

/** A front that calls the cart, and a search that nothing happens to. */
function spansOf(environment: string): readonly object[] {
  const [front, cart, search]: object[][] = [[], [], []];
  const startTimeUnixNano = `${Date.now()}000000`;
  const endTimeUnixNano = `${Date.now() + 20}000000`;
  for (let i = 0; i < TRACES_AT_ONCE; i++) {
    const [traceId, root, call] = [randomBytes(16), randomBytes(8), randomBytes(8)].map((bytes) =>
      bytes.toString("hex"),
    );
    const status = { code: isBroken(environment) && i % 2 === 0 ? 2 : 0 };
    const at = { traceId, startTimeUnixNano, endTimeUnixNano };
    front?.push({ ...at, spanId: root, kind: 2, name: "GET /", status });
    front?.push({ ...at, spanId: call, parentSpanId: root, kind: 3, name: "cart", status });
    const spanId = randomBytes(8).toString("hex");
    cart?.push({ ...at, spanId, parentSpanId: call, kind: 2, name: "GET /cart", status });
    const other = { traceId: randomBytes(16).toString("hex"), spanId: randomBytes(8).toString("hex") };
    search?.push({ ...at, ...other, kind: 2, name: "GET /search" });
  }
  return Object.entries({ front, cart, search }).map(([name, spans]) => {
    const told = { "service.name": name, "deployment.environment.name": environment };
    const attributes = Object.entries(told).map(([key, stringValue]) => ({ key, value: { stringValue } }));
    return { resource: { attributes }, scopeSpans: [{ spans }] };
  });
}

async function change(environment: string): Promise<string> {
  await eventually("telemetry before it", async () => {
    const path = `/v1/model/nodes/service:${environment}:cart`;
    const { status } = await server.call("GET", path);
    return status === 200 ? true : undefined;
  });
  await new Promise((resolve) => setTimeout(resolve, 3_000)); // windows before it
  const target = { environment, service: "cart" };
  const proposal = { kind: "http.call", target, arguments: { operation: `change-${environment}` } };
  const { body } = await server.ask("POST", "/v1/actions", { as: OWNER, body: proposal, key: environment });
  assert.ok(body.id, JSON.stringify(body));
  return body.id;
}

type Seen = Readonly<Record<string, unknown>> & { readonly status: string };

async function until(id: string, what: string, isSo: (seen: Seen) => boolean): Promise<Seen> {
  return eventually(`${id} ${what}`, async () => {
    const { body } = await server.call("GET", `/v1/actions/${id}`);
    const seen = body as Seen | undefined;
    return seen?.status !== undefined && isSo(seen) ? seen : undefined;
  });
}

it("a change is done when the model shows it well, taken back when not, and measured though the server was killed meanwhile", async () => {
  const [good, bad] = await Promise.all([change("staging"), change("production")]);
  await until(good, "is verified", ({ status }) => status === "succeeded");
  await server.restart();
  await until(bad, "is taken back", ({ status }) => status === "reverted");
  const evidence = (await server.call("GET", `/v1/actions/${bad}/explain`)).body;
  const checks = JSON.stringify(evidence);
  assert.match(checks, /"result":"fail"/u, checks);
  assert.match(checks, /"riseMin":0\.[1-9]/u, checks);
  for (const [id, failed] of [
    [good, 0],
    [bad, 200_000],
  ] as const) {
    const { impact } = await until(id, "is measured", (seen) => seen["impact"] != null);
    const { outcome, actual } = impact as { outcome: string; actual: { low: number; high: number } };
    assert.equal(outcome, "measured", JSON.stringify(impact));
    assert.ok(actual.low <= failed + 60_000 && actual.high >= failed - 60_000, JSON.stringify(impact));
  }
});
