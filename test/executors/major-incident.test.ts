// Declaring a major incident: record, channel, message, responders; whatever fails in between, each of them once.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import type { Mishap } from "../../examples/stand-ins/stand-in.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { executorsConfigSchema } from "../../src/wire/schemas/executors-config.ts";
import { executeRequest, executorContract, never, planRequest } from "./contract.ts";
import { buildExecutor, PASSWORD } from "./fixture.ts";
import { assertWhole, drive, KIND, opened, world } from "./major-stage.ts";

const DAY_MS = 86_400_000;

executorContract({ name: "major incident", start: () => world() });

test("a major incident opens its record and its bridge, says why, and calls the team", async (t) => {
  const { at, executor, plan, listener } = await opened(t);
  const outcome = listener.hear(await executor.execute(executeRequest(plan), never));
  assert.equal(outcome.status, "succeeded", JSON.stringify(outcome));
  assertWhole(at);
  const [record] = at.servicenow.incidents;
  const [channel] = at.slack.channels;
  assert.equal(record?.["major_incident_state"], "accepted");
  assert.deepEqual([record["urgency"], record["impact"]], ["1", "1"]);
  assert.match(channel?.name ?? "", /^inc-cart-1a-[0-9a-f]{6}$/);
  assert.match(channel?.topic ?? "", /^sev1 · cart in production · inc_00000001a · cart: &lt;!channel&gt;/);
  const text = channel?.messages[0]?.text ?? "";
  for (const part of ["sig_000000001", '"confidence":0.9', "<https://meet.example.com/major-inc_00000001a>"]) {
    assert.ok(text.includes(part), `${part} is in ${text}`);
  }
  for (const part of [
    `Record: ${record["number"]}`,
    "Granted as grt_00000000d",
    "<@U0PAYONE>",
    "<!subteam^S0PAYMENTS>",
  ]) {
    assert.ok(text.includes(part), `${part} is in ${text}`);
  }
  assert.ok(!text.includes("<!channel>"), "no text of a signal calls anybody");
  const { parts, missing } = outcome.detail as { parts: Record<string, JsonObject>; missing: string[] };
  assert.deepEqual(missing, []);
  assert.equal(parts["record"]?.["number"], record["number"]);
  assert.equal(parts["channel"]?.["channel"], channel?.id);
  assert.equal(parts["message"]?.["message"], channel?.messages[0]?.ts);
  assert.ok(outcome.status === "succeeded" && outcome.reference === `${record["number"]} ${channel?.id}`);
});

test("a plan declares what each part is when it is repeated, and holds no secret", async (t) => {
  const { plan } = await opened(t);
  const calls = plan.calls as readonly JsonObject[];
  assert.deepEqual(
    calls.map(({ part, repeat }) => [part, repeat]),
    [
      ["record", "conditional"],
      ["channel", "idempotent"],
      ["topic", "idempotent"],
      ["message", "conditional"],
      ["responders", "idempotent"],
    ],
  );
  assert.ok(
    calls.slice(1).every(({ authorization }) => JSON.stringify(authorization) === '{"secretRef":"slack/token"}'),
  );
});

test("declaring the same incident again, by another action, finds what is there", async (t) => {
  const { at, executor, plan, listener } = await opened(t);
  await drive(executor, { at, plan, listener });
  const again = await executor.plan(planRequest(at, "act_00000000x"), never);
  const outcome = await executor.execute({ ...executeRequest(again), idempotencyKey: "act_00000000x" }, never);
  assert.equal(outcome.status, "succeeded");
  assertWhole(at);
});

const WRITES = ["conversations.create", "conversations.setTopic", "chat.postMessage", "conversations.invite"] as const;
const READS = ["usergroups.users.list", "conversations.members"] as const;
const PASSING: readonly Mishap[] = [
  "status-500",
  "rate-limit",
  "drop",
  "act-then-drop",
  "act-then-500",
  "act-then-hang",
  "hang",
  "garbage",
  "wrong-type",
  "cut-short",
];

for (const method of [...WRITES, ...READS]) {
  test(`whatever happens to one ${method}, every part is there once in the end`, async (t) => {
    for (const mode of PASSING) {
      const { at, executor, plan, listener } = await opened(t);
      at.slack.fail({ path: `/api/${method}`, mode });
      const outcome = await drive(executor, { at, plan, listener }, 300);
      assert.equal(outcome.status, "succeeded", `${mode}: ${JSON.stringify(outcome)}`);
      assertWhole(at);
      await at.close();
    }
  });
}

