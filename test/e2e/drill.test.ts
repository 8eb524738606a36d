// Calls of operations: a drill with its receipts, and a service whose error budget is nearly spent.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { after, before, it } from "node:test";
import { startOperations, type OperationsStandIn } from "../../examples/stand-ins/operations.ts";
import { eventually, OWNER, TestServer, writePolicies } from "./server.ts";

const POLICIES = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: calls }
spec:
  match: { actions: [http.call] }
  rules:
    - { name: thin, when: plan.risks.sloHeadroom, decision: refuse }
    - { name: asked, when: 'action.environment == "test"', decision: hold, route: on-call }
    - { name: free, decision: allow }
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: on-call }
spec: { steps: [{ roles: [on-call], within: 10m }] }
---
apiVersion: holdpoint.dev/v1
kind: Verification
metadata: { name: never-passes }
spec:
  match: { actions: [ticket.open] }
  within: 1m
  checks: [{ name: front, http: { endpoint: not-configured } }]
`;

/** Nothing listens there, and nobody has its secret. */
const DATABASE = {
  ...{ name: "orders", environment: "staging", service: "cart", host: "127.0.0.1", port: 1, tls: "off" },
  ...{ database: "orders", user: "migrator", passwordRef: "sql/missing" },
};

let policies: string;
let operations: OperationsStandIn;
let server: TestServer;
/** Answers every query with the share of bad requests. */
let metrics: Server;
let badShare: string | null = "0.0001";

before(async () => {
  policies = writePolicies(tmpdir(), POLICIES);
  operations = await startOperations({ token: "operations-token" });
  const target = { environment: "staging", service: "cart", repeat: "idempotent", tokenRef: "http/cart" };
  const drain = { ...target, name: "drain", baseUrl: operations.url, path: "/drain", undo: "fill" };
  metrics = createServer((_request, response) => {
    const result = badShare === null ? [] : [{ metric: {}, value: [1, badShare] }];
    response.end(JSON.stringify({ status: "success", data: { resultType: "vector", result } }));
  });
  await new Promise<void>((resolve) => metrics.listen(0, "127.0.0.1", resolve));
  const search = { ...drain, name: "search-drain", service: "search", undo: undefined };
  const fill = { ...target, name: "fill", baseUrl: operations.url, path: "/fill" };
  const asked = { ...drain, name: "asked", environment: "test", undo: "back" };
  const back = { ...fill, name: "back", environment: "test" };
  server = await TestServer.create({
    policy: { path: policies },
    executors: { http: { operations: [drain, fill, search, asked, back] }, sql: { databases: [DATABASE] } },
    health: {
      endpoints: { metrics: { baseUrl: `http://127.0.0.1:${(metrics.address() as AddressInfo).port}` } },
      objectives: [
        { environment: "staging", service: "search", endpoint: "metrics", badShare: "bad_share", objective: 0.999 },
      ],
    },
  });
  server.keepSecret("http/cart", "operations-token");
  await server.start();
});

after(async () => {
  await server.remove();
  await operations.close();
  metrics.close();
  rmSync(policies, { recursive: true });
});

const BEARS_ON = ["configuration", "performance"];

const drill = (operation: string, ...more: readonly string[]): Promise<string> =>
  server.holdpointBeside(["drill", "http.call", "-s", "cart", "-a", `operation=${operation}`, "--wait", "25", ...more]);

it("names at its start the checks that ask what is not configured", () => {
  const line = server.log.split("\n").find((text) => text.includes("they can never pass")) ?? "";
  assert.match(line, /never-passes.*front.*endpoint not-configured/);
});

it("says why no plan could be made, and what was asked for", async () => {
  const target = { environment: "staging", service: "cart" };
  const body = { kind: "sql.migrate", target, arguments: { database: "orders", statements: "drop table carts" } };
  const { body: asked } = await server.ask("POST", "/v1/actions", { as: OWNER, body, key: "without-secret" });
  const ended = await eventually("its end", async () => {
    const said = await server.holdpointBeside(["describe", "action", asked.id]);
    return said.includes("refused (target-forbidden)") ? said : undefined;
  });
  assert.match(ended, /Because +credential-missing\n[^]*drop table carts/);
  assert.doesNotMatch(ended, /not readable/);
});

it("runs the action and then what takes it back, and prints the receipts of both", async () => {
  const text = await drill("drain", "-e", "staging", "-o", "json");
  type Half = {
    id: string;
    status: string;
    revertOf: string | null;
    receipt: { payload: string; signatures: unknown[] };
  };
  const said = JSON.parse(text.slice(text.indexOf("{\n"), text.lastIndexOf("}") + 1)) as {
    passed: boolean;
    action: Half;
    revert: Half;
  };
  assert.equal(said.passed, true, text);
  assert.deepEqual([said.action.status, said.revert.status], ["succeeded", "succeeded"]);
  assert.equal(said.revert.revertOf, said.action.id);
  assert.deepEqual(
    operations.done.map(({ path }) => path),
    ["/drain", "/fill"],
  );
  for (const { receipt } of [said.action, said.revert]) assert.ok(receipt.signatures.length > 0);
  const seen = (await server.ask("GET", `/v1/actions/${said.action.id}`, { as: OWNER })).body as unknown as object;
  const undo = { reversible: true, undoneBy: "http.call", domains: BEARS_ON, undoDomains: BEARS_ON };
  assert.deepEqual({ ...seen, ...undo }, seen);
  const { body: back } = await server.ask("GET", `/v1/actions/${said.revert.id}`, { as: OWNER });
  assert.equal((back as unknown as { reversible: boolean }).reversible, false, "this operation names no undo");
});

it("does not run what has no inverse, nor what nobody approves in time, and is never in production", async () => {
  const before = operations.done.length;
  assert.match(await drill("fill", "-e", "staging"), /nothing takes it back: it was not run[^]*not passed/);
  const unknown = await drill("nowhere", "-e", "staging", "-o", "json");
  assert.match(unknown, /arguments-invalid/);
  const asked = await drill("asked", "-e", "test", "--wait", "2");
  assert.match(asked, /action +act_\w+ cancelled[^]*not passed/);
  assert.equal(operations.done.length, before);
  for (const environment of ["production", "PROD", " prod "]) {
    assert.match(await drill("drain", "-e", environment), /never in production/);
  }
  assert.equal(operations.done.length, before);
});

/** What is decided about a change to a service that promises 99.9 %, of whose budget a tenth has to be left. */
async function decidedAt(share: string | null): Promise<Record<string, unknown>> {
  badShare = share;
  const body = {
    kind: "http.call",
    target: { environment: "staging", service: "search" },
    arguments: { operation: "search-drain" },
  };
  const { body: asked } = await server.ask("POST", "/v1/actions", { as: OWNER, body, key: `budget-${share}` });
  return eventually("its decision", async () => {
    const { body: read } = await server.ask("GET", `/v1/actions/${asked.id}`, { as: OWNER });
    const { status } = read;
    return ["succeeded", "refused"].includes(status) ? (read as unknown as Record<string, unknown>) : undefined;
  });
}

it("a change goes alone while enough of the error budget is left, and not when it is thin or nobody can tell", async () => {
  assert.equal((await decidedAt("0.0008"))["status"], "succeeded");
  for (const share of ["0.00095", "0.5", null]) {
    const refused = await decidedAt(share);
    assert.equal(refused["status"], "refused", `at ${share}`);
    assert.match(JSON.stringify(refused["timeline"]), /"risks":"slo-headroom"/);
  }
});
