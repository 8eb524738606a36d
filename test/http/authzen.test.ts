// AuthZEN evaluations: the published interop decisions, the semantics of many at once, and that nothing is recorded.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { after, before, it } from "node:test";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { startServer, type Server } from "./fixture.ts";

const VECTORS = resolve(import.meta.dirname, "../../../shared/vectors/authzen");
/** The users of the interop scenario, by what they may do. */
const ADMIN = "CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs";
const MORTY = "CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs";
const SUMMER = "CiRmZDI2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs";
const people = (...ids: readonly string[]): string =>
  JSON.stringify(ids.flatMap((id) => [`person:${id}`, `identity:${id}`]));

const POLICY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: todo }
spec:
  match: { actions: ["todo.*", "user.*", "route.*"] }
  rules:
    - name: everybody-reads
      when: action.kind in ["user.can-read-user", "todo.can-read-todos", "route.get"]
      decision: allow
    - name: admins
      when: agent.id in ${people(ADMIN)}
      decision: allow
    - name: editors-create-and-are-let-through-routes
      when: agent.id in ${people(MORTY, SUMMER)} && action.kind in ["todo.can-create-todo", "route.post", "route.put", "route.delete"]
      decision: allow
    - name: editors-own
      when: >-
        (agent.id in ${people(MORTY)} && action.service == "7240d0db-8ff0-41ec-98b2-34a096273b91") ||
        (agent.id in ${people(SUMMER)} && action.service == "7240d0db-8ff0-41ec-98b2-34a096273b93")
      decision: allow
---
apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: crm }
spec:
  match: { actions: [crm.search] }
  rules:
    - { name: production, when: action.environment == "production", decision: hold, route: on-call }
    - { name: otherwise, decision: allow }
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: on-call }
spec:
  steps: [{ roles: [on-call], within: 30m }]
  onTimeout: deny
`;

let server: Server & { stop(): Promise<void> };
let asks: string;

before(async () => {
  server = await startServer({ policy: POLICY });
  asks = await server.bearer("grace");
});
after(() => server.stop());

function textOf(value: Json | undefined): string {
  assert.ok(typeof value === "string", JSON.stringify(value));
  return value;
}

function contextOf(answer: JsonObject | null): JsonObject {
  return (answer?.["context"] ?? {}) as JsonObject;
}

function decisionsIn(answer: JsonObject | null): readonly JsonObject[] {
  return (answer?.["evaluations"] ?? []) as readonly JsonObject[];
}

type Vector = { readonly request: JsonObject; readonly expected: unknown };

async function evaluate(call: JsonObject, as = asks) {
  return server.ask("/access/v1/evaluation", { as, body: call });
}

for (const file of ["decisions.json", "decisions-authorization-api-1_0-02.json"]) {
  it(`the interop decisions of ${file} are ours under the scenario's policy`, async (t) => {
    const path = resolve(VECTORS, file);
    if (!existsSync(path)) return t.skip("the published vectors are not on this machine");
    const { evaluation, evaluations = [] } = JSON.parse(readFileSync(path, "utf8")) as {
      evaluation: readonly Vector[];
      evaluations?: readonly Vector[];
    };
    for (const { request, expected } of evaluation) {
      const { status, json } = await evaluate(request);
      assert.deepEqual([status, json?.["decision"]], [200, expected], JSON.stringify(request));
    }
    for (const { request, expected } of evaluations) {
      const { status, json } = await server.ask("/access/v1/evaluations", { as: asks, body: request });
      const decisions = decisionsIn(json).map(({ decision }) => ({ decision }));
      assert.deepEqual([status, decisions], [200, expected], JSON.stringify(request));
    }
    assert.ok(evaluation.length > 20);
  });
}

const READ: JsonObject = {
  subject: { type: "user", id: ADMIN },
  action: { name: "can_read_user" },
  resource: { type: "user", id: "beth@the-smiths.com" },
};
const UPDATE: JsonObject = { ...READ, action: { name: "can_update_todo" }, resource: { type: "todo", id: "todo-9" } };
const STRANGER: JsonObject = { type: "user", id: "nobody" };

it("a decision says why: every verdict, the policy and the engine that made it, and the request's own id", async () => {
  const { headers, json } = await server.ask("/access/v1/evaluation", {
    as: asks,
    body: READ,
    headers: { "x-request-id": "bfe9eb29-ab87" },
  });
  assert.equal(headers.get("x-request-id"), "bfe9eb29-ab87");
  const context = contextOf(json);
  assert.match(JSON.stringify(context["verdicts"]), /todo\/everybody-reads/);
  assert.match(textOf(context["policy"]), /^[0-9a-f]{64}$/);
  assert.match(textOf(context["evaluation_id"]), /^eval_/);
  const { json: denied } = await evaluate({ ...UPDATE, subject: STRANGER });
  assert.deepEqual([denied?.["decision"], contextOf(denied)["reason"]], [false, "no-rule"]);
});

