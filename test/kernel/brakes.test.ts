// Brakes: which actions a scope covers, and what pause and dry-run do to them.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { brakeOn, covers } from "../../src/kernel/brakes.ts";
import { countStops, stopsOf } from "../../src/kernel/stops.ts";
import type { BrakeScope } from "../../src/kernel/events.ts";
import type { Brake } from "../../src/kernel/state.ts";
import { Rig } from "./rig.ts";

const ACTION = {
  agent: "agent:one",
  agentKind: "agent",
  person: "ada",
  kind: "test.free",
  environment: "production",
  service: "cart",
} as const;
const { agent, kind, environment, service } = ACTION;
/** Names the action in every part. */
const WHOLE = { agent, owner: "ada", kind, environment, service };

function brake(mode: Brake["mode"], scope: BrakeScope): Brake {
  return { id: "brk", mode, scope, appliedAt: 0, command: null, report: null };
}

describe("brakes", () => {
  it("cover what every named part of their scope is", () => {
    assert.ok(covers({}, ACTION));
    assert.ok(covers(WHOLE, ACTION));
    for (const name of Object.keys(WHOLE) as (keyof typeof WHOLE)[]) {
      assert.ok(covers({ [name]: WHOLE[name] }, ACTION), name);
      assert.ok(!covers({ ...WHOLE, [name]: "another" }, ACTION), name);
    }
  });

  it("cover a class of kinds, and nobody's agent by no owner", () => {
    assert.ok(covers({ kind: "test.*" }, ACTION));
    for (const pattern of ["tes.*", "test.f*", "test", "test.free.*"]) assert.ok(!covers({ kind: pattern }, ACTION));
    assert.ok(!covers({ owner: "ada" }, { ...ACTION, person: null }));
  });

  it("the strongest wins, in any order, and the way out is never braked", () => {
    const both = [brake("dry-run", {}), brake("pause", { service: "cart" })];
    assert.equal(brakeOn(both, ACTION), "pause");
    assert.equal(brakeOn(both.toReversed(), ACTION), "pause");
    assert.equal(brakeOn(both, { ...ACTION, service: "search" }), "dry-run");
    for (const way of ["killswitch.resume", "stage.set", "agent.revoke", "level.revoke"]) {
      assert.equal(brakeOn([brake("pause", {})], { ...ACTION, kind: way }), "run", way);
    }
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
    rig.admit("agent:one");
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

  it("a preview names all that a scope would stop, by how far it has come, and nothing else", async () => {
    const rig = await Rig.open();
    const page = await rig.page();
    const [begun, retried, granted] = [
      (await rig.propose({ kind: "test.free" })).subject,
      (await rig.propose({ kind: "test.free" })).subject,
      (await rig.propose({ kind: "test.free", person: "ben" })).subject,
    ];
    const held = (await rig.propose()).subject;
    const waiting = (await rig.propose({ planHash: null })).subject;
    const elsewhere = (await rig.propose({ kind: "test.free", service: "search" })).subject;
    for (const id of [begun, retried]) await rig.begin(id);
    await rig.finish(retried, "retry");
    const found = (scope: BrakeScope) => stopsOf(rig.state, scope).map(({ id, stage }) => `${id} ${stage}`);
    const inCart = [`${begun} in-flight`, `${page} granted`, `${granted} granted`, `${retried} scheduled`];
    const undecided = [`${held} held`, `${waiting} evaluating`];
    assert.deepEqual(found({ service: "cart" }), [...inCart, ...undecided]);
    assert.deepEqual(found({ owner: "ben" }), [`${granted} granted`]);
    assert.deepEqual(found({ kind: "test.*", service: "search" }), [`${elsewhere} granted`]);
    assert.deepEqual(found({ agent: "system:triage" }), [`${page} granted`]);
    assert.deepEqual(countStops(stopsOf(rig.state, {})), {
      "in-flight": 1,
      granted: 3,
      scheduled: 1,
      held: 1,
      evaluating: 1,
    });
  });

  it("a preview names what triage will ask for later, and not what takes authority away", async () => {
    const rig = await Rig.open();
    const page = await rig.page();
    await rig.begin(page);
    await rig.finish(page, "succeeded");
    await rig.ask("apply-brake", { mode: "pause", scope: { kind: "pagerduty.resolve" } });
    await rig.signal({ status: "resolved", deliveryKey: "d0:resolved" });
    await rig.plan(rig.live("pagerduty.resolve")?.id ?? "");
    await rig.propose({ kind: "level.revoke", planHash: null });
    const [owed, ...others] = stopsOf(rig.state, {});
    assert.deepEqual([owed?.kind, owed?.stage, owed?.service], ["pagerduty.resolve", "scheduled", "cart"]);
    assert.deepEqual(others, []);
    assert.deepEqual(stopsOf(rig.state, { service: "search" }), []);
  });
});
