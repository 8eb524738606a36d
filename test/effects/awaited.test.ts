// What has to come from outside before an action begins: asked about for as long as it waits, and nothing runs meanwhile.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AppError } from "../../src/core/errors.ts";
import { TERMS } from "../../src/kernel/limits.ts";
import type { Awaited } from "../../src/wire/contracts/executor.ts";
import { settle } from "../kernel/rig.ts";
import { planOf, Stage } from "./stage.ts";

const PENDING: Awaited = { status: "pending", code: "change-unapproved", afterMs: 45_000 };

async function proposed(answer: () => Promise<Awaited>): Promise<{ readonly stage: Stage; readonly id: string }> {
  const stage = await Stage.open();
  stage.onPlan = async (args) => ({ ...planOf(args), awaits: true });
  stage.onAwaited = answer;
  const { subject } = await stage.rig.kernel.submit({
    ...{ type: "propose-action", actor: "person:ada", content: { args: { number: 7 } } },
    input: {
      ...{ kind: "test.free", environment: "production", service: "cart", resource: null, effect: "external" },
      ...{ agentKind: "person", person: "ada", requestHash: "r".repeat(64), planHash: null, repeat: "idempotent" },
      ...{ reversible: false, idempotencyKey: null },
    },
  });
  await settle();
  return { stage, id: subject };
}

async function askAgain(stage: Stage, afterMs: number): Promise<void> {
  stage.rig.pass(afterMs);
  stage.runner.sweep();
  await settle();
}

describe("an action that awaits something outside", () => {
  it("begins as soon as that is there, and not a call before", async () => {
    let answer: Awaited = PENDING;
    const asked: unknown[] = [];
    const { stage, id } = await proposed(async () => answer);
    stage.onAwaited = async (plan) => (asked.push(plan.calls[0]), answer);
    await askAgain(stage, 0);
    assert.equal(stage.rig.state.waiting.get(id)?.nextAt, stage.rig.nowMs + 45_000);
    await askAgain(stage, 44_999);
    assert.equal(asked.length, 0, "it was asked as it began to wait, and not before its time after that");
    assert.deepEqual([stage.status(id), stage.calls.length], ["waiting", 0]);
    stage.runner = stage.newRunner(); // as after a restart
    answer = { status: "come" };
    await askAgain(stage, 1);
    assert.deepEqual(asked, [{ number: 7 }], "of the plan on record");
    assert.equal(stage.rig.last("step.finished", id).status, "succeeded");
    assert.equal(stage.calls.length, 1);
  });

  it("is refused, when it is planned or later, as soon as that will not come", async () => {
    let answer: Awaited = { status: "over", code: "change-rejected" };
    const { stage, id } = await proposed(async () => answer);
    assert.equal(stage.rig.last("action.refused", id).code, "change-rejected");
    answer = PENDING;
    const later = await proposed(async () => answer);
    answer = { status: "over", code: "change-closed" };
    await askAgain(later.stage, 45_000);
    assert.equal(later.stage.rig.last("action.refused", later.id).code, "change-closed");
    assert.equal(stage.calls.length + later.stage.calls.length, 0);
  });

  it("waits on while nobody can tell, whatever keeps them from it, and for no plan that is gone", async () => {
    const { stage, id } = await proposed(() => Promise.reject(new Error("secret in here")));
    assert.equal(stage.rig.last("action.still-waiting", id).because, "executor-threw");
    stage.onAwaited = () => Promise.reject(new AppError("target-unavailable", "away"));
    await askAgain(stage, TERMS.outsideLastMs);
    assert.equal(stage.rig.last("action.still-waiting", id).because, "target-unavailable");
    assert.ok(!JSON.stringify(stage.rig.writer.kept).includes("secret in here"));
    stage.brake.pull({});
    stage.onAwaited = async () => ({ status: "come" });
    await askAgain(stage, TERMS.outsideLastMs);
    assert.equal(stage.status(id), "waiting", "under a brake nobody is asked");
    stage.brake.release({});
    stage.erased.add(stage.rig.action(id).planSeq ?? -1);
    await askAgain(stage, 0);
    assert.equal(stage.rig.last("action.refused", id).code, "payload-erased");
    assert.equal(stage.calls.length, 0);
  });
});
