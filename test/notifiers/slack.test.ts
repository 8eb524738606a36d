// Slack's messages against a workspace that checks every call by Slack's reference: one message for each action, edited.

import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { startSlack, type SlackMessage, type SlackOptions } from "../../examples/stand-ins/slack.ts";
import { createEgress } from "../../src/adapters/egress/egress.ts";
import { createNotifierTransport } from "../../src/adapters/notifiers/registry.ts";
import type { Notification, NotifiedAction } from "../../src/wire/contracts/notifier.ts";
import { notifiersConfigSchema } from "../../src/wire/schemas/notifiers-config.ts";
import { NEVER, secretsOf } from "../exports/receiver.ts";
import { NOW_MS, notification } from "./notifications.ts";

const TOKEN = "xoxb-a-token-of-its-own";

async function stage(t: TestContext, { config = {}, ...options }: SlackOptions & { config?: object } = {}) {
  const slack = await startSlack({ token: TOKEN, ...options });
  t.after(() => slack.close());
  const channel = slack.makeChannel("holds", true);
  const notifiers = notifiersConfigSchema.parse({
    chat: {
      kind: "slack",
      baseUrl: slack.url,
      channel: channel.id,
      signingSecretRef: "slack/signing",
      timeoutMs: 1_000,
      ...config,
    },
  });
  const build = () =>
    createNotifierTransport({
      name: "chat",
      notifiers,
      egress: createEgress({ allow: [slack.url] }),
      credentials: secretsOf({ "slack/token": TOKEN }),
      clock: { nowMs: () => NOW_MS, monotonicMs: () => 0 },
      publicUrl: "https://holdpoint.example",
      onFallback: () => assert.fail("there is no fallback"),
    });
  let transport = build();
  let memo: string | null = null;
  return {
    slack,
    channel,
    deliver: async (of: Notification) => {
      const delivery = await transport.deliver({ records: [of], memo }, NEVER);
      if (delivery.accepted > 0) ({ memo } = delivery);
      return delivery;
    },
    /** As a crash between Slack's answer and the saved position: nothing is remembered. */
    crash: (kept: string | null) => {
      transport = build();
      memo = kept;
    },
    memo: () => memo,
  };
}

const at = (seq: number, of: Partial<Omit<Notification, "action">> & { action?: Partial<NotifiedAction> } = {}) =>
  notification({ ledger: { origin: "holdpoint.test/log", seq, receipt: "" }, ...of });

function buttonsOf({ blocks }: SlackMessage): readonly string[] {
  const actions = (blocks as readonly { type: string; elements?: readonly { action_id: string }[] }[]).find(
    ({ type }) => type === "actions",
  );
  return (actions?.elements ?? []).map(({ action_id: id }) => id);
}

const holdOf = (of: Notification): NonNullable<NotifiedAction["hold"]> => {
  assert.ok(of.action?.hold != null);
  return of.action.hold;
};

it("a hold is one message, edited with each change; its buttons are gone when it has ended", async (t) => {
  const { slack, channel, deliver, memo } = await stage(t);
  const opened = at(1);
  await deliver(opened);
  const [message] = channel.messages;
  assert.ok(message !== undefined);
  assert.match(message.text, /^Waits for approval: kubernetes\.restart on production\/cart \(deployment\/cart\)$/);
  assert.deepEqual(buttonsOf(message), ["holdpoint_approve", "holdpoint_deny", "holdpoint_open"]);
  const shown = JSON.stringify(message.blocks);
  for (const words of [
    "production",
    "Can be undone\\nyes, by kubernetes.undo",
    "memory grows",
    "hold: pager/otherwise held",
    "Until",
  ]) {
    assert.ok(shown.includes(words), words);
  }
  await deliver(at(2, { kind: "hold.escalated", action: { hold: { ...holdOf(opened), step: 1, asks: "1 of lead" } } }));
  assert.deepEqual([channel.messages.length, message.edits], [1, 1]);
  assert.match(JSON.stringify(message.blocks), /1 of lead \(route on-call, step 2\)/);
  assert.deepEqual(message.replies.length, 1, "an edit alone would be news to nobody");
  await deliver(at(3, { kind: "hold.frozen", action: { hold: { ...holdOf(opened), isFrozen: true } } }));
  assert.deepEqual(buttonsOf(message), ["holdpoint_open"], "nobody may answer while it is paused");
  const answers = [{ decision: "approve", person: "grace", time: NOW_MS, reason: "seen it" }] as const;
  await deliver(at(4, { kind: "hold.ended", action: { status: "approved", hold: { ...holdOf(opened), answers } } }));
  assert.match(message.text, /^Approved by grace/);
  assert.deepEqual(buttonsOf(message), ["holdpoint_open"]);
  await deliver(at(5, { kind: "action.ended", action: { status: "succeeded", hold: { ...holdOf(opened), answers } } }));
  assert.match(message.text, /^Done: /);
  assert.deepEqual([channel.messages.length, message.edits], [1, 4]);
  assert.deepEqual(slack.complaints, []);
  assert.equal(memo(), '{"own":"[]","fallback":null}', "what is over is not remembered");
});