test("whatever goes wrong, in whatever order, with crashes in between, nothing is done twice", async (t) => {
  const modes = PASSING.filter((mode) => !mode.includes("hang"));
  const mishap = fc.record({
    where: fc.constantFrom(...WRITES, ...READS, "conversations.history", "auth.test", "users.conversations", "record"),
    mode: fc.constantFrom(...modes),
  });
  const property = fc.asyncProperty(
    fc.array(mishap, { minLength: 1, maxLength: 5 }),
    fc.array(fc.boolean(), { maxLength: 4 }),
    async (mishaps, crashes) => {
      const { at, plan, listener } = await opened(t);
      for (const { where, mode } of mishaps) {
        if (where === "record") at.servicenow.fail({ path: "/api/now/table", mode });
        else at.slack.fail({ path: `/api/${where}`, mode });
      }
      let executor = at.build();
      for (const crash of crashes) {
        await executor.execute(executeRequest(plan), never);
        if (crash) executor = at.build();
        await executor.reconcile(executeRequest(plan), never);
        at.clock.advance(DAY_MS);
        const found = await executor.reconcile(executeRequest(plan), never);
        assert.notEqual(found.status, "happened", "running it again is what settles the whole");
        at.clock.advance(120_000);
      }
      const outcome = await drive(executor, { at, plan, listener });
      assert.equal(outcome.status, "succeeded", JSON.stringify(outcome));
      assertWhole(at);
      await at.close();
    },
  );
  await fc.assert(property, { numRuns: 40 });
});

for (const [crashed, method] of [
  ["before the channel", "conversations.create"],
  ["between channel and topic", "conversations.setTopic"],
  ["between topic and message", "chat.postMessage"],
  ["between message and invitations", "usergroups.users.list"],
] as const) {
  test(`a process that dies ${crashed} is taken up by the next one, which does the rest`, async (t) => {
    const { at, executor, plan, listener } = await opened(t);
    at.slack.fail({ path: `/api/${method}`, mode: "hang" });
    const dying = new AbortController();
    const call = executor.execute(executeRequest(plan), dying.signal);
    while (at.slack.received.every(({ path }) => path !== `/api/${method}`)) await new Promise((r) => setImmediate(r));
    dying.abort();
    await call;
    const next = at.build();
    assert.equal((await next.reconcile(executeRequest(plan), never)).status, "partial");
    const outcome = await drive(next, { at, plan, listener });
    assert.equal(outcome.status, "succeeded", JSON.stringify(outcome));
    assertWhole(at);
  });
}

test("before anything was done, the next process may run it, once what was sent can no longer arrive", async (t) => {
  const { at, plan } = await opened(t);
  assert.equal((await at.build().reconcile(executeRequest(plan), never)).status, "unclear");
  const next = at.build();
  at.clock.advance(DAY_MS);
  assert.equal((await next.reconcile(executeRequest(plan), never)).status, "absent");
});

test("a message that may still arrive is waited for, not doubled", async (t) => {
  const { at, executor, plan } = await opened(t);
  at.slack.fail({ path: "/api/chat.postMessage", mode: "late" });
  const first = await executor.execute(executeRequest(plan), never);
  assert.ok(first.status === "partial" && first.afterMs > 0);
  const second = await executor.execute(executeRequest(plan), never);
  assert.ok(second.status === "partial" && second.afterMs > 0, "absence proves nothing yet");
  assert.equal(await at.slack.landLate(), 1);
  assert.equal((await executor.execute(executeRequest(plan), never)).status, "succeeded");
  assertWhole(at);
});

test("a process that starts anew doubles no message that its predecessor may still have under way", async (t) => {
  const { at, executor, plan, listener } = await opened(t);
  at.slack.fail({ path: "/api/chat.postMessage", mode: "late" });
  assert.equal((await executor.execute(executeRequest(plan), never)).status, "partial");
  const next = at.build();
  const waiting = await next.execute(executeRequest(plan), never); // the rest is run again, nobody was asked before
  assert.ok(waiting.status === "partial" && waiting.afterMs > 20_000, JSON.stringify(waiting));
  assert.equal(await at.slack.landLate(), 1);
  assert.equal((await drive(next, { at, plan, listener })).status, "succeeded");
  assertWhole(at);
});

