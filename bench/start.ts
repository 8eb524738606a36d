// Time to ready on a long ledger, with a snapshot and without; memory once it is ready, beside that of an empty ledger.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";
import { pino } from "pino";
import { entryOf } from "../scripts/server-build.mjs";
import { openViewReader } from "../src/adapters/stores/views-sqlite.ts";
import type { Kernel } from "../src/kernel/kernel.ts";
import { loadConfig } from "../src/main/config.ts";
import { start } from "../src/main/start.ts";
import { eventsFor, startProgram, stopProgram, withFolder, type Bench, type Results } from "./harness.ts";

const HASH = "9b74c9897bac770ffc029102a200c5de1f5f2ad0c1e6b1a0a6d8e2f3b4c5d6e7";
const COMMANDS_AT_ONCE = 500;
const SERVE = entryOf("serve");

export const startBench: Bench = {
  name: "start",
  seed: 0,
  run: () => withFolder(measure),
};

async function measure(dir: string): Promise<Results> {
  const events = eventsFor(1_000_000);
  const full = environment(join(dir, "full"));
  await decideMany(full, events);
  const withSnapshot = await timeStart(full);
  forgetSnapshots(full.HOLDPOINT_DATA);
  const cold = await timeStart(full);
  const empty = await timeStart(environment(join(dir, "empty")));
  return {
    snapshotSeconds: withSnapshot.seconds,
    coldSeconds: cold.seconds,
    residentMiB: withSnapshot.residentMiB,
    residentMiBEmpty: empty.residentMiB,
    events,
  };
}

function environment(dir: string) {
  mkdirSync(dir, { recursive: true });
  return {
    HOLDPOINT_DATA: join(dir, "data"),
    HOLDPOINT_CONFIG: join(dir, "owner"),
    HOLDPOINT_PORT: "0",
    HOLDPOINT_LOG_LEVEL: "warn",
  };
}

/** Makes a ledger of finished actions by running the product itself; its end leaves a snapshot. */
async function decideMany(env: NodeJS.ProcessEnv, events: number): Promise<void> {
  const onFatal = (error: Error): void => {
    throw error;
  };
  const running = await start(loadConfig(env), { log: pino({ level: "warn" }), onFatal });
  while (running.kernel.durableSize < events) await decideSome(running.kernel);
  const views = openViewReader(join(env["HOLDPOINT_DATA"] ?? "", "views.db"));
  while (views.position() < running.kernel.durableSize) await setTimeout(100);
  views.close();
  await running.stop();
}

async function decideSome(kernel: Kernel): Promise<void> {
  await Promise.all(
    Array.from({ length: COMMANDS_AT_ONCE }, (_, i) =>
      kernel.submit({
        type: "propose-action",
        actor: "person:bench",
        input: {
          kind: "record.note",
          environment: "staging",
          service: `service-${i}`,
          resource: null,
          agentKind: "person",
          person: "bench",
          requestHash: HASH,
          planHash: HASH,
          repeat: "idempotent",
          effect: "none",
          reversible: false,
          idempotencyKey: null,
        },
        content: { args: { text: "restart of cart finished" } },
      }),
    ),
  );
}

/** From the start of the process to the line that says it is ready; its resident memory then. */
async function timeStart(env: NodeJS.ProcessEnv): Promise<{ seconds: number; residentMiB: number }> {
  const startMs = performance.now();
  const { child } = await startProgram(SERVE, { env, ready: /ready at/ });
  const seconds = Math.round(performance.now() - startMs) / 1000;
  const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
  await stopProgram(child);
  return { seconds, residentMiB: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024) };
}

function forgetSnapshots(dataDir: string): void {
  const database = new DatabaseSync(join(dataDir, "ledger.db"));
  database.exec("delete from snapshots");
  database.close();
}
