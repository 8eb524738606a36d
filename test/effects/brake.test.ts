// The emergency brake's memory: bounded, and beyond its bound it stops more, never less.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EmergencyBrake } from "../../src/effects/brake.ts";

const PULLS = 2_000;

function action(service: string) {
  const by = { agent: "agent:one", agentKind: "agent", person: null } as const;
  return { ...by, kind: "deploy", environment: "production", service };
}

/** A brake over which more scopes were pulled than it can hold. */
function crowded(): EmergencyBrake {
  const brake = new EmergencyBrake({ monotonicMs: () => 0 });
  for (let i = 0; i < PULLS; i++) brake.pull({ service: `s${i}` });
  return brake;
}

describe("the emergency brake", () => {
  it("holds back what its scopes cover, and nothing else", () => {
    const brake = new EmergencyBrake({ monotonicMs: () => 0 });
    brake.pull({ service: "cart" });
    assert.equal(brake.blocks(action("cart")), true);
    assert.equal(brake.blocks(action("search")), false);
    assert.equal(brake.flagged, false);
  });

  it("stops everything once more scopes were pulled than it can tell apart, and says so", () => {
    const brake = crowded();
    assert.equal(brake.blocks(action(`s${PULLS - 1}`)), true);
    assert.equal(brake.blocks(action("search")), true);
    assert.equal(brake.flagged, true);
    assert.equal(brake.blocks({ ...action("holdpoint"), kind: "killswitch.resume" }), false, "the way out stays open");
  });

  it("ends a call in flight that only the crowd covers", async () => {
    const brake = new EmergencyBrake({ monotonicMs: () => 0 });
    const call = brake.guard(action("search"), 60_000, (signal) => {
      return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
    });
    for (let i = 0; i < PULLS; i++) brake.pull({ service: `s${i}` });
    await assert.rejects(call, /kill switch/);
  });

  it("stays stopped whatever narrow scope is released, and whatever becomes of the brake file", () => {
    const brake = crowded();
    for (let i = 0; i < PULLS; i++) brake.release({ service: `s${i}` });
    brake.setFlag(true);
    brake.setFlag(false);
    assert.equal(brake.blocks(action("search")), true);
  });

  it("goes on after an approved release of the brake on everything", () => {
    const brake = crowded();
    brake.pull({});
    brake.release({});
    assert.equal(brake.flagged, false);
    assert.equal(brake.blocks(action("search")), false);
    assert.equal(brake.blocks(action("s0")), true, "what is still held by its own scope");
  });
});