test("more responders than one call takes are all invited", async (t) => {
  const many = Array.from({ length: 250 }, (_, i) => `U0MANY${String(i).padStart(4, "0")}`);
  const { at, executor, plan, listener } = await opened(t, { groups: { S0PAYMENTS: many } });
  at.slack.fail({ path: "/api/conversations.invite", mode: "act-then-drop" });
  const outcome = await drive(executor, { at, plan, listener });
  assert.equal(outcome.status, "succeeded", JSON.stringify(outcome));
  assert.equal(at.slack.channels[0]?.members.length, 252, "they, one by name, and the app");
  assert.deepEqual(at.complaints(), []);
});

const MANUAL = readFileSync(new URL("../../docs/executors.md", import.meta.url), "utf8");
for (const isPrivate of [false, true]) {
  const kind = isPrivate ? "private" : "public";
  const line = MANUAL.split("\n").find((text) => text.startsWith(`- ${kind} channels: \``)) ?? "";
  const scopes = [...line.matchAll(/`([a-z:.]+)`/g)].map(([, scope = ""]) => scope);

  test(`the scopes that the manual names are enough for ${kind} channels, and each is needed`, async (t) => {
    for (const without of [null, ...scopes]) {
      const { at, executor, plan, listener } = await opened(t, {
        isPrivate,
        scopes: scopes.filter((scope) => scope !== without),
      });
      at.slack.fail({ path: "/api/conversations.create", mode: "act-then-drop" });
      const outcome = await drive(executor, { at, plan, listener });
      if (without !== null) {
        assert.ok(outcome.status === "partial" && outcome.afterMs === 0, `${without}: ${JSON.stringify(outcome)}`);
        assert.match(JSON.stringify(outcome.detail), /missing_scope/);
        continue;
      }
      assert.equal(outcome.status, "succeeded", JSON.stringify(outcome));
      assertWhole(at);
      const inverse = plan.inverse as unknown as { kind: string; args: JsonObject };
      const undo = await executor.plan({ ...planRequest(at, "act_00000000z"), ...inverse }, never);
      assert.equal((await drive(executor, { at, plan: undo, listener })).status, "succeeded");
      assert.deepEqual([at.slack.channels[0]?.isArchived, at.slack.channels[0]?.isPrivate], [true, isPrivate]);
    }
  });
}

test("while Slack is down the record stands, and what is missing is named and tried again", async (t) => {
  const { at, executor, plan, listener } = await opened(t);
  await at.slack.close();
  const outcome = listener.hear(await executor.execute(executeRequest(plan), never));
  assert.ok(outcome.status === "partial" && outcome.afterMs >= 2_000, JSON.stringify(outcome));
  const { missing, parts } = outcome.detail as { missing: string[]; parts: Record<string, JsonObject> };
  assert.deepEqual(missing, ["channel", "topic", "message", "responders"]);
  assert.equal(parts["channel"]?.["code"], "unreachable");
  assert.equal(at.servicenow.incidents.length, 1);
});

test("while ServiceNow is down nothing is opened", async (t) => {
  const { at, executor, plan } = await opened(t);
  await at.servicenow.close();
  const outcome = await executor.execute(executeRequest(plan), never);
  assert.equal(outcome.status, "retry");
  assert.deepEqual(at.slack.received, []);
});

test("Slack says when to come back, and is obeyed", async (t) => {
  const { at, executor, plan } = await opened(t);
  at.slack.fail({ path: "/api/chat.postMessage", mode: "rate-limit", retryAfter: "17" });
  const outcome = await executor.execute(executeRequest(plan), never);
  assert.ok(outcome.status === "partial" && outcome.afterMs === 17_000, JSON.stringify(outcome));
  assert.deepEqual((outcome.detail as { missing: string[] }).missing, ["message"]);
});

for (const error of ["invalid_auth", "missing_scope", "restricted_action", "account_inactive"]) {
  test(`what no repeat mends (${error}) goes to people, with what is missing`, async (t) => {
    const { at, executor, plan, listener } = await opened(t);
    at.slack.refuse("conversations.create", error, 9);
    const outcome = listener.hear(await executor.execute(executeRequest(plan), never));
    assert.ok(outcome.status === "partial" && outcome.afterMs === 0, JSON.stringify(outcome));
  });
}

test("a channel that we made before is ours, and one that a stranger gave the name to is not touched", async (t) => {
  const { at, executor, plan, listener } = await opened(t);
  const name = ((plan.calls[1] as JsonObject)["body"] as JsonObject)["name"] as string;
  for (const withApp of [false, true]) {
    const other = await opened(t);
    const strange = other.at.slack.makeChannel(name, withApp);
    const outcome = await drive(other.executor, other);
    assert.ok(outcome.status === "partial" && outcome.afterMs === 0, JSON.stringify(outcome));
    const { parts } = outcome.detail as { parts: Record<string, JsonObject> };
    assert.equal(parts["channel"]?.["code"], "name-taken-by-another");
    assert.deepEqual([strange.topic, strange.messages.length], ["", 0]);
  }
  at.slack.fail({ path: "/api/conversations.create", mode: "act-then-drop" });
  const outcome = await drive(executor, { at, plan, listener });
  assert.equal(outcome.status, "succeeded");
  assertWhole(at);
});

