// Holdpoint is killed when the target has acted and nobody has heard of it, for every executor there is. At every message,
// on both sides: test/soak/kill-executors.soak.ts.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { absent } from "./kill-cluster.ts";
import { KilledExecutions } from "./kill-executors.ts";

let killed: KilledExecutions;

before(async () => {
  killed = await KilledExecutions.start();
});
after(() => killed?.close());

it("every kind of every executor is killed here, but for a cluster's where there is no API server", async () => {
  assert.deepEqual(await killed.unkilled(), absent === false ? [] : ["kubernetes"]);
});

it("killed after the target acted, nothing takes effect twice, nothing is forgotten, and the record verifies", async () => {
  for (const wave of killed.targets.waves) {
    const stopped = await killed.round(wave, { at: ({ write }) => write, acts: true });
    assert.deepEqual(stopped, wave, "each was killed at its write");
  }
  assert.deepEqual(killed.targets.complaints(), []);
  assert.equal(await killed.verifies(), true);
});
