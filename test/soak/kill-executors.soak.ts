// Holdpoint is killed at every message of an execution, on both sides of the target's work, for every executor there is.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { KilledExecutions } from "../e2e/kill-executors.ts";

/** By default longer than the longest execution: who has no message of that number is done. */
const MESSAGES_MAX = Number(process.env["SOAK_MESSAGES"] ?? 60);
const WAVES = 6;

let killed: KilledExecutions;

before(async () => {
  killed = await KilledExecutions.start();
  assert.equal(killed.targets.waves.length, WAVES);
});
after(() => killed?.close());

for (let n = 0; n < WAVES; n++) {
  it(`nothing takes effect twice and nothing is forgotten, whenever it is killed (${n + 1} of ${WAVES})`, async (t) => {
    const wave = killed.targets.waves[n] ?? [];
    let kills = 0;
    for (const acts of [false, true]) {
      let left = wave;
      for (let message = 1; message <= MESSAGES_MAX && left.length > 0; message++) {
        left = await killed.round(left, { at: () => message, acts });
        kills += left.length;
      }
    }
    t.diagnostic(`${wave.map(({ kind }) => kind).join(", ")}: ${kills} executions killed`);
    assert.ok(kills >= wave.length * 2);
    assert.deepEqual(killed.targets.complaints(), []);
  });
}
