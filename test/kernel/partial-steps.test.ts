// Steps of several parts: what was done of them is never forgotten, and the rest is done or left to people.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LIMITS } from "../../src/kernel/limits.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

async function begun(): Promise<{ rig: Rig; id: string }> {
  const rig = await Rig.open();
  const { subject: id } = await rig.propose({ kind: "test.free", repeat: "conditional" });
  await rig.begin(id);
  return { rig, id };
}

describe("steps of several parts", () => {
  it("are tried again for the rest, and end as succeeded when all of it is done", async () => {
    const { rig, id } = await begun();
    assert.equal((await rig.finish(id, "partial", 2_000)).result, "retrying");
    rig.pass(2_000);
    await rig.begin(id);
    assert.equal((await rig.finish(id, "succeeded")).result, "succeeded");
  });

  it("go to people at once when trying again would not help", async () => {
    const { rig, id } = await begun();
    assert.equal((await rig.finish(id, "partial")).result, "needs-attention");
  });

  it("go to people, and do not simply expire or fail, when the rest is never done", async () => {
    const { rig, id } = await begun();
    await rig.finish(id, "partial", 30_000);
    await rig.passAndTick(10 * MINUTE_MS);
    assert.equal(rig.last("action.completed", id).status, "needs-attention");

    const { rig: other, id: second } = await begun();
    await other.finish(second, "partial", 1_000);
    other.pass(1_000);
    await other.begin(second);
    assert.equal((await other.finish(second, "failed")).result, "needs-attention", "a later failure undid nothing");

    const { rig: third, id: last } = await begun();
    (third.state.actions.get(last) as { attempt: number }).attempt = LIMITS.stepAttemptsMax;
    assert.equal((await third.finish(last, "partial", 1_000)).result, "needs-attention");
  });

  it("go on after a crash between two parts, and are still known to have had an effect", async () => {
    const { rig, id } = await begun();
    assert.equal((await rig.reconcile(id, "partial")).result, "granted");
    await rig.passAndTick(10 * MINUTE_MS);
    assert.equal(rig.last("action.completed", id).status, "needs-attention");
  });
});
