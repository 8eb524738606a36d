// Brakes: which actions a scope covers, and what pause and dry-run do to them.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { brakeOn, covers } from "../../src/kernel/brakes.ts";
import type { BrakeScope } from "../../src/kernel/events.ts";
import type { Brake } from "../../src/kernel/state.ts";
import { Rig } from "./rig.ts";

const ACTION = { agent: "agent:one", kind: "test.free", environment: "production", service: "cart" };

function brake(mode: Brake["mode"], scope: BrakeScope): Brake {
  return { id: "brk", mode, scope };
}

describe("brakes", () => {
  it("cover what every named part of their scope is", () => {
    assert.ok(covers({}, ACTION));
    assert.ok(covers(ACTION, ACTION));
    for (const name of ["agent", "kind", "environment", "service"] as const) {
      assert.ok(covers({ [name]: ACTION[name] }, ACTION), name);
      assert.ok(!covers({ ...ACTION, [name]: "another" }, ACTION), name);
    }
  });

  it("the strongest wins, in any order, and the way out is never braked", () => {
    const both = [brake("dry-run", {}), brake("pause", { service: "cart" })];
    assert.equal(brakeOn(both, ACTION), "pause");
    assert.equal(brakeOn(both.toReversed(), ACTION), "pause");
    assert.equal(brakeOn(both, { ...ACTION, service: "search" }), "dry-run");
    assert.equal(brakeOn([brake("pause", {})], { ...ACTION, kind: "killswitch.resume" }), "run");
    assert.equal(brakeOn([], ACTION), "run");
  });

  it("a pause refuses proposals, and lets a hold be denied and not approved", async () => {
    const rig = await Rig.open();
    const [one, two] = [await rig.propose(), await rig.propose()];
    await rig.ask("apply-brake", { mode: "pause", scope: { service: "cart" } });
    assert.equal((await rig.propose({ kind: "test.free" })).result, "refused");
    assert.equal(rig.last("action.refused").code, "paused");
    assert.equal((await rig.propose({ kind: "test.free", service: "search" })).result, "granted");
    await assert.rejects(rig.answer(one.subject), { code: "killswitch-conflict" });
    assert.equal(rig.action(one.subject).status, "held");
    assert.equal((await rig.answer(two.subject, { decision: "deny" })).result, "denied");
  });

  it("a step that was granted before the pause does not begin under it", async () => {
    const rig = await Rig.open();
    const { subject } = await rig.propose({ kind: "test.free" });
    const applied = await rig.ask("apply-brake", { mode: "pause", scope: {} });
    await assert.rejects(rig.begin(subject), { code: "killswitch-conflict" });
    const asked = await rig.ask(
      "release-brake",
      { brake: applied.subject, person: "ben", requestHash: "r" },
      "person:ben",
    );
    assert.equal(asked.result, "held");
    await assert.rejects(rig.answer(asked.subject, { person: "ben", roles: ["owner"] }, "person:ben2"), {
      code: "self-approval",
    });
    assert.equal((await rig.answer(asked.subject, { roles: ["owner"] })).result, "succeeded");
    assert.equal((await rig.begin(subject)).result, "started");
  });

  it("a dry run decides everything and executes nothing", async () => {
    const rig = await Rig.open();
    await rig.ask("apply-brake", { mode: "dry-run", scope: {} });
    const { subject, result } = await rig.propose({ kind: "test.free" });
    assert.equal(result, "succeeded");
    assert.deepEqual(rig.typesOf(subject), ["action.proposed", "action.granted"]);
    assert.equal(rig.last("action.granted").dryRun, true);
    assert.equal((await rig.begin(subject)).result, "ended");
  });

  it("the same brake twice is one", async () => {
    const rig = await Rig.open();
    const scope = { service: "cart", kind: "test.free" };
    const first = await rig.ask("apply-brake", { mode: "pause", scope });
    const again = await rig.ask("apply-brake", { mode: "pause", scope: { kind: "test.free", service: "cart" } });
    assert.deepEqual([again.subject, again.repeated], [first.subject, true]);
  });
});
