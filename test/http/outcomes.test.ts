// What a step did is read back where people look for it: on its action, by those who may read contents.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, it } from "node:test";
import type { JsonObject } from "../../src/core/json.ts";
import { startServer } from "./fixture.ts";

const POLICY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: calls }
spec:
  match: { actions: [http.call] }
  rules: [{ name: free, decision: allow }]
`;

const target = createServer((request, response) => {
  if (request.url === "/tagged")
    response.setHeader("etag", '"left so"').writeHead(request.method === "GET" ? 200 : 204);
  else response.writeHead(422);
  response.end();
});
let server: Awaited<ReturnType<typeof startServer>>;

before(async () => {
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(target.address() as AddressInfo).port}`;
  const of = { environment: "staging", service: "cart", baseUrl, tokenRef: "http/cart", repeat: "idempotent" };
  const operations = [
    { ...of, name: "refused", path: "/refused" },
    { ...of, name: "tagged", path: "/tagged", etag: true, undo: "tagged" },
  ];
  server = await startServer({ policy: POLICY, settings: `executors: ${JSON.stringify({ http: { operations } })}` });
  mkdirSync(join(server.dataDir, "secrets", "http"), { recursive: true });
  writeFileSync(join(server.dataDir, "secrets", "http", "cart"), "a token of the cart", { mode: 0o600 });
});

after(async () => {
  await server.stop();
  target.closeAllConnections();
  target.close();
});

async function ended(operation: string): Promise<string> {
  const body = {
    kind: "http.call",
    target: { environment: "staging", service: "cart" },
    arguments: { operation },
    reason: "a try",
  };
  const { json, text } = await server.ask("/v1/actions", { as: await server.bearer("ada"), body });
  assert.ok(json?.["id"] !== undefined, text);
  return `/v1/actions/${json["id"] as string}`;
}

async function read(path: string, scopes: Parameters<typeof server.bearer>[1]): Promise<JsonObject> {
  const as = await server.bearer("visitor", scopes);
  const { json, text } = await server.ask(path, { as, headers: { prefer: "wait=20" } });
  assert.ok(json !== null, text);
  return json;
}

it("what the target answered to a call that failed is on the action, until it is erased", async () => {
  const path = await ended("refused");
  const seen = await read(path, ["actions:read", "payloads:read"]);
  assert.equal(seen["status"], "failed", JSON.stringify(seen));
  const { outcome, missing } = seen["content"] as JsonObject;
  const { seq } = seen["stepEnd"] as { seq: number };
  assert.deepEqual(outcome, { seq, reference: null, detail: { status: 422 } });
  assert.equal(missing, undefined);
  const own = await server.ask(path, { as: await server.bearer("ada", ["actions:propose:http.call"]) });
  assert.deepEqual((own.json as { content: JsonObject }).content["outcome"], outcome);
  assert.equal((await read(path, ["actions:read"]))["content"], undefined);

  const body = { subject: path.slice("/v1/actions/".length), retention: "evidence" };
  const erased = await server.ask("/v1/ledger/erasures", { as: await server.bearer("ada"), body });
  assert.equal(erased.status, 200, erased.text);
  const { content } = (await read(path, ["actions:read", "payloads:read"])) as { content: JsonObject };
  assert.deepEqual([content["outcome"], content["missing"], content["reason"]], [undefined, "payload-erased", "a try"]);
});

it("the reference of one that succeeded is there, and how it left its target is not", async () => {
  const path = await ended("tagged");
  const seen = await read(path, ["actions:read", "payloads:read"]);
  assert.equal(seen["status"], "succeeded", JSON.stringify(seen));
  const { seq } = seen["stepEnd"] as { seq: number };
  const reference = `tagged:${path.slice("/v1/actions/".length)}`;
  assert.deepEqual((seen["content"] as JsonObject)["outcome"], { seq, reference, detail: { status: 204 } });
});
