// A thread that takes seeds until none is left: outside the thread of the tests, whose runner follows every promise.

import { parentPort, workerData } from "node:worker_threads";
import { runSeed } from "./run.ts";
import type { SeedsWanted } from "./seeds.ts";

const { first, count, steps, taken } = workerData as SeedsWanted & { readonly taken: Int32Array };

for (let at = Atomics.add(taken, 0, 1); at < count; at = Atomics.add(taken, 0, 1)) {
  const result = await runSeed(first + at, steps);
  // Others need not go on when a rule is broken.
  if (result.broken.length > 0) Atomics.store(taken, 0, count);
  parentPort?.postMessage(result);
}
