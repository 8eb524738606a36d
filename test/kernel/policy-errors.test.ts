// Policy whose own code fails: it refuses the action at hand, and the process goes on.

import assert from "node:assert/strict";
import { it } from "node:test";
import { bundle, Rig } from "./rig.ts";

/** A kernel whose policy throws while it is broken. */
async function brittleRig(): Promise<{ rig: Rig; policy: { isBroken: boolean } }> {
  const policy = { isBroken: false };
  const brittle: typeof bundle = {
    ...bundle,
    evaluate: (facts, counters) => {
      if (policy.isBroken) throw new RangeError("a defect");
      return bundle.evaluate(facts, counters);
    },
  };
  const rig = await Rig.open({ version: "test/1", policy: () => brittle });
  rig.admit("agent:one");
  return { rig, policy };
}

it("an unexpected exception in policy refuses that action, and the next one is decided", async () => {
  const { rig, policy } = await brittleRig();
  policy.isBroken = true;
  const refused = await rig.propose();
  assert.equal(refused.result, "refused");
  assert.equal(rig.last("action.refused", refused.subject).code, "policy-error");
  policy.isBroken = false;
  assert.equal((await rig.propose()).result, "held");
  assert.deepEqual(rig.fatal, []);
});

it("an approval that meets such an exception is kept, and executes nothing", async () => {
  const { rig, policy } = await brittleRig();
  const { subject } = await rig.propose();
  policy.isBroken = true;
  assert.equal((await rig.answer(subject)).result, "refused");
  assert.equal(rig.all("action.approved").filter((event) => event.subject === subject).length, 1);
  assert.equal(rig.last("action.refused", subject).code, "policy-error");
  assert.equal((await rig.begin(subject)).result, "ended");
});
