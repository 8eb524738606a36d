// Holds over the whole way: answered from the command line, or by nobody.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, before, it } from "node:test";
import { startPagerduty, type PagerdutyStandIn } from "../../examples/stand-ins/pagerduty.ts";
import { PROPOSER, eventually, OWNER, pageOf, SECOND, TestServer, writePolicies } from "./server.ts";

const POLICIES = `# Every page waits for a person; from the agent of the test, for two seconds at most.
apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: page }
spec:
  match: { actions: [pagerduty.trigger] }
  rules:
    - name: hurried
      when: action.service == "hurried"
      decision: hold
      route: short
    - name: otherwise
      decision: hold
      route: long
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: short }
spec:
  steps:
    - { roles: [on-call], within: 1s }
    - { roles: [owner], within: 1s }
  onTimeout: deny
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: long }
spec:
  steps:
    - { roles: [on-call], within: 5m }
  onTimeout: deny
`;

let policies: string;
let pagerduty: PagerdutyStandIn;
let server: TestServer;

before(async () => {
  policies = writePolicies(tmpdir(), POLICIES);
  pagerduty = await startPagerduty({ routingKeys: ["0123456789abcdef0123456789abcdef"] });
  server = await TestServer.create({
    policy: { path: policies },
    executors: { pagerduty: { baseUrl: pagerduty.url, integrations: ["default"] } },
  });
  await server.start();
});

after(async () => {
  await server.remove();
  await pagerduty.close();
  rmSync(policies, { recursive: true });
});

async function statusOf(id: string): Promise<string> {
  return String((await server.ask("GET", `/v1/actions/${id}`)).body.status);
}

it("a hold that a person answers from the command line executes", async () => {
  const proposed = await server.propose(pageOf("by-hand"), "by-hand");
  assert.equal(proposed.status, 202, JSON.stringify(proposed.body));
  assert.equal(proposed.body.status, "held");
  assert.equal(pagerduty.events.length, 0, "nothing happens while it waits");

  const { code, text } = server.holdpoint(["approve", proposed.body.id, "--yes", "--reason", "seen it"], SECOND);
  assert.equal(code, 0, text);
  await eventually("the page", async () => ((await statusOf(proposed.body.id)) === "succeeded" ? true : undefined));

  assert.deepEqual(
    pagerduty.incidents.map(({ dedupKey, triggers }) => ({ dedupKey, triggers })),
    [{ dedupKey: "by-hand", triggers: 1 }],
  );
  const events = (await server.events()).filter(({ subject }) => subject === proposed.body.id);
  const approved = events.find(({ type }) => type === "action.approved");
  assert.equal(approved?.actor, SECOND);
  assert.equal(approved?.facts["person"], "second");
});

it("a denial from the command line ends it, and nothing is executed", async () => {
  const before = pagerduty.events.length;
  const proposed = await server.propose(pageOf("denied"), "denied");
  const { code, text } = server.holdpoint(["deny", proposed.body.id, "--yes", "--reason", "no need"], OWNER);
  assert.equal(code, 0, text);
  assert.equal(await statusOf(proposed.body.id), "denied");
  assert.equal(pagerduty.events.length, before);
});

it("a hold that nobody answers escalates, then expires as a timeout that no person decided", async () => {
  const before = pagerduty.events.length;
  const page = pageOf("unanswered");
  const proposed = await server.propose({ ...page, target: { ...page.target, service: "hurried" } }, "unanswered");
  assert.equal(proposed.body.status, "held", JSON.stringify(proposed.body));
  await eventually("the end", async () => ((await statusOf(proposed.body.id)) === "expired" ? true : undefined));

  const events = (await server.events()).filter(({ subject }) => subject === proposed.body.id);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["action.proposed", "action.held", "hold.escalated", "action.expired"],
  );
  const expired = events.at(-1);
  assert.equal(expired?.facts["code"], "hold-timeout");
  assert.equal(expired?.actor, "system:kernel");
  assert.ok(!events.some(({ type }) => type === "action.denied" || type === "action.approved"));
  assert.equal(pagerduty.events.length, before);

  const { body } = await server.ask("GET", `/v1/actions/${proposed.body.id}`, { as: PROPOSER });
  const late = { decision: "approve", planHash: body.planHash };
  const answer = await server.ask("POST", `/v1/actions/${proposed.body.id}/approvals`, { as: SECOND, body: late });
  assert.equal(answer.body.code, "action-not-held");
});
