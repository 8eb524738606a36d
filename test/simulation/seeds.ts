// Many seeds at once, on as many threads as can run.

import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { SeedResult } from "./run.ts";

const THREADS_MAX = 4;

export type SeedsWanted = { readonly first: number; readonly count: number; readonly steps: number };

/** The results in order of the seeds: of all, or of those that were run until one broke a rule. */
export async function runSeeds(wanted: SeedsWanted): Promise<readonly SeedResult[]> {
  const results: SeedResult[] = [];
  const workerData = { ...wanted, taken: new Int32Array(new SharedArrayBuffer(4)) };
  const threads = Math.min(availableParallelism(), THREADS_MAX, wanted.count);
  const run = async (): Promise<void> => {
    const worker = new Worker(new URL("./seeds-thread.ts", import.meta.url), { workerData });
    worker.on("message", (result: SeedResult) => results.push(result));
    await once(worker, "exit"); // rejects with what the thread threw
  };
  await Promise.all(Array.from({ length: threads }, run));
  return results.toSorted((a, b) => a.seed - b.seed);
}
