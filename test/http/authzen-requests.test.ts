// The Access Request and Approval Profile end to end: denied, requested, answered by a person, evaluated again; and every
// way in which a denial, a request or an approval is taken for another.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { startServer, type Answer, type Server, type Who } from "./fixture.ts";

const POLICY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: crm }
spec:
  match: { actions: ["crm.*", record.note, pagerduty.trigger] }
  rules:
    - { name: never, when: action.service == "vault", decision: refuse }
    - { name: hurried, when: action.service == "hurried", decision: hold, route: short }
    - { name: others, when: action.service == "others", decision: hold, route: other }
    - { name: otherwise, decision: hold, route: on-call }
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: on-call }
spec: { steps: [{ roles: [on-call], within: 30m }], onTimeout: deny }
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: other }
spec: { steps: [{ roles: [owner], within: 30m }], onTimeout: deny }
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: short }
spec: { steps: [{ roles: [on-call], within: 1s }], onTimeout: deny }
`;
const URN = "urn:openid:authzen:access-request:error:";

let server: Server & { stop(): Promise<void> };
const tokens = new Map<Who, string>();

before(async () => {
  server = await startServer({ policy: POLICY });
  for (const who of ["ada", "grace", "adaPhone"] as const) tokens.set(who, await server.bearer(who));
});
after(() => server.stop());

const as = (who: Who): string => tokens.get(who) ?? assert.fail(who);

/** A call by `ada` about herself. */
function callOf(id = "acme", more: JsonObject = {}): JsonObject {
  return {
    subject: { type: "user", id: "ada" },
    action: { name: "crm.search" },
    resource: { type: "account", id, properties: { environment: "production" } },
    context: { time: "2026-11-21T10:00:00Z", tool: "search" },
    ...more,
  };
}

function at(value: Json | null | undefined, ...path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((inner, name) => (inner as JsonObject | undefined)?.[name], value ?? undefined);
}

function textAt(value: Json | null | undefined, ...path: readonly string[]): string {
  const text = at(value, ...path);
  assert.ok(typeof text === "string", `${path.join("/")} in ${JSON.stringify(value)}`);
  return text;
}

const evaluate = (call: JsonObject, who: Who = "ada") =>
  server.ask("/access/v1/evaluation", { as: as(who), body: call });

async function denied(call: JsonObject): Promise<JsonObject> {
  const { json } = await evaluate(call);
  assert.equal(json?.["decision"], false, JSON.stringify(json));
  return {
    evaluation_id: textAt(json, "context", "evaluation_id"),
    reason: textAt(json, "context", "reason"),
    binding_token: textAt(json, "context", "access_request", "binding_token"),
  };
}

function request(body: JsonObject, { who = "ada", key }: { who?: Who; key?: string } = {}): Promise<Answer> {
  return server.ask("/access/v1/requests", {
    as: as(who),
    body,
    headers: key === undefined ? {} : { "idempotency-key": key },
  });
}

async function requested(call: JsonObject): Promise<Answer> {
  const answer = await request({ ...call, denial: await denied(call) });
  assert.equal(answer.status, 202, answer.text);
  return answer;
}

async function task(answer: Answer, who: Who = "ada"): Promise<Answer> {
  return server.ask(new URL(textAt(answer.json, "task", "status_endpoint")).pathname, { as: as(who) });
}

/** The action behind the newest request: approvers find it where all actions are. */
async function newest(): Promise<{ id: string; planHash: string }> {
  const { json } = await server.ask("/v1/actions?limit=1", { as: as("grace") });
  const [first] = (json?.["items"] ?? []) as readonly JsonObject[];
  return { id: textAt(first, "id"), planHash: textAt(first, "planHash") };
}

async function answer(decision: "approve" | "deny", who: Who = "grace"): Promise<Answer> {
  const { id, planHash } = await newest();
  return server.ask(`/v1/actions/${id}/approvals`, { as: as(who), body: { decision, planHash, reason: "seen it" } });
}

async function approvalOf(call: JsonObject): Promise<JsonObject> {
  const asked = await requested(call);
  assert.equal((await answer("approve")).status, 200);
  const { json } = await task(asked);
  assert.equal(at(json, "result", "mode"), "reevaluate", JSON.stringify(json));
  return at(json, "result", "approval") as JsonObject;
}

const withApproval = (call: JsonObject, approval: JsonObject, time = "2026-11-21T10:05:00Z"): JsonObject => ({
  ...call,
  context: { ...(call["context"] as JsonObject), time, approval },
});

it("denied, requested, approved by a person, evaluated again: the same call is allowed, and its context says by what", async () => {
  const call = callOf("whole");
  const justified = { ...(call["context"] as JsonObject), business_justification: "renewal review" };
  const denial = await denied(call);
  const { json: evaluation } = await evaluate(call);
  assert.equal(at(evaluation, "context", "access_request", "template"), "on-call");
  assert.equal(at(evaluation, "context", "access_request", "endpoint"), `${server.url}/access/v1/requests`);
  const asked = await request({ ...call, context: justified, denial });
  assert.equal(asked.status, 202, asked.text);
  assert.equal(asked.headers.get("location"), textAt(asked.json, "task", "status_endpoint"));
  assert.match(textAt(asked.json, "task", "id"), /^arq_[0-9a-z]{9}[\w-]{22}$/);
  assert.ok(Date.parse(textAt(asked.json, "task", "expires_at")) > Date.now());
  const pending = await task(asked);
  assert.deepEqual([at(pending.json, "task", "status"), pending.headers.get("retry-after")], ["pending", "5"]);
  assert.equal(at(pending.json, "result"), undefined);

  const { id } = await newest();
  const { json: shown } = await server.ask(`/v1/actions/${id}`, { as: as("grace") });
  assert.equal(at(shown, "content", "reason"), "renewal review");
  assert.deepEqual(
    at(shown, "content", "plan", "diff", "resource"),
    call["resource"],
    "an approver sees the call itself",
  );
  assert.equal((await answer("approve")).status, 200);

  const done = await task(asked);
  assert.equal(at(done.json, "task", "status"), "approved");
  const approval = at(done.json, "result", "approval") as JsonObject;
  assert.match(textAt(approval, "id"), /^apr_/);
  assert.notEqual(textAt(approval, "id").slice(4), textAt(asked.json, "task", "id").slice(4));
  const { json: again } = await evaluate(withApproval(call, approval));
  assert.equal(again?.["decision"], true, JSON.stringify(again));
  assert.deepEqual(at(again, "context", "approval"), approval);
  assert.equal((await evaluate(call)).json?.["decision"], false, "without its approval a denial stays a denial");
});

it("an approval is of the very call and caller that asked for it, on its route, and for a few minutes", async () => {
  const call = callOf("bound");
  const approval = await approvalOf(call);
  assert.equal((await evaluate(withApproval(call, approval))).json?.["decision"], true);
  const others: readonly [string, JsonObject][] = [
    ["another resource", withApproval(callOf("another"), approval)],
    ["another action", withApproval({ ...call, action: { name: "crm.delete" } }, approval)],
    [
      "more of the resource",
      withApproval({ ...call, resource: { ...(call["resource"] as JsonObject), extra: 1 } }, approval),
    ],
    ["another context", withApproval({ ...call, context: { tool: "delete" } }, approval)],
    ["an approval that is none", withApproval(call, { id: `apr_000000001${"A".repeat(22)}` })],
    ["a task's handle", withApproval(call, { id: textAt(approval, "id").replace("apr_", "arq_") })],
    ["an id cut short", withApproval(call, { id: textAt(approval, "id").slice(0, -1) })],
    ["nothing of an approval", withApproval(call, {})],
  ];
  for (const [what, other] of others) assert.equal((await evaluate(other)).json?.["decision"], false, what);
  const stolen = withApproval({ ...call, subject: { type: "user", id: "ada" } }, approval);
  assert.equal((await evaluate(stolen, "grace")).json?.["decision"], false, "somebody else cannot use it");
  const until = Date.parse(textAt(approval, "approved_until")) - Date.parse(textAt(approval, "approved_at"));
  assert.equal(until, 5 * 60_000);
});

it("a denial by a person, a timeout and a withdrawal are told apart, and none of them is an approval", async () => {
  const no = await requested(callOf("no"));
  await answer("deny");
  assert.deepEqual(at((await task(no)).json, "task", "status"), "denied");
  const late = await requested(callOf("late", { resource: { type: "account", id: "hurried" } }));
  for (let turn = 0; turn < 2_000 && at((await task(late)).json, "task", "status") === "pending"; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal(at((await task(late)).json, "task", "status"), "expired");
  const taken = await requested(callOf("taken"));
  const cancel = `${new URL(textAt(taken.json, "task", "links", "cancel")).pathname}`;
  assert.equal(
    (await server.ask(cancel, { method: "POST", as: as("grace"), body: {} })).json?.["type"],
    `${URN}unknown_task`,
  );
  const cancelled = await server.ask(cancel, { method: "POST", as: as("ada"), body: { reason: "not_needed" } });
  assert.deepEqual([cancelled.status, at(cancelled.json, "task", "status")], [200, "cancelled"]);
  const twice = await server.ask(cancel, { method: "POST", as: as("ada"), body: {} });
  assert.deepEqual([twice.status, twice.json?.["type"]], [409, `${URN}invalid_task_state`]);
  for (const one of [no, late, taken]) assert.equal(at((await task(one)).json, "result"), undefined);
});

it("nobody approves their own request, also not as another identity of theirs", async () => {
  await requested(callOf("own"));
  for (const who of ["ada", "adaPhone"] as const) {
    const { status, json } = await answer("approve", who);
    assert.deepEqual([status, json?.["code"]], [403, "self-approval"], who);
  }
});

it("a request that is not about what was denied is refused, and nothing is proposed", async () => {
  const call = callOf("exact");
  const denial = await denied(call);
  const size = (await server.eventsSince(0)).length;
  const token = textAt(denial, "binding_token");
  const [header, payload, signature = ""] = token.split(".");
  const forged = Buffer.from(
    JSON.stringify({ ...JSON.parse(Buffer.from(payload ?? "", "base64url").toString()), caller: "person:grace" }),
  );
  const bad: readonly [string, JsonObject, Who][] = [
    ["another resource", { ...callOf("else"), denial }, "ada"],
    ["a member less of the context", { ...call, context: { time: "x" }, denial }, "ada"],
    ["another value in the context", { ...call, context: { tool: "delete" }, denial }, "ada"],
    ["another subject", { ...call, subject: { type: "user", id: "grace" }, denial }, "ada"],
    ["somebody else's denial", { ...call, denial }, "grace"],
    ["another evaluation", { ...call, denial: { ...denial, evaluation_id: "eval_x" } }, "ada"],
    ["a token cut short", { ...call, denial: { ...denial, binding_token: token.slice(0, -1) } }, "ada"],
    ["a token without a signature", { ...call, denial: { ...denial, binding_token: `${header}.${payload}.` } }, "ada"],
    [
      "a token of another content",
      { ...call, denial: { ...denial, binding_token: `${header}.${forged.toString("base64url")}.${signature}` } },
      "grace",
    ],
    [
      "an unsigned token",
      {
        ...call,
        denial: {
          ...denial,
          binding_token: `${Buffer.from('{"alg":"none"}').toString("base64url")}.${payload}.${signature}`,
        },
      },
      "ada",
    ],
    ["an access token", { ...call, denial: { ...denial, binding_token: as("ada").replace("Bearer ", "") } }, "ada"],
  ];
  for (const [what, body, who] of bad) {
    const { status, json } = await request(body, { who });
    assert.deepEqual([status, json?.["type"]], [400, `${URN}invalid_denial_binding`], what);
  }
  assert.equal(
    (await server.eventsSince(0)).filter(({ type }) => type === "action.proposed").length,
    (await server.eventsSince(0)).slice(0, size).filter(({ type }) => type === "action.proposed").length,
  );
});

it("the same denial is one request; one key for two requests is refused", async () => {
  const call = callOf("twice");
  const denial = await denied(call);
  const [first, second] = [await request({ ...call, denial }), await request({ ...call, denial })];
  assert.equal(textAt(first.json, "task", "id"), textAt(second.json, "task", "id"));
  const other = callOf("thrice");
  const keyed = await request({ ...call, denial }, { key: "one-key" });
  assert.equal(keyed.status, 202);
  const clash = await request({ ...other, denial: await denied(other) }, { key: "one-key" });
  assert.deepEqual([clash.status, clash.json?.["type"]], [409, `${URN}duplicate_request`]);
});

it("a refusal by policy cannot be requested, nor what Holdpoint carries out itself, nor what somebody else would do", async () => {
  for (const call of [
    callOf("vault"),
    callOf("x", { action: { name: "record.note" } }),
    callOf("x", { action: { name: "pagerduty.trigger" } }),
    callOf("x", { subject: { type: "user", id: "somebody" } }),
  ]) {
    const { json } = await evaluate(call);
    assert.equal(json?.["decision"], false);
    assert.equal(at(json, "context", "access_request"), undefined, JSON.stringify(call));
  }
});

it("handles are nobody else's, and an unknown one is unknown", async () => {
  const asked = await requested(callOf("private"));
  const { status, json } = await task(asked, "grace");
  assert.deepEqual([status, json?.["type"]], [404, `${URN}unknown_task`]);
  for (const id of ["arq_000000001", `arq_000000001${"A".repeat(22)}`, "x", (await newest()).id]) {
    assert.equal((await server.ask(`/access/v1/requests/${id}`, { as: as("ada") })).status, 404, id);
  }
});

it("what is not offered is said: bundles and callbacks", async () => {
  const call = callOf("extras");
  const denial = await denied(call);
  for (const more of [{ items: [call] }, { callback: { endpoint: "https://pep.example/x" } }]) {
    const { status, json } = await request({ ...call, denial, ...more });
    assert.deepEqual([status, json?.["code"]], [400, "request-invalid"]);
    assert.match(textAt(json, "detail"), /not offered/);
  }
});

it("a pause covers approved calls too", async () => {
  const call = callOf("paused");
  const approval = await approvalOf(call);
  await server.ask("/v1/killswitch", {
    method: "PUT",
    as: as("grace"),
    body: { mode: "pause", scope: { kind: "crm.search" } },
  });
  const { json } = await evaluate(withApproval(call, approval));
  assert.deepEqual([json?.["decision"], at(json, "context", "reason")], [false, "paused"]);
});
