// How far a bridge at Slack looks and whom it calls at once: beyond that people are told, and nothing is doubled.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../src/core/json.ts";
import type { StepOutcome } from "../../src/wire/contracts/executor.ts";
import { executeRequest, never } from "./contract.ts";
import { drive, opened } from "./major-stage.ts";

/** What became of one part of an outcome that no repeat mends. */
function codeOf(outcome: StepOutcome, part: string): unknown {
  assert.ok(outcome.status === "partial" && outcome.afterMs === 0, JSON.stringify(outcome));
  return (outcome.detail as { parts: Record<string, JsonObject> }).parts[part]?.["code"];
}

test("a message that may stand above all that can be looked through is not sent again", async (t) => {
  const { at, executor, plan, listener } = await opened(t);
  at.slack.fail({ path: "/api/chat.postMessage", mode: "act-then-drop" });
  const first = await executor.execute(executeRequest(plan), never);
  assert.ok(first.status === "partial" && first.afterMs > 0, JSON.stringify(first));
  const messages = at.slack.channels[0]?.messages ?? [];
  const theirs = { text: "it is slow", blocks: [], metadata: undefined, edits: 0, replies: [] };
  for (let i = 0; i < 300; i++) messages.push({ ...theirs, ts: `17900000${String(i).padStart(3, "0")}.000200` });
  assert.equal(codeOf(await drive(executor, { at, plan, listener }), "message"), "history-too-long");
  assert.equal(messages.length, 301);
  messages.pop();
  const found = await drive(executor, { at, plan, listener });
  assert.equal(found.status, "succeeded", JSON.stringify(found));
  assert.equal(messages.length, 300, "it was the last of those that are looked through");
});

test("a channel that may be among more than can be looked through is left to people", async (t) => {
  const { at, executor, plan, listener } = await opened(t);
  for (let i = 0; i < 2_000; i++) at.slack.makeChannel(`another-${i}`, true);
  at.slack.fail({ path: "/api/conversations.create", mode: "act-then-drop" });
  assert.equal(codeOf(await drive(executor, { at, plan, listener }), "channel"), "too-many-channels");
  assert.equal(at.slack.channels.length, 2_001);
  const other = at.slack.channels[0];
  other?.members.splice(0);
  const found = await drive(executor, { at, plan, listener });
  assert.equal(found.status, "succeeded", JSON.stringify(found));
  assert.equal(at.slack.channels.length, 2_001, "it was the last of those that are looked through");
});

test("more responders than are called at once are told of, and a repeat calls the rest", async (t) => {
  const many = Array.from({ length: 600 }, (_, i) => `U0MANY${String(i).padStart(4, "0")}`);
  const { at, executor, plan, listener } = await opened(t, { groups: { S0PAYMENTS: many } });
  assert.equal(codeOf(await drive(executor, { at, plan, listener }), "responders"), "responders-too-many");
  assert.equal(at.slack.channels[0]?.members.length, 501, "five hundred and the app");
  const rest = await drive(executor, { at, plan, listener });
  assert.equal(rest.status, "succeeded", JSON.stringify(rest));
  assert.equal(at.slack.channels[0]?.members.length, 602, "they, one by name, and the app");
  assert.deepEqual(at.complaints(), []);
});