test("a channel that people archived is left to people", async (t) => {
  const { at, executor, plan, listener } = await opened(t);
  await drive(executor, { at, plan, listener });
  const [channel] = at.slack.channels;
  if (channel !== undefined) channel.isArchived = true;
  const outcome = await drive(at.build(), { at, plan, listener });
  assert.ok(outcome.status === "partial" && outcome.afterMs === 0, JSON.stringify(outcome));
  assert.equal(
    (outcome.detail as { parts: Record<string, JsonObject> }).parts["channel"]?.["code"],
    "channel-archived",
  );
});

test("responders whom Slack does not know are named, and the others are in", async (t) => {
  const { at, executor, plan, listener } = await opened(t, { unknownUsers: ["U0GROUPTWO"] });
  const outcome = await drive(executor, { at, plan, listener });
  assert.ok(outcome.status === "partial" && outcome.afterMs === 0, JSON.stringify(outcome));
  const { parts } = outcome.detail as { parts: Record<string, JsonObject> };
  assert.deepEqual(parts["responders"]?.["refused"], ["U0GROUPTWO"]);
  assert.ok(at.slack.channels[0]?.members.includes("U0PAYONE"));
});

test("without Slack's token the record stands, and the missing reference is a code", async (t) => {
  const { at, plan, listener } = await opened(t);
  const config = executorsConfigSchema.parse({
    servicenow: { baseUrl: at.servicenow.url, auth: { kind: "basic", user: "holdpoint" } },
    majorIncident: {
      bridge: { kind: "slack", baseUrl: at.slack.url },
      responders: { default: { users: ["U0DEFAULT"] } },
    },
  });
  const executor = buildExecutor({ kind: KIND, config, clock: at.clock, secrets: { "servicenow/password": PASSWORD } });
  const outcome = listener.hear(await executor.execute(executeRequest(plan), never));
  assert.ok(outcome.status === "partial" && outcome.afterMs === 0, JSON.stringify(outcome));
  assert.deepEqual(at.slack.received, []);
});

test("the inverse sets the record's state back and archives the channel, however often it runs", async (t) => {
  const { at, executor, plan, listener } = await opened(t);
  await drive(executor, { at, plan, listener });
  const inverse = plan.inverse as unknown as { kind: string; args: JsonObject };
  const undo = await executor.plan({ ...planRequest(at, "act_00000000z"), ...inverse }, never);
  for (const mode of ["act-then-drop", undefined, undefined] as const) {
    if (mode !== undefined) at.slack.fail({ path: "/api/conversations.archive", mode });
    const outcome = await drive(at.build(), { at, plan: undo, listener });
    assert.equal(outcome.status, "succeeded", JSON.stringify(outcome));
  }
  assert.equal(at.servicenow.incidents[0]?.["major_incident_state"], "canceled");
  assert.equal(at.slack.channels[0]?.isArchived, true);
});

test("a major incident that people took further at ServiceNow is not taken back over their heads", async (t) => {
  const { at, executor, plan, listener } = await opened(t);
  await drive(executor, { at, plan, listener });
  const inverse = plan.inverse as unknown as { kind: string; args: JsonObject };
  const undo = await executor.plan({ ...planRequest(at, "act_00000000z"), ...inverse }, never);
  const [record] = at.servicenow.incidents;
  at.servicenow.touch(record?.["sys_id"] ?? "", { major_incident_state: "resolved" });
  const outcome = await drive(executor, { at, plan: undo, listener });
  assert.deepEqual(outcome, { status: "failed", code: "target-moved", detail: { number: record?.["number"] } });
  assert.equal(record?.["major_incident_state"], "resolved");
  assert.equal(at.slack.channels[0]?.isArchived, false);
});

test("what was never opened is taken back without complaint", async (t) => {
  const { at, executor, listener } = await opened(t);
  const undo = await executor.plan(
    { ...planRequest(at), kind: "incident.retract-major", args: { incident: "inc_00000001a" } },
    never,
  );
  assert.equal((await drive(executor, { at, plan: undo, listener })).status, "succeeded");
  assert.deepEqual(at.slack.channels, []);
});