it("the first of two approvals waits for the second, one taken back counts no more, and a reminder is heard", async (t) => {
  const { slack, channel, deliver } = await stage(t);
  const opened = at(1);
  await deliver(opened);
  const [message] = channel.messages;
  assert.ok(message !== undefined);
  const told = (seq: number, kind: Notification["kind"], ...answers: NonNullable<NotifiedAction["hold"]>["answers"]) =>
    deliver(at(seq, { kind, action: { hold: { ...holdOf(opened), asks: "2 of sre", answers } } }));
  const grace = { decision: "approve", person: "grace", time: NOW_MS, reason: null } as const;
  await told(2, "hold.approval", grace);
  assert.match(message.text, /^Approved by grace, waits for more/);
  assert.deepEqual(buttonsOf(message), ["holdpoint_approve", "holdpoint_deny", "holdpoint_open"]);
  await told(3, "hold.withdrawal", grace, { ...grace, decision: "withdraw" });
  assert.match(message.text, /^An approval counts no more/);
  assert.match(JSON.stringify(message.blocks), /Approval taken back by grace/);
  await told(4, "hold.reminded", grace, { ...grace, decision: "withdraw" });
  assert.match(message.replies.join(), /^Still waits for approval/);
  const ada = { ...grace, person: "ada" };
  await deliver(
    at(5, { kind: "glass.broken", action: { status: "approved", hold: { ...holdOf(opened), answers: [ada] } } }),
  );
  assert.match(message.text, /^GLASS BROKEN by ada/);
  assert.match(message.replies.at(-1) ?? "", /^GLASS BROKEN/);
  assert.deepEqual(buttonsOf(message), ["holdpoint_open"]);
  assert.deepEqual([channel.messages.length, slack.complaints], [1, []]);
});

it("without a signing secret nobody can answer from the message, so it has no such buttons", async (t) => {
  const { channel, deliver } = await stage(t, { config: { signingSecretRef: undefined } });
  await deliver(at(1));
  assert.deepEqual(channel.messages.map(buttonsOf), [["holdpoint_open"]]);
});

it("the kill switch is a message of its own", async (t) => {
  const { channel, slack, deliver } = await stage(t);
  const brake = { id: "brk_000000001", mode: "pause", scope: {} } as const;
  const ledger = { origin: "o", seq: 7, receipt: "" };
  await deliver(notification({ kind: "brake.applied", action: null, brake, actor: "person:ada", ledger }));
  await deliver(notification({ kind: "brake.released", action: null, brake, ledger: { ...ledger, seq: 8 } }));
  assert.deepEqual(
    channel.messages.map(({ text }) => text),
    [
      "Kill switch applied by person:ada: pause of everything",
      "Kill switch released by agent:deployer: pause of everything",
    ],
  );
  assert.deepEqual(slack.complaints, []);
});

for (const mode of ["act-then-drop", "act-then-500", "act-then-hang", "garbage", "huge"] as const) {
  it(`${mode}: a message that was posted without a word is found, not posted again`, async (t) => {
    const { slack, channel, deliver } = await stage(t);
    await deliver(at(1, { action: { id: "act_000000001" } }));
    slack.fail({ mode, path: "/api/chat.postMessage" });
    assert.equal((await deliver(at(2))).accepted, 0);
    assert.equal((await deliver(at(2))).accepted, 1);
    assert.equal(channel.messages.length, 2);
    assert.equal(channel.messages[1]?.edits, 1);
    assert.deepEqual(slack.complaints, []);
  });
}

it("after a crash the message is found by what it says of itself", async (t) => {
  const { channel, deliver, crash } = await stage(t);
  await deliver(at(1));
  crash(null);
  await deliver(at(1));
  assert.deepEqual([channel.messages.length, channel.messages[0]?.edits], [1, 1]);
  crash("[[");
  await deliver(at(2, { kind: "hold.ended", action: { status: "denied" } }));
  assert.deepEqual([channel.messages.length, buttonsOf(channel.messages[0] as SlackMessage)], [1, ["holdpoint_open"]]);
});

it("an app that may not read the channel posts a second message rather than none", async (t) => {
  const { channel, deliver, crash } = await stage(t, { scopes: ["chat:write"] });
  await deliver(at(1));
  crash(null);
  assert.equal((await deliver(at(1))).accepted, 1);
  assert.equal(channel.messages.length, 2);
});

it("what waited in vain for something outside is a message, and calls whoever is behind it", async (t) => {
  const { slack, channel, deliver, memo } = await stage(t, { config: { people: { U0123456789: "person:ada" } } });
  const awaited = { since: NOW_MS - 60_000, missing: "review-missing" };
  const inVain = { status: "expired", code: "outside-timeout", hold: null, awaited };
  await deliver(at(1, { kind: "wait.ended", action: inVain }));
  await deliver(at(2, { kind: "wait.ended", action: { ...inVain, id: "act_00000000d", person: "grace" } }));
  const [message, other] = channel.messages;
  assert.match(message?.text ?? "", /^Expired, what it waited for outside did not come: kubernetes\.restart on/);
  const shown = JSON.stringify(message?.blocks);
  for (const words of ["Waited for\\nreview-missing (outside), since ", "For <@U0123456789>"])
    assert.ok(shown.includes(words), words);
  assert.ok(message !== undefined && other !== undefined && !JSON.stringify(other.blocks).includes("<@"));
  assert.deepEqual(buttonsOf(message), ["holdpoint_open"]);
  assert.deepEqual([slack.complaints, memo()], [[], '{"own":"[]","fallback":null}']);
});

