// People are told through crashes and outages: at least once, in order, by the fallback while the first way is down.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { it } from "node:test";
import { startPagerduty } from "../../examples/stand-ins/pagerduty.ts";
import { startStandIn, type StandIn } from "../../examples/stand-ins/stand-in.ts";
import { eventually, OWNER, pageOf, ROUTING_KEY, SECOND, TestServer, writePolicies } from "./server.ts";

const POLICIES = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: page }
spec:
  match: { actions: [pagerduty.trigger] }
  rules: [{ name: asked, decision: hold, route: on-call }]
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: on-call }
spec:
  steps: [{ roles: [on-call], within: 10m }]
  onTimeout: deny
`;

type Told = { readonly id: string; readonly type: string; readonly subject: string };

async function startHook(): Promise<StandIn & { readonly told: Told[] }> {
  const told: Told[] = [];
  const act = ({ body }: { body: string }) => {
    const { id, type, subject } = JSON.parse(body) as Told;
    told.push({ id, type: type.replace(/^dev\.holdpoint\.|\.v1$/g, ""), subject });
    return { status: 200, json: {} };
  };
  return { ...(await startStandIn({ act, report: () => told })), told };
}

/** Without copies, in the order of arrival. */
function kindsOf(told: readonly Told[], subject: string): readonly string[] {
  const known = new Map(told.filter((one) => one.subject === subject).map((one) => [one.id, one.type]));
  return [...known.values()];
}

it("a question, its answer and its end reach people through a crash of the server and an outage of the receiver", async (t) => {
  const pagerduty = await startPagerduty({ routingKeys: [ROUTING_KEY] });
  const [first, second] = [await startHook(), await startHook()];
  const policies = writePolicies(tmpdir(), POLICIES);
  const hook = { kind: "webhook", secretRef: "webhook/secret", timeoutMs: 1_000 };
  const server = await TestServer.create({
    policy: { path: policies },
    executors: { pagerduty: { baseUrl: pagerduty.url, integrations: ["default"] } },
    notifiers: {
      calm: { ...hook, baseUrl: first.url },
      steady: { ...hook, baseUrl: first.url, path: "/steady", fallback: "other", fallbackAfterMs: 0 },
      other: { ...hook, baseUrl: second.url, tells: ["glass.broken"] },
    },
  });
  t.after(async () => {
    await server.remove();
    for (const one of [pagerduty, first, second]) await one.close();
    rmSync(policies, { recursive: true });
  });
  server.keepSecret("webhook/secret", `whsec_${Buffer.alloc(32, 3).toString("base64")}`);
  await server.start();

  first.fail({ mode: "status-500", path: "/steady", times: 1_000 });
  first.fail({ mode: "act-then-drop", path: "/", times: 1 });
  const { body } = await server.propose(pageOf("told"), "told");
  assert.equal(body.status, "held");
  await eventually("the question", () => (kindsOf(first.told, body.id).length > 0 ? true : undefined));
  await eventually("the question by the fallback", () => (kindsOf(second.told, body.id).length > 0 ? true : undefined));
  await server.kill();
  first.fail({ mode: "drop", path: "/", times: 3 });
  await server.start();
  const held = await server.ask("GET", `/v1/actions/${body.id}`);
  const answer = { decision: "approve", planHash: held.body.planHash, reason: "seen it" };
  const answered = await server.ask("POST", `/v1/actions/${body.id}/approvals`, { as: SECOND, body: answer });
  assert.equal(answered.status, 200, JSON.stringify(answered.body));

  const whole = ["hold.opened", "hold.ended", "action.ended"];
  const all = (told: readonly Told[]) => (kindsOf(told, body.id).length === whole.length ? true : undefined);
  await eventually("all of it", () => all(first.told));
  await eventually("all of it by the fallback", () => all(second.told));
  assert.deepEqual([kindsOf(first.told, body.id), kindsOf(second.told, body.id)], [whole, whole]);
  const copies = first.told.filter(({ subject, type }) => subject === body.id && type === "hold.opened");
  assert.ok(copies.length > 1, "what was told without a word came again");

  // The receiver has what the server has not yet heard the answer to.
  const metrics = await eventually("the last answer", async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return text.includes('holdpoint_notifier_failing{notifier="calm"} 0') ? text : undefined;
  });
  assert.match(metrics, /holdpoint_notifier_fallbacks_total\{notifier="steady"\} [1-9]/);
  const doctor = server.holdpoint(["doctor"], OWNER);
  assert.match(doctor.text, /ok +notifiers +calm, steady, other/);
  assert.match(
    doctor.text,
    /notifier +steady: \d+ events behind, \d+ failures since the start, [1-9]\d* told by its fallback/,
  );
});
