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

it("every kind that has an effect is killed here, or where its cluster or its program is", async () => {
  assert.deepEqual(await killed.unkilled(), ["incident.retract-major"]); // idempotent, and each part looks for itself first
});

it("killed after the target acted, nothing takes effect twice, nothing is forgotten, and the record verifies", async () => {
  for (const wave of killed.targets.waves) {
    const stopped = await killed.round(wave, { at: ({ write }) => write, acts: true });
    assert.deepEqual(stopped, wave, "each was killed at its write");
  }
  assert.deepEqual(killed.targets.complaints(), []);
  assert.equal(await killed.verifies(), true);
});
