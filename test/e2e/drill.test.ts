// A drill: an action and its inverse in staging, both in the ledger, with receipts that prove it.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, before, it } from "node:test";
import { startOperations, type OperationsStandIn } from "../../examples/stand-ins/operations.ts";
import { TestServer, writePolicies } from "./server.ts";

const POLICIES = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: calls }
spec:
  match: { actions: [http.call] }
  rules:
    - { name: free, decision: allow }
`;

let policies: string;
let operations: OperationsStandIn;
let server: TestServer;

before(async () => {
  policies = writePolicies(tmpdir(), POLICIES);
  operations = await startOperations({ token: "operations-token" });
  const target = { environment: "staging", service: "cart", repeat: "idempotent", tokenRef: "http/cart" };
  const drain = { ...target, name: "drain", baseUrl: operations.url, path: "/drain", undo: "fill" };
  const fill = { ...target, name: "fill", baseUrl: operations.url, path: "/fill" };
  server = await TestServer.create({
    policy: { path: policies },
    executors: { http: { operations: [drain, fill] } },
  });
  server.keepSecret("http/cart", "operations-token");
  await server.start();
});

after(async () => {
  await server.remove();
  await operations.close();
  rmSync(policies, { recursive: true });
});

const drill = (operation: string, ...more: readonly string[]): Promise<string> =>
  server.holdpointBeside(["drill", "http.call", "-s", "cart", "-a", `operation=${operation}`, "--wait", "25", ...more]);

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
});

it("does not pass for what has no inverse, and is never in production", async () => {
  const before = operations.done.length;
  assert.match(await drill("fill", "-e", "staging"), /action-not-revertible/);
  assert.equal(operations.done.length, before + 1);
  for (const environment of ["production", "PROD", " prod "]) {
    assert.match(await drill("drain", "-e", environment), /never in production/);
  }
  assert.equal(operations.done.length, before + 1);
});
