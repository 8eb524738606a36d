// Incident command: agents in an incident's domain wait while it lasts, but for those that its commander lets through.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, it } from "node:test";
import type { CommandInputs } from "../../src/kernel/command.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

const FAILURE = hash("sha256", "one failure");

function command(rig: Rig, of: Partial<CommandInputs["command-incident"]> = {}) {
  const incident = rig.incident().id;
  const none = { services: [], exceptAgents: [], exceptKinds: [] };
  const input = { incident, person: "ada", roles: ["on-call"], ...none, ...of };
  return rig.ask("command-incident", input, `person:${input.person}`);
}

function end(rig: Rig, person = "ada", incident = rig.incident().id) {
  return rig.ask("end-command", { incident, person }, `person:${person}`);
}

async function resultOf(rig: Rig, of: Partial<CommandInputs["propose-action"]> = {}, actor = "agent:one") {
  return (await rig.propose({ kind: "test.free", ...of }, actor)).result;
}

describe("a commander", () => {
  it("holds back agents in the incident's services, and neither people nor triage nor other places", async () => {
    const rig = await Rig.open();
    await rig.signal();
    await command(rig);
    assert.equal(await resultOf(rig), "refused");
    assert.equal(rig.last("action.refused").code, "paused");
    assert.equal(await resultOf(rig, { agentKind: "person" }, "person:ben"), "granted");
    assert.equal(await resultOf(rig, { service: "search" }), "granted");
    assert.equal(await resultOf(rig, { environment: "staging" }), "granted");
    await rig.classify();
    const page = rig.live("pagerduty.trigger")?.id ?? "";
    await rig.plan(page);
    assert.equal(rig.action(page).status, "granted", "the incident itself is still paged about");
  });

  it("lets named agents and classes of kinds through, and policy decides about those", async () => {
    const rig = await Rig.open();
    await rig.signal();
    await command(rig, { exceptAgents: ["agent:two"], exceptKinds: ["test.limited"] });
    assert.equal(await resultOf(rig), "refused");
    assert.equal(await resultOf(rig, {}, "agent:two"), "granted");
    assert.equal(await resultOf(rig, { kind: "test.asked" }, "agent:two"), "held");
    assert.equal(await resultOf(rig, { kind: "test.limited" }), "granted");
    await rig.ask("apply-brake", { mode: "pause", scope: { service: "cart" } });
    assert.equal(await resultOf(rig, {}, "agent:two"), "refused", "an exception lifts no other brake");
  });

  it("stops what is granted already, and it goes on afterwards", async () => {
    const rig = await Rig.open();
    await rig.signal();
    const { subject } = await rig.propose({ kind: "test.free" });
    const held = (await rig.propose()).subject;
    const { subject: brake } = await command(rig);
    await assert.rejects(rig.begin(subject), { code: "killswitch-conflict" });
    assert.deepEqual(rig.last("brake.applied", brake).waiting, [subject]);
    assert.notEqual(rig.action(held).hold?.frozenAt, undefined, "nobody's time to answer runs");
    assert.equal((await end(rig)).result, "released");
    assert.equal(rig.last("brake.released").code, "handed-back");
    assert.equal(rig.action(held).hold?.frozenAt, undefined);
    assert.equal((await rig.begin(subject)).result, "started");
  });

  it("covers what the incident comes to name, unless services were named", async () => {
    for (const services of [[], ["cart"]]) {
      const rig = await Rig.open();
      await rig.signal({ failure: FAILURE });
      await command(rig, { services });
      await rig.signal({ service: "search", failure: FAILURE });
      assert.deepEqual(rig.incident().services, ["cart", "search"]);
      await rig.passAndTick(250);
      assert.equal(await resultOf(rig, { service: "search" }), services.length === 0 ? "refused" : "granted");
      assert.equal(await resultOf(rig), "refused");
    }
  });

  it("goes with an incident that another one absorbs", async () => {
    const rig = await Rig.open();
    const [first, second] = [hash("sha256", "first"), hash("sha256", "second")];
    await rig.signal({ service: "cart", failure: first });
    await rig.signal({ service: "search", failure: second });
    const [older, newer] = [...rig.state.incidents.keys()];
    await command(rig, { incident: newer ?? "" });
    await rig.signal({ service: "search", failure: first, signature: hash("sha256", "both") });
    assert.deepEqual(rig.last("incident.merged").into, older);
    await rig.passAndTick(250);
    assert.equal(rig.last("brake.followed").incident, older);
    assert.equal(await resultOf(rig, { service: "cart" }), "refused");
    assert.equal((await end(rig, "ada", newer)).result, "released");
  });

  it("is done with the incident, without an approval, and not because it was lost", async () => {
    const rig = await Rig.open();
    await rig.signal({ deliveryKey: "d:firing" });
    await command(rig);
    await rig.signal({ deliveryKey: "d:resolved", status: "resolved" });
    assert.equal(rig.state.incidents.size, 0);
    assert.equal(await resultOf(rig), "refused", "until the next tick");
    await rig.passAndTick(250);
    assert.equal(rig.last("brake.released").code, "incident-over");
    assert.equal(await resultOf(rig), "granted");

    await rig.signal({ service: "search" });
    await command(rig);
    await rig.passAndTick(8 * 24 * 60 * MINUTE_MS);
    await rig.passAndTick(250);
    assert.equal(rig.last("incident.resolved").code, "idle");
    assert.equal(rig.state.brakes.size, 1, "nobody said that it is over");
  });

  it("changes the exceptions in one commit in which nothing is let through in between", async () => {
    const rig = await Rig.open();
    await rig.signal();
    const first = (await command(rig)).subject;
    const second = (await command(rig, { exceptAgents: ["agent:two"] })).subject;
    assert.deepEqual([...rig.state.brakes.keys()], [second]);
    const types = rig.writer.kept.slice(-5).map(({ type }) => type);
    assert.ok(types.indexOf("brake.applied") < types.indexOf("brake.released"));
    assert.deepEqual(rig.last("brake.released"), { brake: first, code: "replaced" });
  });

  it("is one at a time, and nobody else ends what he began without an approval", async () => {
    const rig = await Rig.open();
    await rig.signal();
    const { subject } = await command(rig);
    await assert.rejects(command(rig, { person: "ben", roles: ["owner"] }), { code: "killswitch-conflict" });
    await assert.rejects(end(rig, "ben"), { code: "not-eligible" });
    const asked = await rig.ask("release-brake", { brake: subject, person: "ben", requestHash: "r" }, "person:ben");
    assert.equal(asked.result, "held");
    assert.equal((await rig.answer(asked.subject, { roles: ["owner"] })).result, "succeeded");
    assert.equal(rig.last("brake.released").code, "approved");
    await assert.rejects(end(rig), { code: "killswitch-conflict" });
  });

  it("is on call or an owner, and of an incident that is open", async () => {
    const rig = await Rig.open();
    await rig.signal();
    await assert.rejects(command(rig, { roles: ["visitor"] }), { code: "not-eligible" });
    await assert.rejects(command(rig, { incident: "inc_00000000z" }), { code: "incident-not-found" });
    assert.equal(rig.state.brakes.size, 0);
  });

  it("hands back in his own name, also while a step that he found has not ended", async () => {
    const rig = await Rig.open();
    await rig.signal();
    const { subject } = await rig.propose({ kind: "test.free" });
    await rig.begin(subject);
    await command(rig);
    await end(rig);
    const [first, second] = rig.writer.kept.slice(-2);
    assert.deepEqual([first?.type, first?.actor], ["brake.reported", "person:ada"], "whose command it is");
    assert.deepEqual([second?.type, second?.actor], ["brake.released", "person:ada"]);
  });
});
