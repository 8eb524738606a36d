// AuthZEN evaluations of what Holdpoint carries out itself: they know what its plan asks for, or say that it is not known yet.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import type { JsonObject } from "../../src/core/json.ts";
import { startServer, type Server } from "./fixture.ts";

const POLICY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: everything }
spec:
  match: { actions: [http.call, slack.message, record.note, crm.search] }
  rules:
    - { name: asked, when: action.service == "asked", decision: hold, route: owners }
    - { name: never, when: action.service == "vault", decision: refuse }
    - { name: otherwise, decision: allow }
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: owners }
spec: { steps: [{ roles: [owner], within: 30m }], onTimeout: deny }
`;

const shared = 'environment: staging, service: cart, baseUrl: "http://127.0.0.1:9", repeat: idempotent';
const SETTINGS = `limits: { writes: { burst: 100000, perSecond: 10000 } }
executors:
  slack: { channels: { oncall: C0123ABCD } }
  http:
    operations:
      - { ${shared}, name: drain, path: /drain, undo: fill }
      - { ${shared}, name: fill, path: /fill }
      - { ${shared}, name: wipe, path: /wipe, irreversible: true }
      - { ${shared}, name: shift, path: /shift, undo: fill, phases: [5, 100] }
`;

let server: Server & { stop(): Promise<void> };
let ada: string;

before(async () => {
  server = await startServer({ policy: POLICY, settings: SETTINGS });
  ada = await server.bearer("ada");
});
after(() => server.stop());

type Asked = { readonly kind: string; readonly args?: JsonObject; readonly service?: string };

async function evaluate({ kind, args, service = "cart" }: Asked): Promise<JsonObject> {
  const body = {
    subject: { type: "user", id: "ada" },
    action: { name: kind, ...(args === undefined ? {} : { properties: args }) },
    resource: { type: "service", id: service, properties: { environment: "staging", service } },
  };
  const { status, json } = await server.ask("/access/v1/evaluation", { as: ada, body });
  assert.equal(status, 200);
  return json ?? assert.fail();
}

const contextOf = ({ context }: JsonObject): JsonObject => context as JsonObject;

/** A dry run of the same, which makes the plan and starts nothing. */
async function propose({ kind, args = {}, service = "cart" }: Asked): Promise<JsonObject> {
  const target = { environment: "staging", service, resource: service };
  const body = { kind, target, arguments: args, dryRun: true, reason: "to compare" };
  const { json } = await server.ask("/v1/actions", { as: ada, body, headers: { prefer: "wait=10" } });
  return json ?? assert.fail();
}

const call = (operation: string): Asked => ({ kind: "http.call", args: { operation } });

it("what policy allows and the plan asks a person about is not allowed, in the words of its proposal", async () => {
  const answer = await evaluate(call("wipe"));
  assert.deepEqual([answer["decision"], contextOf(answer)["reason"]], [false, "approval_required"]);
  const proposed = await propose(call("wipe"));
  assert.equal(proposed["would"], "hold", JSON.stringify(proposed));
  const verdicts = contextOf(answer)["verdicts"] as readonly JsonObject[];
  assert.deepEqual(verdicts, proposed["verdicts"]);
  assert.deepEqual(verdicts.at(-1), { code: "irreversible", evidence: {}, gate: "kernel/signature", verdict: "hold" });
});

it("what neither asks about is allowed, as its proposal is", async () => {
  const answer = await evaluate(call("drain"));
  assert.deepEqual([answer["decision"], contextOf(answer)["plan"]], [true, undefined]);
  assert.equal((await propose(call("drain")))["would"], "allow");
  assert.equal((await evaluate({ kind: "record.note", args: { text: "a note" } }))["decision"], true);
});

it("what its plan is refused for is denied: arguments that it cannot be made of, phases that nothing checks", async () => {
  for (const [asked, reason] of [
    [call("nowhere"), "arguments-invalid"],
    [{ kind: "http.call" }, "arguments-invalid"],
    [{ kind: "record.note" }, "arguments-invalid"],
    [call("shift"), "phases-unchecked"],
  ] as const) {
    const answer = await evaluate(asked);
    assert.deepEqual([answer["decision"], contextOf(answer)["reason"]], [false, reason]);
    assert.equal((await propose(asked))["code"], reason);
  }
});

it("where planning reads the world first nothing is promised, and the answer says that the plan is not known", async () => {
  const message: Asked = { kind: "slack.message", args: { channel: "oncall", text: "hello" } };
  for (const [service, reason] of [
    ["cart", "plan-unknown"],
    ["asked", "approval_required"],
    ["vault", "rule-refuse"],
  ] as const) {
    const answer = await evaluate({ ...message, service });
    const { reason: said, plan, access_request: request } = contextOf(answer);
    assert.deepEqual([answer["decision"], said, plan, request], [false, reason, "unknown", undefined]);
  }
});

it("what whoever asks carries out has no plan but the call, and is allowed", async () => {
  const answer = await evaluate({ kind: "crm.search" });
  assert.deepEqual([answer["decision"], contextOf(answer)["plan"]], [true, undefined]);
});
