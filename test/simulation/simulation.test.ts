// Thousands of seeds of the whole system under a fake clock, each with crashes and failing disks, none breaking a rule.

import assert from "node:assert/strict";
import { it } from "node:test";
import { runSeed } from "./run.ts";

const SEEDS = Number(process.env["SIMULATION_SEEDS"] ?? 2_000);
const FIRST = Number(process.env["SIMULATION_FIRST"] ?? 1);
const STEPS = 120;

it(`${SEEDS} seeds of ${STEPS} moves keep every rule`, async () => {
  let [events, effects, crashes] = [0, 0, 0];
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const result = await runSeed(seed, STEPS);
    assert.deepEqual(result.broken, [], `seed ${seed}: SIMULATION_FIRST=${seed} SIMULATION_SEEDS=1 runs it again`);
    events += result.events;
    effects += result.effects;
    crashes += result.crashes;
  }
  // A simulation in which nothing happens proves nothing.
  assert.ok(events > SEEDS * 20, `${events} events`);
  assert.ok(effects > SEEDS / 2, `${effects} effects`);
  assert.ok(crashes > SEEDS, `${crashes} crashes`);
});

it("a seed runs the same way twice", async () => {
  assert.deepEqual(await runSeed(77, STEPS), await runSeed(77, STEPS));
});
