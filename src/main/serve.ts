// `npm start`: reads the environment, starts everything, and ends in order.

import { setFlagsFromString } from "node:v8";
import { pino } from "pino";
import { isAppError } from "../core/errors.ts";
import { loadConfig, type Config } from "./config.ts";
import { start, type Running } from "./start.ts";

const FATAL_EXIT = 70; // EX_SOFTWARE: a supervisor starts it again, and the store tells the truth
const CONFIG_EXIT = 78; // EX_CONFIG

/** Serves until SIGTERM or SIGINT. A ledger whose fate is unknown ends the process at once: a restart finds out. */
export async function serve(env: NodeJS.ProcessEnv): Promise<void> {
  // Three threads with small young heaps share few cores: helpers for each collection cost more than they save.
  setFlagsFromString("--no-parallel-scavenge");
  // V8 may come to make objects of a request old from the start; everything young that they refer to, which is the whole
  // request, is then copied twice and kept until the next full collection.
  setFlagsFromString("--no-allocation-site-pretenuring");
  const config = loadConfig(env);
  const log = pino({ level: config.logLevel, base: null }, pino.destination({ dest: 2, sync: true }));
  const onFatal = (error: Error): void => {
    log.fatal(
      { err: error, cause: error.cause instanceof Error ? error.cause.message : "" },
      "stopping: the ledger's fate is unknown",
    );
    // One turn later: the answers that say so are on their way.
    setTimeout(() => process.exit(FATAL_EXIT), 50);
  };
  const running = await start(config, { log, onFatal });
  greet(running, config);
  await new Promise<void>((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
  log.info("stopping");
  await running.stop();
}

function greet(running: Running, config: Config): void {
  const lines = [
    `Holdpoint is ready at ${running.url}`,
    `  ledger    ${running.origin} in ${config.dataDir}`,
    `  root key  ${running.root}`,
  ];
  if (running.isFirstStart) {
    lines.push(
      `  first start: you are person:owner; your keys are in ${config.ownerDir}`,
      `  keep the root key in ${config.ownerDir}/roots somewhere safe and offline: it vouches for this ledger`,
    );
  }
  if (running.signInUrl === null) lines.push("  sign in   npx holdpoint login --web");
  else lines.push(`  sign in   ${running.signInUrl}   (once, within ten minutes)`);
  lines.push("  next      npx holdpoint get runs    npx holdpoint source add alertmanager --kind alertmanager");
  process.stdout.write(`${lines.join("\n")}\n`);
}

if (import.meta.main) {
  try {
    await serve(process.env);
    process.exit(0);
  } catch (error) {
    const code = isAppError(error) ? `${error.code}: ` : "";
    process.stderr.write(`holdpoint: ${code}${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(isAppError(error, "config-invalid") || isAppError(error, "policy-invalid") ? CONFIG_EXIT : 1);
  }
}
