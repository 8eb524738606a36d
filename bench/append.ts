// Events per second into the ledger: sealed, and each batch durable in the SQLite store under a signed checkpoint.

import { join } from "node:path";
import { eventsFor, withFolder, type Bench } from "./harness.ts";
import { EVENTS_PER_BATCH, fill, openLog } from "./log.ts";

export const appendBench: Bench = {
  name: "append",
  seed: 0,
  run: () =>
    withFolder(async (dir) => {
      const events = eventsFor(200_000);
      const log = await openLog(join(dir, "ledger.db"));
      await fill(log, Math.min(10_000, events)); // the compiler warms up
      const warm = log.sealer.size;
      const startMs = performance.now();
      await fill(log, warm + events);
      const seconds = (performance.now() - startMs) / 1000;
      await log.store.close();
      return { eventsPerSecond: Math.round(events / seconds), events, eventsPerBatch: EVENTS_PER_BATCH };
    }),
};