it("the end of what nobody was asked here is no message; a message that somebody deleted is not missed", async (t) => {
  const { slack, channel, deliver } = await stage(t);
  assert.equal((await deliver(at(1, { kind: "hold.ended", action: { status: "expired" } }))).accepted, 1);
  assert.equal(channel.messages.length, 0);
  await deliver(at(2));
  slack.refuse("chat.update", "message_not_found");
  assert.equal((await deliver(at(3, { kind: "hold.ended", action: { status: "expired" } }))).accepted, 1);
  await deliver(at(4));
  slack.refuse("chat.update", "message_not_found");
  assert.equal((await deliver(at(5, { kind: "hold.escalated" }))).accepted, 1);
  assert.equal(channel.messages.length, 3, "a question that was deleted is asked again");
});

for (const [what, error, code] of [
  ["a channel that the app is not in", "not_in_channel", "not_in_channel"],
  ["a token that was revoked", "token_revoked", "credential-refused"],
  ["a rate limit", "ratelimited", "ratelimited"],
  ["a failure of Slack's own", "internal_error", "internal_error"],
] as const) {
  it(`${what} fails, and comes again`, async (t) => {
    const { slack, channel, deliver } = await stage(t);
    await deliver(at(1, { action: { id: "act_000000001" } }));
    slack.refuse("chat.postMessage", error);
    const { accepted, failure } = await deliver(at(2));
    assert.deepEqual([accepted, failure?.code], [0, code]);
    assert.equal((await deliver(at(2))).accepted, 1);
    assert.equal(channel.messages.length, 2);
  });
}

it("Slack's order to wait is obeyed, its refusal of a message is for good, and no answer shows the token", async (t) => {
  const { slack, deliver } = await stage(t);
  await deliver(at(1, { action: { id: "act_000000001" } }));
  slack.fail({ mode: "rate-limit", retryAfter: "30" });
  assert.deepEqual((await deliver(at(2))).failure, { code: "receiver-busy", retryAfterMs: 30_000 });
  slack.refuse("chat.postMessage", "msg_too_long");
  assert.equal((await deliver(at(2))).rejected, 1);
  slack.refuse("chat.postMessage", `echo ${TOKEN}`);
  assert.deepEqual((await deliver(at(3))).failure?.code, "answer-unexpected");
  for (const { path, body } of slack.received) assert.ok(!`${path}${body}`.includes(TOKEN));
});

it("what an agent wrote stays text, and whatever its length the message is one that Slack takes", async (t) => {
  const { slack, channel, deliver } = await stage(t);
  const hostile = `<!channel> <@U0123456789> <https://evil.example|click> *bold* :tada: \u202e${"x".repeat(9_000)}`;
  const action = { reason: hostile, diff: hostile, resource: hostile.slice(0, 256), service: "<!here>&" };
  assert.equal((await deliver(at(1, { action }))).accepted, 1);
  const [message] = channel.messages;
  assert.ok(message !== undefined);
  assert.ok(!/<[!@h]/.test(message.text), message.text);
  assert.match(message.text, /&lt;!here&gt;&amp;/);
  assert.ok(!JSON.stringify(message.blocks).includes("mrkdwn"), "nothing is read as formatted");
  assert.ok(JSON.stringify(message.blocks).includes("\\\\u{202e}"));
  assert.deepEqual(slack.complaints, []);
});

it("of many open holds the oldest is forgotten, and found again by its message", async (t) => {
  const { channel, deliver, memo, crash } = await stage(t);
  await deliver(at(1));
  const { own } = JSON.parse(memo() ?? "{}") as { own: string };
  const [[key, ts]] = JSON.parse(own) as [[string, string]];
  assert.match(key, /^[0-9a-f]{16}_act_00000000c$/);
  const others = Array.from({ length: 500 }, (_, n) => [`0f3a9c41d2e85b67_act_1${String(n).padStart(8, "0")}`, ts]);
  crash(JSON.stringify({ own: JSON.stringify([[key, ts], ...others.slice(1)]), fallback: null }));
  await deliver(at(2, { action: { id: "act_00000000d" } }));
  const kept = JSON.parse((JSON.parse(memo() ?? "{}") as { own: string }).own) as [string, string][];
  assert.equal(kept.length, 500);
  assert.ok(!kept.some(([one]) => one === key));
  await deliver(at(3, { kind: "hold.ended", action: { status: "denied" } }));
  assert.deepEqual(channel.messages.length, 2);
  assert.match(channel.messages[0]?.text ?? "", /^Denied/);
});
