// Holdpoint is killed at every message of an execution, on both sides of the target's work, for every executor there is.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { KilledExecutions } from "../e2e/kill-executors.ts";

/** By default longer than the longest execution: a round in which nobody had so many messages ends a wave. */
const MESSAGES_MAX = Number(process.env["SOAK_MESSAGES"] ?? 60);

let killed: KilledExecutions;

before(async () => {
  killed = await KilledExecutions.start();
});
after(() => killed?.close());

for (const n of [0, 1, 2]) {
  it(`nothing takes effect twice and nothing is forgotten, whenever it is killed (${n + 1} of 3)`, async (t) => {
    const wave = killed.targets.waves[n] ?? [];
    let kills = 0;
    for (const acts of [false, true]) {
      for (let message = 1; message <= MESSAGES_MAX; message++) {
        const stopped = await killed.round(wave, { at: () => message, acts });
        kills += stopped;
        if (stopped === 0) break;
      }
    }
    t.diagnostic(`${wave.map(({ kind }) => kind).join(", ")}: ${kills} executions killed`);
    assert.ok(kills >= wave.length * 2);
    assert.deepEqual(killed.targets.complaints(), []);
  });
}
