// Loads what a server and the command line are made of, so that the cache of compiled code holds it: a server that is
// killed leaves nothing there, and hundreds are.

import { existsSync } from "node:fs";

const MAIN = ["serve", "writer-worker", "follower-worker", "model-worker", "exports-worker", "notifiers-worker", "cli"];

for (const name of MAIN) {
  const module = new URL(`../src/main/${name}.ts`, import.meta.url);
  // A worker's module finds that it is in no worker, and says so: by then it is compiled.
  if (existsSync(module)) await import(module.href).catch(() => undefined);
}
process.exit(0);
