// Stamps: small clock steps never stop anything, large ones never slip in.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ClockGuard } from "../../src/kernel/clock-guard.ts";
import { Rig } from "./rig.ts";

function clockAt(start: number) {
  const now = { wall: start, monotonic: 0 };
  const guard = new ClockGuard({ nowMs: () => now.wall, monotonicMs: () => now.monotonic });
  return { now, guard };
}

describe("the clock guard", () => {
  it("takes the later of wall clock and last event, and gives equal stamps when nothing moves", () => {
    const { now, guard } = clockAt(1_000_000);
    assert.equal(guard.stamp(999_000), 1_000_000);
    assert.equal(guard.stamp(1_000_000), 1_000_000);
    now.wall -= 5_000;
    assert.equal(guard.stamp(1_000_000), 1_000_000);
  });

  it("does not lead more than five seconds behind the log", () => {
    const { now, guard } = clockAt(1_000_000);
    now.wall -= 5_001;
    assert.throws(() => guard.stamp(1_000_000), { code: "clock-behind" });
  });

  it("waits for a person after a jump of over a minute, and only then", () => {
    const { now, guard } = clockAt(1_000_000);
    now.wall += 60_000;
    assert.equal(guard.stamp(0), 1_060_000);
    now.wall += 60_001;
    assert.throws(() => guard.stamp(0), { code: "clock-suspect" });
    assert.throws(() => guard.stamp(0), { code: "clock-suspect" }, "it does not wear off");
    guard.confirm();
    assert.equal(guard.stamp(0), 1_120_001);
  });

  it("takes no step of both clocks together for a jump", () => {
    const { now, guard } = clockAt(1_000_000);
    now.wall += 3_600_000;
    now.monotonic += 3_600_000;
    assert.equal(guard.stamp(0), 4_600_000);
    assert.equal(guard.suspect, false);
  });

  it("takes the way back from a step backwards for no jump", () => {
    const { now, guard } = clockAt(10_000_000);
    now.wall -= 7_200_000;
    assert.throws(() => guard.stamp(10_000_000), { code: "clock-behind" });
    now.wall += 7_200_000;
    assert.equal(guard.stamp(10_000_000), 10_000_000);
  });

  it("refuses commands and fires no deadline while it is suspect", async () => {
    const rig = await Rig.open();
    const { subject } = await rig.propose();
    rig.nowMs += 3_600_000;
    await assert.rejects(rig.kernel.tick(), { code: "clock-suspect" });
    await assert.rejects(rig.propose(), { code: "clock-suspect" });
    assert.equal(rig.action(subject).status, "held");
    rig.clock.confirm();
    await rig.kernel.tick();
    assert.deepEqual(rig.typesOf(subject).slice(-1), ["hold.escalated"]);
  });
});
