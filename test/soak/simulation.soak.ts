// The whole system in one process under a fake clock, from fresh seeds, for SOAK_SECONDS.

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { it } from "node:test";
import { runSeed } from "../simulation/run.ts";

const SECONDS = Number(process.env["SOAK_SECONDS"] ?? 30);
const STEPS = 400;

it("every rule holds over long runs of fresh seeds", async (t) => {
  const first = randomInt(2 ** 30);
  t.diagnostic(`seeds from ${first} on, ${STEPS} moves each`);
  const total = { seeds: 0, steps: 0, events: 0, effects: 0, crashes: 0 };
  for (const end = Date.now() + SECONDS * 1_000; Date.now() < end; total.seeds++) {
    const seed = first + total.seeds;
    const result = await runSeed(seed, STEPS);
    assert.deepEqual(result.broken, [], `seed ${seed} of ${STEPS} moves runs it again: runSeed(${seed}, ${STEPS})`);
    total.steps += result.steps;
    total.events += result.events;
    total.effects += result.effects;
    total.crashes += result.crashes;
  }
  t.diagnostic(JSON.stringify(total));
  assert.ok(total.effects > 0 && total.crashes > 0, "a simulation in which nothing happens proves nothing");
});
