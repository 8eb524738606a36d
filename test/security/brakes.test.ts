// Brakes under somebody who may pause: stopping everything stays possible, and every brake that holds can be seen.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { BrakeScope } from "../../src/kernel/events.ts";
import { engineWith } from "../history/fixed-policy.ts";
import { Recorder } from "../history/recorder.ts";

test("however many narrow brakes there are, everything can still be stopped", () => {
  const recorder = new Recorder(engineWith("test"));
  const pause = (scope: BrakeScope) =>
    recorder.submit({ type: "apply-brake", actor: "agent:mallory", input: { mode: "pause", scope } });
  let applied = 0;
  while (applied < 10_000 && pause({ service: `s${applied}` }) !== null) applied++;
  assert.ok(applied < 10_000, "they are bounded");
  assert.equal(pause({ service: "s0" })?.repeated, true);
  assert.equal(pause({})?.result, "applied");
});
