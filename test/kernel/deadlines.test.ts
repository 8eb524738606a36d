// Deadlines are state: what nobody answers escalates and expires, and nobody is said to have decided it.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rolesAsked } from "../../src/approvals/asks.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

function rolesOf(rig: Rig, id: string): readonly string[] {
  return rolesAsked(rig.action(id).hold?.asks ?? { seats: [], independentOf: [] });
}

describe("deadlines", () => {
  it("a hold asks each step of its route in turn and then expires as a timeout", async () => {
    const rig = await Rig.open();
    const { subject } = await rig.propose();
    assert.deepEqual(rolesOf(rig, subject), ["on-call"]);
    await rig.passAndTick(15 * MINUTE_MS - 1);
    assert.equal(rig.action(subject).hold?.step, 0);
    await rig.passAndTick(1);
    assert.deepEqual(rolesOf(rig, subject), ["owner"]);
    await assert.rejects(rig.answer(subject), { code: "not-eligible" }, "the step before is over");
    await rig.passAndTick(15 * MINUTE_MS);
    assert.deepEqual(rig.last("action.expired"), { code: "hold-timeout", by: "tick", input: {} });
    assert.ok(!rig.typesOf(subject).includes("action.denied"));
  });

  it("an answer at the deadline is too late, also before the tick", async () => {
    const rig = await Rig.open();
    const { subject } = await rig.propose();
    rig.pass(15 * MINUTE_MS);
    await assert.rejects(rig.answer(subject), { code: "action-not-held" });
  });

  it("a grant that is not used in time dies by itself", async () => {
    const rig = await Rig.open();
    const [one, two] = [await rig.propose({ kind: "test.free" }), await rig.propose({ kind: "test.free" })];
    rig.pass(5 * MINUTE_MS);
    assert.equal((await rig.begin(one.subject)).result, "expired");
    await rig.kernel.tick();
    assert.equal(rig.state.actions.has(two.subject), false);
    assert.equal(rig.last("action.expired").code, "grant-timeout");
  });

  it("a proposal without a plan in time is refused", async () => {
    const rig = await Rig.open();
    const { subject } = await rig.propose({ planHash: null });
    await rig.passAndTick(60_000);
    assert.equal(rig.last("action.refused", subject).code, "no-answer");
    assert.equal((await rig.plan(subject)).result, "ended");
  });

  it("a classification that does not come sends the run to a person", async () => {
    const rig = await Rig.open();
    await rig.signal();
    await rig.passAndTick(60_000);
    assert.equal(rig.last("run.unclassified").code, "timeout");
    const ticket = rig.live("servicenow.incident.create");
    assert.ok(ticket);
    await rig.plan(ticket.id);
    assert.equal(ticket.status, "held");
  });

  it("a tick that fires nothing is not recorded", async () => {
    const rig = await Rig.open();
    await rig.propose();
    const before = rig.writer.kept.length;
    await rig.passAndTick(1_000);
    assert.equal(rig.writer.kept.length, before);
  });
});
