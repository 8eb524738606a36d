// Events per second of offline verification, with the root's public key alone: leaves, hashes, tiles, checkpoints.

import { join } from "node:path";
import { openSqliteReader } from "../src/adapters/stores/sqlite-reader.ts";
import { storeSource } from "../src/ledger/store-source.ts";
import { verifyLog } from "../src/ledger/verify.ts";
import { eventsFor, withFolder, type Bench } from "./harness.ts";
import { fill, openLog, rootPublicKey } from "./log.ts";

export const verifyBench: Bench = {
  name: "verify",
  seed: 0,
  run: () =>
    withFolder(async (dir) => {
      const events = eventsFor(1_000_000);
      const path = join(dir, "ledger.db");
      const log = await openLog(path);
      await fill(log, events);
      await log.store.close();
      const reader = openSqliteReader(path);
      const startMs = performance.now();
      const result = await verifyLog(await storeSource(reader), { rootPublicKey });
      const seconds = (performance.now() - startMs) / 1000;
      await reader.close();
      if (!result.ok || result.size !== events) throw new Error(`the log does not verify: ${result.statement}`);
      return { eventsPerSecond: Math.round(events / seconds), seconds: Math.round(seconds * 100) / 100, events };
    }),
};
