// Fills the cache of compiled code with what servers and the command line are made of: a server that is killed leaves
// nothing there, and hundreds are. What was built is run once, so that the functions of a start are there too.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { entryOf } from "./server-build.mjs";

const temporary = process.argv[2] ?? "";
const folder = new URL("../src/main/", import.meta.url);
const WRITTEN = ["serve", "writer-worker", "follower-worker", "model-worker", "exports-worker", "notifiers-worker"];

if (existsSync(folder)) {
  const data = mkdtempSync(join(temporary, "holdpoint-first-"));
  const env = { HOLDPOINT_DATA: join(data, "data"), HOLDPOINT_CONFIG: join(data, "owner"), HOLDPOINT_PORT: "0" };
  const server = spawn(process.execPath, [entryOf("serve")], { env: { ...process.env, ...env } });
  server.stdout.once("data", () => server.kill());
  await new Promise((resolve) => server.once("close", resolve));
  spawnSync(process.execPath, [entryOf("cli"), "--help"]);
  // For the tests that have a server in their own process.
  for (const name of WRITTEN) {
    // A worker's module finds that it is in no worker, and says so: by then it is compiled.
    await import(new URL(`${name}.ts`, folder).href).catch(() => undefined);
  }
}
process.exit(0);
