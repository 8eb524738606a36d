// Thousands of seeds of the whole system under a fake clock, each with crashes and failing disks, none breaking a rule.

import assert from "node:assert/strict";
import { it } from "node:test";
import { runSeed } from "./run.ts";
import { runSeeds } from "./seeds.ts";

const SEEDS = Number(process.env["SIMULATION_SEEDS"] ?? 2_000);
const FIRST = Number(process.env["SIMULATION_FIRST"] ?? 1);
const STEPS = 120;

it(`${SEEDS} seeds of ${STEPS} moves keep every rule`, async () => {
  const results = await runSeeds({ first: FIRST, count: SEEDS, steps: STEPS });
  for (const { seed, broken } of results)
    assert.deepEqual(broken, [], `seed ${seed}: SIMULATION_FIRST=${seed} SIMULATION_SEEDS=1 runs it again`);
  assert.equal(results.length, SEEDS);
  const sum = (of: "events" | "effects" | "crashes"): number => results.reduce((all, one) => all + one[of], 0);
  const [events, effects, crashes] = [sum("events"), sum("effects"), sum("crashes")];
  // A simulation in which nothing happens proves nothing.
  assert.ok(events > SEEDS * 20, `${events} events`);
  assert.ok(effects > SEEDS / 2, `${effects} effects`);
  assert.ok(crashes > SEEDS, `${crashes} crashes`);
});

it("a seed runs the same way twice", async () => {
  assert.deepEqual(await runSeed(77, STEPS), await runSeed(77, STEPS));
});
