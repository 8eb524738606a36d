// What stands in the channel: the approved text and who granted it, and nothing that calls anybody.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isAppError } from "../../src/core/errors.ts";
import type { Plan } from "../../src/wire/contracts/executor.ts";
import { executeRequest, never, planRequest } from "./contract.ts";
import { slackStage } from "./fixture.ts";

test("a message is plain text from whoever asked, with its grant, in the channel that configuration names", async (t) => {
  const stage = await slackStage();
  t.after(() => stage.close());
  const executor = stage.build();
  const plan = await executor.plan(planRequest(stage), never);
  const outcome = await executor.execute(executeRequest(plan), never);
  const [channel] = stage.slack.channels;
  const [message] = channel?.messages ?? [];
  assert.deepEqual(outcome, {
    status: "succeeded",
    reference: `${channel?.id}:${message?.ts}`,
    detail: { channel: channel?.id, message: message?.ts },
  });
  const [head, ...lines] = (message?.text ?? "").split("\n");
  assert.equal(head, "*cart (production), by system:triage*");
  assert.deepEqual(lines, [
    "&lt;!channel&gt; cart is slow &amp; *nobody* knows why",
    "&lt;https://evil.test|click&gt;",
    "_act_00000000c, granted as grt_00000000d_",
  ]);
  assert.deepEqual((plan.diff as { writes: string }).writes, [head, ...lines.slice(0, 2)].join("\n"));
});

test("no other channel can be named, by a proposal or by a plan", async (t) => {
  const stage = await slackStage();
  t.after(() => stage.close());
  const other = stage.slack.makeChannel("board", true);
  const executor = stage.build();
  for (const channel of [other.id, "board", "__proto__", "constructor"]) {
    const request = { ...planRequest(stage), args: { channel, text: "hello" } };
    await assert.rejects(executor.plan(request, never), (error) => isAppError(error, "arguments-invalid"));
  }
  const plan = await executor.plan(planRequest(stage), never);
  const forged = JSON.parse(JSON.stringify(plan).replaceAll(stage.slack.channels[0]?.id ?? "", other.id)) as Plan;
  const outcome = await executor.execute(executeRequest(forged), never);
  assert.ok(outcome.status === "failed" && outcome.code === "plan-invalid");
  assert.equal(other.messages.length, 0);
});

test("what Slack refuses is told by its own code, and what may pass is tried again", async (t) => {
  const stage = await slackStage();
  t.after(() => stage.close());
  const executor = stage.build();
  const plan = await executor.plan(planRequest(stage), never);
  for (const [error, status] of [
    ["not_in_channel", "failed"],
    ["is_archived", "failed"],
    ["ratelimited", "retry"],
    ["token_expired", "failed"],
    ["internal_error", "unknown"],
  ] as const) {
    stage.slack.refuse("chat.postMessage", error);
    const outcome = await executor.execute(executeRequest(plan), never);
    assert.equal(outcome.status, status, error);
  }
  assert.equal(stage.effects(), 0);
});
