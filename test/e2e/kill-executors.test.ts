// Holdpoint is killed when the target has acted and nobody has heard of it, for every executor there is. At every message,
// on both sides: test/soak/kill-executors.soak.ts. Clusters and programs: kubernetes.test.ts, runbook.test.ts.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { KilledExecutions } from "./kill-executors.ts";

let killed: KilledExecutions;

before(async () => {
  killed = await KilledExecutions.start();
});
after(() => killed?.close());

it("killed after the target acted, nothing takes effect twice, nothing is forgotten, and the record verifies", async () => {
  for (const wave of killed.targets.waves) {
    const stopped = await killed.round(wave, { at: ({ write }) => write, acts: true });
    assert.equal(stopped, wave.length, "each was killed at its write");
  }
  assert.deepEqual(killed.targets.complaints(), []);
  assert.equal(await killed.verifies(), true);
});
