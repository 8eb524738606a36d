// The clocks of holds: they stand still under a pause, go on with what was left, and cannot be stopped for ever.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TERMS } from "../../src/kernel/limits.ts";
import { parseState, serializeState, stateHash } from "../../src/kernel/snapshot.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

const WINDOW_MS = 15 * MINUTE_MS;

async function release(rig: Rig, brake: string): Promise<void> {
  const asked = await rig.ask("release-brake", { brake, person: "ben", requestHash: brake }, "person:ben");
  assert.equal((await rig.answer(asked.subject, { roles: ["owner"] })).result, "succeeded");
}

async function pause(rig: Rig, scope: object = {}): Promise<string> {
  return (await rig.ask("apply-brake", { mode: "pause", scope })).subject;
}

describe("the clock of a hold", () => {
  it("stands still while a pause covers it and goes on with what was left", async () => {
    const rig = await Rig.open();
    const { subject } = await rig.propose();
    rig.pass(10 * MINUTE_MS);
    const brake = await pause(rig, { service: "cart" });
    assert.equal(rig.last("hold.frozen", subject).remainingMs, 5 * MINUTE_MS);
    await rig.passAndTick(8 * 60 * MINUTE_MS);
    assert.equal(rig.action(subject).hold?.step, 0, "nobody else was asked");
    await release(rig, brake);
    assert.equal(rig.action(subject).hold?.deadline, rig.nowMs + 5 * MINUTE_MS);
    await rig.passAndTick(5 * MINUTE_MS - 1);
    assert.equal(rig.action(subject).hold?.step, 0);
    await rig.passAndTick(1);
    assert.equal(rig.action(subject).hold?.step, 1);
    await rig.passAndTick(WINDOW_MS);
    assert.equal(rig.last("action.expired", subject).code, "hold-timeout");
  });

  it("runs under a dry run, under a pause of something else, and where no pause holds anything back", async () => {
    const rig = await Rig.open();
    const { subject } = await rig.propose();
    const brake = await pause(rig, { service: "search" });
    const asked = await rig.ask("release-brake", { brake, person: "ben", requestHash: "r" }, "person:ben");
    await rig.ask("apply-brake", { mode: "dry-run", scope: {} });
    await pause(rig, { kind: "killswitch.resume" });
    await rig.passAndTick(WINDOW_MS);
    assert.deepEqual(rig.all("hold.frozen"), []);
    assert.equal(rig.action(subject).hold?.step, 1);
    await rig.passAndTick(24 * 60 * MINUTE_MS);
    assert.equal(rig.last("action.expired", asked.subject).code, "hold-timeout", "the way out is asked about in time");
  });

  it("stays still until the last pause over it is lifted", async () => {
    const rig = await Rig.open();
    const { subject } = await rig.propose();
    const [one, two] = [await pause(rig), await pause(rig, { service: "cart" })];
    await release(rig, one);
    await rig.passAndTick(60 * MINUTE_MS);
    assert.equal(rig.all("hold.frozen").length, 1);
    assert.equal(rig.all("hold.resumed").length, 0);
    await release(rig, two);
    assert.equal(rig.action(subject).hold?.deadline, rig.nowMs + WINDOW_MS);
  });

  it("may be denied while it stands still, also after its deadline", async () => {
    const rig = await Rig.open();
    const { subject } = await rig.propose();
    await pause(rig);
    rig.pass(60 * MINUTE_MS);
    await assert.rejects(rig.answer(subject), { code: "killswitch-conflict" });
    assert.equal((await rig.answer(subject, { decision: "deny" })).result, "denied");
  });

  it("goes on by itself after three days in all, however often it was stopped", async () => {
    const rig = await Rig.open();
    const { subject } = await rig.propose();
    for (let day = 0; day < 2; day++) {
      const brake = await pause(rig);
      await rig.passAndTick(24 * 60 * MINUTE_MS);
      await release(rig, brake);
    }
    await pause(rig);
    assert.equal(rig.last("hold.frozen", subject).until, rig.nowMs + TERMS.frozenMaxMs / 3);
    await rig.passAndTick(24 * 60 * MINUTE_MS - 1);
    assert.ok(rig.action(subject).hold?.frozenAt !== undefined);
    await rig.passAndTick(1);
    assert.equal(rig.action(subject).hold?.frozenAt, undefined, "it runs, under the pause");
    await rig.passAndTick(WINDOW_MS);
    await rig.passAndTick(WINDOW_MS);
    assert.equal(rig.last("action.expired", subject).code, "hold-timeout");
    assert.equal(rig.all("hold.frozen").length, 3);
  });

  it("is turned in the commit of the brake, and of very many holds the rest by the ticks after it", async () => {
    const rig = await Rig.open();
    const holds = [];
    for (let i = 0; i < 1_500; i++) holds.push(rig.propose({ service: `s${i}` }));
    await Promise.all(holds);
    rig.pass(WINDOW_MS - 1);
    const brake = await pause(rig);
    const applied = rig.all("brake.applied").at(-1);
    const inCommit = rig.all("hold.frozen").filter(({ command }) => command === applied?.seq);
    assert.equal(inCommit.length, 1_000);
    await rig.passAndTick(1);
    assert.equal(rig.all("hold.frozen").length, 1_500);
    assert.equal(rig.all("hold.escalated").length, 0, "no deadline fired before its clock was stopped");
    await release(rig, brake);
    await rig.kernel.tick();
    assert.equal(rig.all("hold.resumed").length, 1_500);
  });

  it("stands still in a snapshot too", async () => {
    const rig = await Rig.open();
    const { subject } = await rig.propose();
    await pause(rig);
    const restored = parseState(serializeState(rig.state));
    assert.equal(stateHash(restored), stateHash(rig.state));
    assert.equal(restored.actions.get(subject)?.hold?.frozenAt, rig.nowMs);
  });
});
