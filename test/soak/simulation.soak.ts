// The whole system in one process under a fake clock, from fresh seeds, for SOAK_SECONDS, or for SOAK_SEEDS of them.

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { availableParallelism } from "node:os";
import { it } from "node:test";
import { runSeeds } from "../simulation/seeds.ts";

const SECONDS = Number(process.env["SOAK_SECONDS"] ?? 30);
/** As many as asked for, however long they take. */
const SEEDS = Number(process.env["SOAK_SEEDS"] ?? 0);
const FIRST = Number(process.env["SOAK_FIRST"] ?? randomInt(2 ** 30));
const STEPS = Number(process.env["SOAK_STEPS"] ?? 400);
/** Between two looks at the clock, or at the count: each time threads start anew. */
const AT_ONCE = (SEEDS > 0 ? 250 : 10) * availableParallelism();

it("every rule holds over long runs of fresh seeds", async (t) => {
  t.diagnostic(`seeds from ${FIRST} on, ${STEPS} moves each`);
  const total = { seeds: 0, steps: 0, events: 0, effects: 0, crashes: 0 };
  const end = Date.now() + SECONDS * 1_000;
  const isMore = (): boolean => (SEEDS > 0 ? total.seeds < SEEDS : Date.now() < end);
  while (isMore()) {
    const count = SEEDS > 0 ? Math.min(AT_ONCE, SEEDS - total.seeds) : AT_ONCE;
    for (const { seed, broken, ...ran } of await runSeeds({ first: FIRST + total.seeds, count, steps: STEPS })) {
      assert.deepEqual(broken, [], `SOAK_FIRST=${seed} SOAK_SEEDS=1 SOAK_STEPS=${STEPS} runs seed ${seed} again`);
      for (const what of ["steps", "events", "effects", "crashes"] as const) total[what] += ran[what];
    }
    total.seeds += count;
  }
  t.diagnostic(JSON.stringify(total));
  assert.ok(total.effects > 0 && total.crashes > 0, "a simulation in which nothing happens proves nothing");
});
