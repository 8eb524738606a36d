// A heartbeat answers while pages would go out, and writes no more than it takes to prove it.

import assert from "node:assert/strict";
import { it } from "node:test";
import { isAppError } from "../../src/core/errors.ts";
import { EmergencyBrake } from "../../src/effects/brake.ts";
import { Metrics } from "../../src/http/metrics.ts";
import { createHeartbeat } from "../../src/main/heartbeat.ts";
import type { SourceIdentity } from "../../src/wire/types/identity.ts";
import { MINUTE_MS, Rig, settle } from "../kernel/rig.ts";

const SOURCE: SourceIdentity = {
  kind: "source",
  id: "source:am",
  name: "am",
  sourceKind: "alertmanager",
  scopes: ["signals:write:am"],
};

async function open() {
  const rig = await Rig.open();
  const brake = new EmergencyBrake({ monotonicMs: () => 0 });
  const metrics = new Metrics();
  const executors = new Map<string, unknown>([["pagerduty.trigger", {}]]);
  const state = { notReady: null as string | null };
  const beat = createHeartbeat({
    kernel: rig.kernel,
    brake,
    executors,
    metrics,
    nowMs: () => rig.nowMs,
    notReady: () => state.notReady,
  });
  return { rig, brake, metrics, executors, state, beat: () => beat(SOURCE) };
}

function because(reason: RegExp) {
  return (error: unknown): boolean => isAppError(error, "not-ready") && reason.test(error.message);
}

it("a heartbeat is an event of its own only where nothing else was one lately", async () => {
  const { rig, metrics, beat } = await open();
  assert.ok(!metrics.render().includes("holdpoint_heartbeat"), "none before the first");
  rig.pass(11_000);
  const first = await beat();
  assert.equal(first, rig.nowMs);
  assert.equal(rig.all("heartbeat.proven").length, 1);
  rig.pass(9_000);
  assert.equal(await beat(), first, "proven nine seconds ago");
  rig.pass(2_000);
  assert.equal(await beat(), rig.nowMs);
  assert.equal(rig.all("heartbeat.proven").length, 2);
  rig.pass(11_000);
  await rig.signal();
  rig.pass(1_000);
  await beat();
  assert.equal(rig.all("heartbeat.proven").length, 2, "a signal that became durable proves as much");
  assert.match(
    metrics.render(),
    new RegExp(`holdpoint_heartbeat_timestamp_seconds\\{source="am"\\} ${rig.nowMs / 1000}\n`),
  );
});

it("there is none while a brake stops pages, and there is while it stops something else", async () => {
  const { rig, brake, beat } = await open();
  rig.pass(MINUTE_MS);
  for (const scope of [{}, { kind: "pagerduty.trigger" }, { agent: "system:triage" }, { environment: "production" }]) {
    brake.pull(scope);
    await assert.rejects(beat(), because(/brake/), JSON.stringify(scope));
    brake.release(scope);
  }
  for (const scope of [
    { service: "cart" },
    { environment: "staging" },
    { kind: "record.note" },
    { agent: "agent:a" },
  ]) {
    brake.pull(scope);
    await beat();
  }
  brake.setFlag(true);
  await assert.rejects(beat(), because(/brake/));
});

it("there is none while the server is not ready, has no pager, or keeps no deadlines", async () => {
  const { rig, executors, state, beat } = await open();
  state.notReady = "no policy is active";
  await assert.rejects(beat(), because(/no policy/));
  state.notReady = null;
  executors.clear();
  await assert.rejects(beat(), because(/no pager/));
  executors.set("pagerduty.trigger", {});
  await rig.signal();
  rig.pass(MINUTE_MS);
  await beat();
  rig.pass(MINUTE_MS + 1);
  await assert.rejects(beat(), because(/deadlines/));
});

it("there is none when nothing becomes durable", async () => {
  const { rig, beat, metrics } = await open();
  rig.pass(MINUTE_MS);
  rig.writer.held = true;
  const asked = assert.rejects(beat());
  await settle();
  rig.writer.end(new Error("the disk is full"));
  await asked;
  assert.ok(!metrics.render().includes("holdpoint_heartbeat"));
});
