// The dry run of what takes an action back: once the action is done, beside its health, and without any effect.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AppError } from "../../src/core/errors.ts";
import { planHashOf } from "../../src/effects/execute.ts";
import { done, INVERSE, sample } from "./checked.ts";
import { planOf, type Stage } from "./stage.ts";

const checked = (stage: Stage) => stage.rig.all("inverse.checked").map(({ facts }) => facts);

describe("the dry run of an inverse", () => {
  it("plans what is on record from how the action left its target, keeps that plan, and runs nothing", async () => {
    const { stage, id, planned } = await done({ left: "state-7" });
    stage.brake.setFlag(true); // it reads: no brake stands in its way, as in no revert's
    await sample(stage, 0);
    const { actionId, kind, args, left, target } = planned[0] ?? assert.fail("nothing was planned");
    assert.deepEqual([planned.length, kind, args, left], [1, INVERSE.kind, INVERSE.args, "state-7"]);
    assert.deepEqual(target, INVERSE.target);
    assert.notEqual(actionId, id, "under the action's own name it could pass for what has been done already");
    const plan = planOf(INVERSE.args);
    const facts = stage.rig.last("inverse.checked", id);
    assert.deepEqual(
      [facts.result, facts.planHash, facts.tries, facts.againAt],
      ["planned", planHashOf(plan), 1, null],
    );
    assert.deepEqual(stage.rig.writer.kept.findLast(({ type }) => type === "inverse.checked")?.payload?.body, {
      inversePlan: plan,
    });
    await sample(stage, 0);
    assert.equal(checked(stage).length, 1, "once");
    assert.deepEqual([stage.calls.length, stage.status(id)], [1, "verifying"]);
  });

  it("says why it would not go", async () => {
    const { stage, id } = await done();
    stage.onPlan = async () => Promise.reject(new AppError("target-moved", "somebody changed it since"));
    await sample(stage, 0);
    const { result, code, planHash } = stage.rig.last("inverse.checked", id);
    assert.deepEqual([result, code, planHash], ["refused", "target-moved", null]);
    assert.equal(stage.status(id), "verifying", "its health decides, not this");
  });

  it("says of an inverse on record that is another one that it would not go", async () => {
    const { stage, id, planned } = await done();
    stage.tampered = (body) =>
      "plan" in body ? { ...body, plan: { ...(body["plan"] as object), inverse: { ...INVERSE, args: {} } } } : body;
    await sample(stage, 0);
    assert.equal(stage.rig.last("inverse.checked", id).code, "plan-mismatch");
    assert.equal(planned.length, 0);
  });

  it("asks twice more, later and later, where nobody could tell, and then leaves it unknown", async () => {
    const { stage, id } = await done();
    stage.onHealth = () => new Promise(() => undefined); // its health takes its time
    stage.onPlan = async () => Promise.reject(new AppError("target-unavailable", "away"));
    await sample(stage, 0);
    await sample(stage, 29_999);
    assert.equal(checked(stage).length, 1);
    stage.onPlan = async () => Promise.reject(new Error("garbage"));
    stage.runner = stage.newRunner(); // as after a restart
    await sample(stage, 1);
    await sample(stage, 5 * 60_000);
    await sample(stage, 60 * 60_000);
    assert.deepEqual(
      checked(stage).map(({ result, code, tries }) => [result, code, tries]),
      [
        ["unknown", "target-unavailable", 1],
        ["unknown", "planning-failed", 2],
        ["unknown", "planning-failed", 3],
      ],
    );
    assert.equal(stage.rig.state.inverses.has(id), false);
  });

  it("is told again, and not made again, where the kernel does not take what it told", async () => {
    const { stage, id, planned } = await done();
    const { kernel } = stage.rig;
    const submit = kernel.submit.bind(kernel);
    let refusals = 0;
    kernel.submit = (command) =>
      command.type === "record-inverse" && refusals++ < 3
        ? Promise.reject(new AppError("clock-behind", "not now"))
        : submit(command);
    for (let i = 0; i < 5; i++) await sample(stage, 0);
    assert.deepEqual([planned.length, refusals], [1, 4]);
    assert.equal(stage.rig.last("inverse.checked", id).result, "planned");
  });

  it("is not made long after the action: what it would find then is of another world", async () => {
    const { stage, id, planned } = await done();
    stage.onHealth = () => new Promise(() => undefined);
    await sample(stage, 60 * 60_000 + 1);
    const { result, code, againAt } = stage.rig.last("inverse.checked", id);
    assert.deepEqual([result, code, againAt, planned.length], ["unknown", "too-late", null, 0]);
  });

  it("writes nothing down again that was erased while it was made", async () => {
    const { stage, id } = await done();
    stage.onPlan = async (args) => {
      stage.tampered = () => {
        throw new AppError("payload-erased", "gone");
      };
      return planOf(args);
    };
    await sample(stage, 0);
    assert.equal(stage.rig.last("inverse.checked", id).code, "payload-erased");
    assert.equal(stage.rig.writer.kept.findLast(({ type }) => type === "inverse.checked")?.payload, undefined);
  });

  it("goes with the content of the action when that is erased", async () => {
    const { stage } = await done();
    await sample(stage, 0);
    const event = stage.rig.writer.kept.findLast(({ type }) => type === "inverse.checked");
    assert.equal(event?.payload?.retention, "content");
  });

  it("is not made of what is being taken back", async () => {
    const { stage, id } = await done();
    stage.onPlan = async () => Promise.reject(new AppError("target-unavailable", "away"));
    await sample(stage, 0);
    stage.onHealth = async () => ({ result: "fail", evidence: {} });
    await sample(stage);
    await sample(stage);
    assert.equal(stage.rig.all("action.reverting").at(-1)?.subject, id);
    assert.equal(stage.rig.state.inverses.size, 0);
    await sample(stage, 60_000);
    assert.equal(checked(stage).length, 1);
  });
});
