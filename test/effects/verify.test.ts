// Health after an action, from the effects' side: samples are taken in time, reverts are planned from the recorded plan.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AppError } from "../../src/core/errors.ts";
import { settle } from "../kernel/rig.ts";
import { done, INVERSE, sample } from "./checked.ts";
import { hang, planOf } from "./stage.ts";

describe("effects after an action", () => {
  it("ask when a sample is due, and not before", async () => {
    const { stage, id } = await done();
    await sample(stage, 9_999);
    assert.equal(stage.rig.action(id).verifying?.sample, 0);
    await sample(stage, 1);
    assert.equal(stage.rig.action(id).verifying?.sample, 1);
    for (let i = 0; i < 2; i++) await sample(stage, 5_000);
    assert.equal(stage.rig.all("action.verified").length, 1);
    const sampled = stage.rig.writer.kept.findLast(({ type }) => type === "health.sampled");
    const body = sampled?.payload?.body as unknown as { name: string; result: string }[];
    assert.deepEqual(
      body.map(({ name, result }) => [name, result]),
      [
        ["front", "pass"],
        ["errors", "pass"],
      ],
    );
  });

  it("hold every phase against the time before the first one, and say when its own step began", async () => {
    const { stage, id } = await done({ phases: 3 });
    const began = stage.rig.action(id).stepStartedAt;
    const asked: (readonly number[])[] = [];
    stage.onHealth = async ({ beforeMs, stepMs = 0 }) => {
      asked.push([beforeMs - began, stepMs - stage.rig.action(id).stepStartedAt]);
      return { result: "pass", evidence: {} };
    };
    for (let samples = 0; samples < 9; samples++) await sample(stage);
    assert.equal(stage.rig.all("action.verified").length, 1);
    assert.ok(
      asked.length === 18 && asked.every(([before, step]) => before === 0 && step === 0),
      JSON.stringify(asked),
    );
    assert.ok(stage.rig.all("step.started").at(-1)?.time !== began, "the last phase began later");
  });

  it("take a probe that throws, or never answers, for nobody who can tell", async () => {
    const { stage, id } = await done();
    stage.onHealth = async () => Promise.reject(new Error("broken"));
    await sample(stage);
    assert.equal(stage.rig.last("health.sampled", id).result, "unknown");
    stage.onHealth = hang;
    await sample(stage);
    await stage.endTerms();
    assert.equal(stage.rig.last("action.reverting", id).code, "health-unknown");
  });

  it("plan the revert from the inverse on record and how the step left its target, under any brake", async () => {
    const { stage, id, planned } = await done({ left: "state-7" });
    stage.onHealth = async () => ({ result: "fail", evidence: { status: 503 } });
    stage.brake.setFlag(true);
    await sample(stage);
    await sample(stage);
    await settle();
    assert.deepEqual(planned.at(-1)?.args, INVERSE.args);
    assert.equal(planned.at(-1)?.left, "state-7");
    assert.equal(stage.rig.all("action.reverted").at(-1)?.subject, id);
    assert.equal(stage.calls.length, 2);
  });

  it("take something back at once, however many calls of its kind hang before it", async () => {
    const { stage, id } = await done();
    const { onExecute } = stage;
    stage.onExecute = (request, signal) =>
      JSON.stringify(request.plan).includes('"back":1') ? onExecute(request, signal) : hang();
    for (let i = 0; i < 40; i++) await stage.grant();
    await settle();
    assert.equal(stage.runner.running, 32, "as many as may run at once");
    stage.onHealth = async () => ({ result: "fail", evidence: {} });
    await sample(stage);
    await sample(stage);
    await settle();
    assert.equal(stage.rig.all("action.reverted").at(-1)?.subject, id);
  });

  it("plan a revert again for as long as there is a right to it, where its target cannot be asked", async () => {
    for (const code of ["target-unavailable", "target-forbidden"] as const) {
      const { stage, id } = await done();
      let [asked, away] = [0, true];
      stage.onPlan = async (args) => {
        asked++;
        if (away) throw new AppError(code, "away, or so is the secret for it");
        return planOf(args);
      };
      stage.onHealth = async () => ({ result: "fail", evidence: {} });
      for (let i = 0; i < 6; i++) await sample(stage);
      assert.ok(asked > 3, "again and again");
      assert.equal(stage.status(id), "reverting");
      away = false;
      await sample(stage, 1_000);
      assert.equal(stage.rig.all("action.reverted").at(-1)?.subject, id);
    }
  });

  it("leave a revert to people when the right to it ends and its target was never there", async () => {
    const { stage, id } = await done();
    stage.onPlan = async () => Promise.reject(new AppError("target-unavailable", "away"));
    stage.onHealth = async () => ({ result: "fail", evidence: {} });
    await sample(stage);
    await sample(stage);
    assert.equal(stage.status(id), "reverting");
    await sample(stage, (stage.rig.action(id).grant?.expiresAt ?? 0) - stage.rig.nowMs - 1);
    assert.equal(stage.status(id), "reverting");
    await sample(stage, 1);
    assert.equal(stage.rig.last("action.completed", id).code, "revert-failed");
    assert.equal(stage.rig.state.blocked.size, 1);
  });

  it("leave a revert to people at once where its target refuses it", async () => {
    const { stage, id } = await done();
    stage.onPlan = async () => Promise.reject(new AppError("target-moved", "somebody changed it"));
    stage.onHealth = async () => ({ result: "fail", evidence: {} });
    await sample(stage);
    await sample(stage);
    assert.equal(stage.rig.last("action.completed", id).code, "revert-failed");
  });

  it("run nothing when the recorded inverse is another one", async () => {
    const { stage, id } = await done();
    stage.onHealth = async () => ({ result: "fail", evidence: {} });
    stage.tampered = (body) =>
      "plan" in body ? { ...body, plan: { ...(body["plan"] as object), inverse: { ...INVERSE, args: {} } } } : body;
    await sample(stage);
    await sample(stage);
    await settle();
    assert.equal(stage.rig.last("action.completed", id).code, "revert-failed");
    assert.equal(stage.calls.length, 1);
  });
});
