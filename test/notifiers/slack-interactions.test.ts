// Answers from Slack through a running server: who is asking is proved, mapped, and judged by the kernel like any other.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { startSlack, type SlackMessage, type SlackStandIn } from "../../examples/stand-ins/slack.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { eventually, pageOf } from "../e2e/server.ts";
import { startServer, type Answer, type Server } from "../http/fixture.ts";

const TOKEN = "xoxb-a-token-of-its-own";
const SIGNING = "8f742231b10e8888abcd99yyyzzz85a5";
const POLICY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: asked }
spec:
  match: { actions: [record.note, pagerduty.trigger] }
  rules:
    - { name: two, when: action.service == "two", decision: hold, route: two }
    - { name: always, decision: hold, route: on-call }
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: two }
spec:
  steps: [{ roles: [on-call], count: 2, within: 30m }]
  onTimeout: deny
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: on-call }
spec:
  steps: [{ roles: [on-call], within: 30m }]
  onTimeout: deny
`;
/** Slack users: ada and her phone's identity, grace, somebody without a role, and nobody's. */
const USERS = { ada: "U0ADAADA1", grace: "U0GRACE01", visitor: "U0VISITOR", gone: "U0GONE001", nobody: "U0NOBODY1" };

/** One line of YAML each, beside which the fixture puts its own. */
function settingsOf(settings: object): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join("\n");
}

let slack: SlackStandIn;
let server: Server & { stop(): Promise<void> };
let channelId: string;

before(async () => {
  slack = await startSlack({ token: TOKEN });
  channelId = slack.makeChannel("holds", true).id;
  const people = {
    [USERS.ada]: "person:ada",
    [USERS.grace]: "person:grace",
    [USERS.visitor]: "person:visitor",
    [USERS.gone]: "person:nobody-registered",
  };
  const chat = { kind: "slack", baseUrl: slack.url, channel: channelId, signingSecretRef: "slack/signing", people };
  const pagerduty = { baseUrl: slack.url, integrations: ["default"] };
  server = await startServer({
    settings: settingsOf({ notifiers: { chat: { ...chat, teamId: "T0TEAM001" } }, executors: { pagerduty } }),
    policy: POLICY,
  });
  mkdirSync(join(server.dataDir, "secrets", "slack"), { recursive: true });
  for (const [name, secret] of [
    ["token", TOKEN],
    ["signing", SIGNING],
  ] as const) {
    writeFileSync(join(server.dataDir, "secrets", "slack", name), secret, { mode: 0o600 });
  }
});

after(async () => {
  await server.stop();
  await slack.close();
});

type Sent = { readonly secret?: string; readonly atS?: number; readonly body?: string; readonly signature?: string };

let clicks = 0;

/** As Slack sends it. */
async function send(payload: object, { secret = SIGNING, atS, body, signature }: Sent = {}): Promise<Answer> {
  // No two requests of Slack's are the same bytes: a trigger is used once.
  const bytes =
    body ?? new URLSearchParams({ payload: JSON.stringify({ ...payload, action_ts: ++clicks }) }).toString();
  const timestamp = String(atS ?? Math.floor(Date.now() / 1_000));
  const mac = createHmac("sha256", secret).update(`v0:${timestamp}:${bytes}`).digest("hex");
  return server.ask("/v1/notifiers/slack/interactions", {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-slack-request-timestamp": timestamp,
      "x-slack-signature": signature ?? `v0=${mac}`,
    },
    body: new TextEncoder().encode(bytes),
  });
}

const common = (user: string) => ({
  user: { id: user, team_id: "T0TEAM001" },
  team: { id: "T0TEAM001" },
  api_app_id: "A0",
});

function press(user: string, value: string, decision = "approve", more: object = {}): object {
  return {
    type: "block_actions",
    ...common(user),
    trigger_id: slack.makeTrigger(),
    actions: [{ type: "button", action_id: `holdpoint_${decision}`, block_id: "holdpoint_actions", value }],
    ...more,
  };
}

function submit(user: string, metadata: object | string, reason: string | null = null): object {
  const values = { holdpoint_reason: { holdpoint_reason: { type: "plain_text_input", value: reason } } };
  const private_metadata = typeof metadata === "string" ? metadata : JSON.stringify(metadata);
  return {
    type: "view_submission",
    ...common(user),
    view: { callback_id: "holdpoint_answer", private_metadata, state: { values } },
  };
}

type Held = {
  readonly id: string;
  readonly planHash: string;
  readonly value: string;
  readonly form: (decision: string) => object;
};

async function held(of: object = {}): Promise<Held> {
  const proposal = {
    kind: "record.note",
    target: { environment: "staging", service: "cart" },
    arguments: { text: "a note" },
  };
  const { json } = await server.ask("/v1/actions", {
    method: "POST",
    as: await server.bearer("author"),
    body: { ...proposal, reason: "to be remembered", ...of },
  });
  assert.equal(json?.["status"], "held", JSON.stringify(json));
  const id = textOf(json["id"]);
  const planHash = textOf((await read(id))["planHash"]);
  return { id, planHash, value: `${id} ${planHash}`, form: (decision) => ({ decision, action: id, planHash }) };
}

async function read(id: string): Promise<JsonObject> {
  return (await server.ask(`/v1/actions/${id}`, { as: await server.bearer("ada") })).json ?? {};
}

function messageAbout(id: string): SlackMessage | undefined {
  const channel = slack.channels.find((one) => one.id === channelId);
  return channel?.messages.find(({ metadata }) => JSON.stringify(metadata).includes(id));
}

function textOf(value: Json | undefined): string {
  assert.ok(typeof value === "string", JSON.stringify(value));
  return value;
}

const errorIn = ({ json }: Answer): string =>
  textOf((json?.["errors"] as JsonObject | undefined)?.["holdpoint_reason"]);

it("a person approves: the message appears, its button opens a form, the form answers, the message tells how it ended", async () => {
  const { id, value } = await held();
  const message = await eventually("the message", () => messageAbout(id));
  const button = JSON.stringify(message.blocks);
  assert.ok(button.includes(value), "the button names the plan that it approves");
  assert.equal((await send(press(USERS.grace, value))).status, 200);
  const view = slack.views.at(-1)?.view as { private_metadata: string; blocks: object[] };
  assert.match(JSON.stringify(view.blocks), /record\.note on staging\/cart/);
  assert.equal((await read(id))["status"], "held", "a button alone approves nothing");
  const { status, text } = await send(submit(USERS.grace, view.private_metadata, "seen it"));
  assert.deepEqual([status, text], [200, ""]);
  assert.equal((await read(id))["status"], "succeeded");
  const told = await eventually("the end", () =>
    (messageAbout(id)?.text ?? "").startsWith("Done") ? messageAbout(id) : undefined,
  );
  assert.match(JSON.stringify(told.blocks), /Approved by grace.*seen it/);
  assert.ok(!JSON.stringify(told.blocks).includes("holdpoint_approve"));
  assert.deepEqual(slack.complaints, []);
  const approved = (await server.eventsSince(0)).find(
    (event) => event.type === "action.approved" && event.subject === id,
  );
  assert.equal(approved?.facts["person"], "grace");
});

it("of two that are asked the first waits for the second, whose answer comes from the API", async () => {
  const { id, form, planHash } = await held({ target: { environment: "staging", service: "two" } });
  await eventually("the message", () => messageAbout(id));
  assert.equal((await send(submit(USERS.ada, form("approve"), "one"))).text, "");
  assert.equal((await read(id))["status"], "held");
  const waits = await eventually("the wait", () =>
    messageAbout(id)?.text.startsWith("Approved by ada, waits for more") === true ? messageAbout(id) : undefined,
  );
  assert.ok(JSON.stringify(waits.blocks).includes("holdpoint_approve"));
  assert.match(errorIn(await send(submit(USERS.ada, form("approve"), "again"))), /already/);
  const body = { decision: "approve", planHash, reason: "two" };
  await server.ask(`/v1/actions/${id}/approvals`, { as: await server.bearer("grace"), body });
  assert.equal((await read(id))["status"], "succeeded");
  await eventually("the end", () => (messageAbout(id)?.text.startsWith("Done") === true ? true : undefined));
});

it("a denial needs a reason, and then ends it", async () => {
  const { id, value, form } = await held();
  await send(press(USERS.grace, value, "deny"));
  assert.match(JSON.stringify(slack.views.at(-1)?.view), /"optional":false/);
  assert.equal(errorIn(await send(submit(USERS.grace, form("deny"), "  "))), "Say why you deny it.");
  assert.equal((await read(id))["status"], "held");
  await send(submit(USERS.grace, form("deny"), "not now"));
  assert.equal((await read(id))["status"], "denied");
});

it("what cannot be undone is approved with a reason only", async () => {
  const { id, value, form } = await held();
  assert.equal((await read(id))["reversible"], false);
  await send(press(USERS.grace, value));
  assert.match(JSON.stringify(slack.views.at(-1)?.view), /cannot be undone.*"optional":false/);
  assert.match(errorIn(await send(submit(USERS.grace, form("approve")))), /say why/);
  assert.equal((await read(id))["status"], "held");
  const page = await held(pageOf("undone"));
  await send(press(USERS.grace, page.value));
  assert.match(JSON.stringify(slack.views.at(-1)?.view), /"optional":true/);
  assert.equal((await send(submit(USERS.grace, page.form("approve")))).text, "");
  assert.notEqual((await read(page.id))["status"], "held");
});

it("nobody is let in by Slack alone: no identity, one that is gone, no role, the proposer's own person", async () => {
  const { id, value, form } = await held();
  await send(press(USERS.nobody, value));
  assert.match(JSON.stringify(slack.views.at(-1)?.view), /not linked to an identity/);
  for (const user of [USERS.nobody, USERS.gone]) {
    assert.match(errorIn(await send(submit(user, form("approve"), "r"))), /not linked/);
  }
  assert.match(errorIn(await send(submit(USERS.visitor, form("approve"), "r"))), /may not answer/);
  const own = await server.ask("/v1/actions", {
    method: "POST",
    as: await server.bearer("adaPhone"),
    body: { kind: "record.note", target: { environment: "staging", service: "cart" }, arguments: { text: "own" } },
  });
  const mine = textOf(own.json?.["id"]);
  const { planHash } = await read(mine);
  const answer = await send(submit(USERS.ada, { decision: "approve", action: mine, planHash }, "r"));
  assert.match(errorIn(answer), /never approves/, "under another identity she is the same person");
  assert.deepEqual([(await read(id))["status"], (await read(mine))["status"]], ["held", "held"]);
});

it("an answer to another plan, to what is over, and a second one are refused in words", async () => {
  const { id, form } = await held();
  const other = { ...(form("approve") as { planHash: string }), planHash: "0".repeat(64) };
  assert.match(errorIn(await send(submit(USERS.grace, other, "r"))), /plan is another/);
  await send(press(USERS.grace, `${id} ${"0".repeat(64)}`));
  assert.match(JSON.stringify(slack.views.at(-1)?.view), /plan is another/);
  await send(submit(USERS.grace, form("approve"), "r"));
  assert.match(errorIn(await send(submit(USERS.grace, form("approve"), "r"))), /waits for nobody/);
  await send(press(USERS.grace, `${id} ${textOf((await read(id))["planHash"])}`));
  assert.match(JSON.stringify(slack.views.at(-1)?.view), /waits for nobody/);
});

it("what is not signed by Slack, not of now, or came before is refused and changes nothing", async () => {
  const { id, form } = await held();
  const payload = submit(USERS.grace, form("approve"), "r");
  const nowS = Math.floor(Date.now() / 1_000);
  const refused: readonly [string, Sent][] = [
    ["another secret", { secret: "another" }],
    ["no signature", { signature: "" }],
    ["a signature of another scheme", { signature: `v1=${"0".repeat(64)}` }],
    ["zeros", { signature: `v0=${"0".repeat(64)}` }],
    ["six minutes old", { atS: nowS - 360 }],
    ["six minutes ahead", { atS: nowS + 360 }],
    ["no time", { atS: Number.NaN }],
  ];
  for (const [what, how] of refused) {
    const { status, json } = await send(payload, how);
    assert.deepEqual([status, json?.["code"]], [403, "signature-invalid"], what);
  }
  const body = new URLSearchParams({ payload: JSON.stringify(press(USERS.grace, `${id} x`)) }).toString();
  const fixed = { body, atS: nowS };
  assert.equal((await send({}, fixed)).status, 200);
  assert.equal((await send({}, fixed)).json?.["code"], "signature-invalid", "the same bytes again");
  const altered = createHmac("sha256", SIGNING).update(`v0:${nowS}:${body}`).digest("hex");
  const { status } = await send({}, { body: `${body}&x=1`, atS: nowS, signature: `v0=${altered}` });
  assert.equal(status, 403);
  assert.equal((await read(id))["status"], "held");
});

it("signed nonsense is refused as such, and another workspace's people are not ours", async () => {
  const { form } = await held();
  for (const body of [
    "",
    "payload=",
    "payload={",
    "payload=%7B%7D&payload=%7B%7D",
    `payload=${encodeURIComponent('{"type":"view_submission"}')}`,
  ]) {
    const { status, json } = await send({}, { body, atS: Math.floor(Date.now() / 1_000) - ++clicks });
    assert.deepEqual([status, json?.["code"]], [400, "request-invalid"], body);
  }
  for (const metadata of ["{", "{}", JSON.stringify({ ...form("approve"), more: 1 })]) {
    assert.equal((await send(submit(USERS.grace, metadata))).json?.["code"], "request-invalid");
  }
  const foreign = { ...submit(USERS.grace, form("approve"), "r"), team: { id: "T0ANOTHER" } };
  assert.equal((await send(foreign)).json?.["code"], "not-eligible");
  assert.equal((await send({ type: "message_action" })).status, 200, "what is not for us is taken and left");
  assert.equal((await send(press(USERS.grace, "not of ours", "open"))).status, 200);
});

it("an unsigned body of any size is read no further than a signed one would be", async () => {
  const { status, json } = await send({}, { body: `payload=${"x".repeat(70_000)}` });
  assert.deepEqual([status, json?.["code"]], [413, "body-too-large"]);
});