it("many at once: all, up to the first denial, up to the first permission; members beside them are defaults", async () => {
  const many = async (semantic: string | null, evaluations: JsonObject[]) => {
    const options = semantic === null ? {} : { options: { evaluations_semantic: semantic } };
    const body = { ...READ, evaluations, ...options };
    const { json } = await server.ask("/access/v1/evaluations", { as: asks, body });
    return decisionsIn(json).map(({ decision }) => decision);
  };
  const denied = { ...UPDATE, subject: STRANGER };
  assert.deepEqual(await many(null, [{}, denied, {}]), [true, false, true]);
  assert.deepEqual(await many("execute_all", [denied, {}]), [false, true]);
  assert.deepEqual(await many("deny_on_first_deny", [{}, denied, {}]), [true, false]);
  assert.deepEqual(await many("permit_on_first_permit", [denied, {}, denied]), [false, true]);
  assert.deepEqual(await many(null, [{ resource: { type: "user" } }, {}]), [false, true], "a malformed one is denied");
  const one = await server.ask("/access/v1/evaluations", { as: asks, body: READ });
  assert.equal(one.json?.["decision"], true, "without evaluations it is one");
});

it("an evaluation records nothing, takes nothing from a limit and asks nobody", async () => {
  const production = { type: "account", id: "acme", properties: { environment: "prod" } };
  const call = { subject: { type: "person", id: "grace" }, action: { name: "crm.search" }, resource: production };
  const size = (await server.eventsSince(0)).length;
  for (let i = 0; i < 20; i++) {
    const { json } = await evaluate(call);
    assert.deepEqual([json?.["decision"], contextOf(json)["reason"]], [false, "approval_required"]);
  }
  assert.equal((await server.eventsSince(0)).length, size);
  const staging = { ...production, properties: { environment: "staging" } };
  assert.equal((await evaluate({ ...call, resource: staging })).json?.["decision"], true);
});

it("what stands is judged as it stands: under a pause everything is denied, and allowed again without it", async () => {
  const before = await evaluate(READ);
  assert.equal(before.json?.["decision"], true);
  const put = await server.ask("/v1/killswitch", {
    method: "PUT",
    as: asks,
    body: { mode: "pause", scope: { kind: "user.can-read-user" } },
  });
  assert.ok(put.status < 300, put.text);
  const { json } = await evaluate(READ);
  assert.deepEqual([json?.["decision"], contextOf(json)["reason"]], [false, "paused"]);
});

it("who asks about others needs a scope of its own; about oneself nobody does", async () => {
  const narrow = await server.bearer("grace", ["actions:read"]);
  const { status, json } = await evaluate(READ, narrow);
  assert.deepEqual([status, json?.["code"]], [403, "scope-insufficient"]);
  const own = {
    ...READ,
    action: { name: "can_read_todos" },
    resource: { type: "todo", id: "t" },
    subject: { type: "user", id: "grace" },
  };
  assert.equal((await evaluate(own, narrow)).json?.["decision"], true);
  assert.equal((await server.ask("/access/v1/evaluation", { body: READ })).status, 401);
  const mixed = await server.ask("/access/v1/evaluations", { as: narrow, body: { ...own, evaluations: [{}, READ] } });
  assert.deepEqual(
    decisionsIn(mixed.json).map(({ decision }) => decision),
    [true, false],
  );
});

for (const [what, call] of [
  ["a name with characters that are none of ours", { ...READ, action: { name: "can_reаd_user" } }],
  [
    "an environment that only looks like one",
    { ...READ, resource: { ...(READ["resource"] as JsonObject), properties: { environment: "ѕtaging" } } },
  ],
  ["an action with a blank", { ...READ, action: { name: "can read user" } }],
  ["a subject of the kernel's own", { ...READ, subject: { type: "system", id: "kernel" } }],
  ["the triage agent", { ...READ, subject: { type: "x", id: "system:triage" } }],
] as const) {
  it(`${what} is denied, never taken for another`, async () => {
    const { status, json } = await evaluate(call);
    assert.deepEqual([status, json?.["decision"]], [200, false]);
    assert.match(textOf(contextOf(json)["reason"]), /^(unmapped|reserved)$/);
  });
}

for (const [what, body] of [
  ["no subject", { action: { name: "a" }, resource: { type: "t", id: "i" } }],
  ["a subject without an id", { ...READ, subject: { type: "user" } }],
  ["an empty action", { ...READ, action: { name: "" } }],
  ["a list", []],
  ["an id that never ends", { ...READ, resource: { type: "t", id: "x".repeat(257) } }],
] as const) {
  it(`${what} is no evaluation`, async () => {
    const { status, json } = await evaluate(body as unknown as JsonObject);
    assert.deepEqual([status, json?.["code"]], [400, "request-invalid"]);
  });
}

it("the metadata name every endpoint there is", async () => {
  const { json } = await server.ask("/.well-known/authzen-configuration");
  assert.equal(json?.["policy_decision_point"], server.url);
  for (const [name, endpoint] of Object.entries(json ?? {})) {
    if (!name.endsWith("_endpoint")) continue;
    const { status } = await server.ask(new URL(textOf(endpoint)).pathname, { as: asks, body: {} });
    assert.equal(status, 400, `${name} is there, and an empty body is none`);
  }
});
