// AuthZEN evaluations promise nothing that a proposal would not meet: not under a dry run, not to those who may not propose
// it, and not of what is only proposed.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import type { JsonObject } from "../../src/core/json.ts";
import { startServer, type Server } from "./fixture.ts";

const KINDS = [
  "http.call",
  "record.note",
  "policy.activate",
  "killswitch.resume",
  "person.register",
  "kubernetes.scale",
  "servicenow.incident.create",
  "crm.delete",
  "crm.export",
];
const POLICY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: everything }
spec:
  match: { actions: ${JSON.stringify(KINDS)} }
  rules:
    - { name: asked, when: action.kind == "crm.export", decision: hold, route: owners }
    - { name: otherwise, decision: allow }
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: owners }
spec: { steps: [{ roles: [owner], within: 30m }], onTimeout: deny }
`;
const SETTINGS = `limits: { writes: { burst: 100000, perSecond: 10000 } }
executors:
  http:
    operations:
      - { environment: staging, service: cart, baseUrl: "http://127.0.0.1:9", repeat: idempotent, name: drain, path: /drain }
`;

let server: Server & { stop(): Promise<void> };
let ada: string;

before(async () => {
  server = await startServer({ policy: POLICY, settings: SETTINGS });
  ada = await server.bearer("ada");
});
after(() => server.stop());

const ADA = { type: "user", id: "ada" };
const agent = (id: string): JsonObject => ({ type: "agent", id });

function memberOf(document: JsonObject | null, name: string): JsonObject {
  return (document?.[name] ?? assert.fail(`no ${name}`)) as JsonObject;
}

type Asked = { readonly kind: string; readonly args?: JsonObject; readonly subject?: JsonObject; readonly as?: string };

function callOf({ kind, args, subject = ADA }: Asked): JsonObject {
  return {
    subject,
    action: { name: kind, ...(args === undefined ? {} : { properties: args }) },
    resource: { type: "service", id: "cart", properties: { environment: "staging", service: "cart" } },
  };
}

async function told(asked: Asked, context?: JsonObject): Promise<readonly unknown[]> {
  const body = { ...callOf(asked), ...(context === undefined ? {} : { context }) };
  const { status, json, text } = await server.ask("/access/v1/evaluation", { as: asked.as ?? ada, body });
  assert.equal(status, 200, text);
  return [json?.["decision"], memberOf(json, "context")["reason"]];
}

async function propose({ kind, args = {}, as = ada }: Asked): Promise<unknown> {
  const target = { environment: "staging", service: "cart", resource: "cart" };
  const body = { kind, target, arguments: args, dryRun: true, reason: "to compare" };
  return (await server.ask("/v1/actions", { as, body })).json?.["code"];
}

const DRAIN: Asked = { kind: "http.call", args: { operation: "drain" } };
const NOTE: Asked = { kind: "record.note", args: { text: "a note" } };
const ALLOWED = [true, undefined];

it("an agent is held to what it is registered for, in whatever system it acts", async () => {
  const stranger = agent("stranger");
  await server.bearer("stranger"); // registers it, for notes alone
  assert.deepEqual(await told({ ...NOTE, subject: stranger }), ALLOWED);
  for (const asked of [DRAIN, { kind: "crm.delete" }])
    assert.deepEqual(await told({ ...asked, subject: stranger }), [false, "declaration-exceeded"], asked.kind);
  assert.deepEqual(await told({ ...NOTE, subject: agent("nobody") }), [false, "agent-unregistered"]);
});

it("what is carried out here is promised to those alone who may propose it", async () => {
  const narrow = await server.bearer("ada", ["actions:propose:record.note"]);
  assert.deepEqual(await told({ ...NOTE, as: narrow }), ALLOWED);
  assert.deepEqual(await told({ ...DRAIN, as: narrow }), [false, "scope-insufficient"]);
  assert.equal(await propose({ ...DRAIN, as: narrow }), "scope-insufficient");
  assert.deepEqual(await told({ ...DRAIN, subject: { type: "user", id: "grace" } }), ALLOWED);
  assert.deepEqual(await told({ ...DRAIN, subject: { type: "user", id: "nobody" } }), [false, "identity-unknown"]);
  const deployer = await server.bearer("deployer", ["actions:propose:record.note"]);
  const itself = { subject: agent("deployer"), as: deployer };
  assert.deepEqual(await told({ ...NOTE, ...itself }), ALLOWED);
  assert.deepEqual(await told({ kind: "crm.delete", ...itself }), [false, "scope-insufficient"]);
});

it("what other systems carry out is decided as before, also of people whom nobody knows here", async () => {
  for (const id of ["ada", "nobody"])
    assert.deepEqual(await told({ kind: "crm.delete", subject: { type: "user", id } }), ALLOWED);
  const secret = { key: `ghp_${"a1B2c3D4e5".repeat(4).slice(0, 36)}` };
  assert.deepEqual(await told({ kind: "crm.delete", args: secret }), ALLOWED, "nothing of it is kept");
});

it("arguments that hold a secret are no proposal", async () => {
  const args = { text: `the key is ghp_${"a1B2c3D4e5".repeat(4).slice(0, 36)}` };
  assert.deepEqual(await told({ kind: "record.note", args }), [false, "secret-detected"]);
  assert.equal(await propose({ kind: "record.note", args }), "secret-detected");
});

it("kinds of executors that are not configured are nobody's, and what changes Holdpoint itself is only proposed", async () => {
  for (const kind of ["kubernetes.scale", "servicenow.incident.create"]) {
    assert.deepEqual(await told({ kind }), [false, "action-kind-unknown"], kind);
    assert.equal(await propose({ kind }), "action-kind-unknown");
  }
  for (const kind of ["policy.activate", "killswitch.resume", "person.register"])
    assert.deepEqual(await told({ kind }), [false, "proposal-only"], kind);
});

it("under a kill switch that lets rehearsals through alone nothing is promised, with an approval neither", async () => {
  const call = callOf({ kind: "crm.export" });
  const { json } = await server.ask("/access/v1/evaluation", { as: ada, body: call });
  const denial = memberOf(memberOf(json, "context"), "access_request");
  const body = { ...call, denial: { binding_token: denial["binding_token"] ?? "" } };
  const asked = await server.ask("/access/v1/requests", { as: ada, body });
  const grace = await server.bearer("grace");
  const { items } = (await server.ask("/v1/actions?limit=1", { as: grace })).json as { items: JsonObject[] };
  const { id, planHash = null } = items[0] ?? assert.fail();
  const yes = { as: grace, body: { decision: "approve", planHash } };
  assert.equal((await server.ask(`/v1/actions/${id as string}/approvals`, yes)).status, 200);
  const task = memberOf(asked.json, "task")["status_endpoint"] as string;
  const { json: done } = await server.ask(new URL(task).pathname, { as: ada });
  const approval = memberOf(memberOf(done, "result"), "approval");
  const approved = { kind: "crm.export" };
  assert.deepEqual(await told(approved, { approval }), ALLOWED);
  assert.deepEqual(await told({ kind: "crm.delete" }), ALLOWED);
  const put = { as: ada, method: "PUT", body: { mode: "dry-run", scope: {}, reason: "looking" } };
  assert.ok((await server.ask("/v1/killswitch", put)).status < 300);
  assert.deepEqual(await told({ kind: "crm.delete" }), [false, "dry-run"]);
  assert.deepEqual(await told(DRAIN), [false, "dry-run"]);
  assert.deepEqual(await told(approved, { approval }), [false, "dry-run"]);
});
