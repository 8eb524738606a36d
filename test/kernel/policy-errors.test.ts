// Policy whose own code fails: it refuses the action at hand, and the process goes on.

import assert from "node:assert/strict";
import { it } from "node:test";
import { bundle, Rig } from "./rig.ts";

it("an unexpected exception in policy refuses that action, and the next one is decided", async () => {
  let isBroken = true;
  const brittle: typeof bundle = {
    ...bundle,
    evaluate: (facts, counters) => {
      if (isBroken) throw new RangeError("a defect");
      return bundle.evaluate(facts, counters);
    },
  };
  const rig = await Rig.open({ version: "test/1", policy: () => brittle });
  const refused = await rig.propose();
  assert.equal(refused.result, "refused");
  assert.equal(rig.last("action.refused", refused.subject).code, "policy-error");
  isBroken = false;
  assert.equal((await rig.propose()).result, "held");
  assert.deepEqual(rig.fatal, []);
});

it("an approval that meets such an exception is kept, and executes nothing", async () => {
  let isBroken = false;
  const brittle: typeof bundle = {
    ...bundle,
    evaluate: (facts, counters) => {
      if (isBroken) throw new RangeError("a defect");
      return bundle.evaluate(facts, counters);
    },
  };
  const rig = await Rig.open({ version: "test/1", policy: () => brittle });
  const { subject } = await rig.propose();
  isBroken = true;
  assert.equal((await rig.answer(subject)).result, "refused");
  assert.equal(rig.all("action.approved").length, 1);
  assert.equal(rig.last("action.refused", subject).code, "policy-error");
  assert.equal((await rig.begin(subject)).result, "ended");
});
