// Where the tests keep their files: in memory if there is room, since thousands of their commits wait for the disk else.

import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MEMORY = "/dev/shm";
const FREE_BYTES_MIN = 4 * 1024 ** 3;

/**
 * A folder of this run, removed when the process ends. What must hold when a sync fails is tested by making it fail; what a
 * disk adds is seen by the soak runs.
 * @param {{ mayBeMemory: boolean }} options
 */
export function makeTemporaryFolder({ mayBeMemory }) {
  const folder = (mayBeMemory ? inMemory() : undefined) ?? mkdtempSync(join(tmpdir(), "holdpoint-tests-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.once(signal, () => process.exit(1));
  // PostgreSQL runs as somebody else, in a folder of its own below this one.
  chmodSync(folder, 0o711);
  return folder;
}

/** A folder there, unless there is little room or nothing can be run from it. */
function inMemory() {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    if (bavail * bsize < FREE_BYTES_MIN) return undefined;
    const folder = mkdtempSync(join(MEMORY, "holdpoint-tests-"));
    const script = join(folder, "runs");
    writeFileSync(script, "#!/bin/sh\nexit 0\n", { mode: 0o700 });
    if (spawnSync(script).status === 0) return folder;
    rmSync(folder, { recursive: true });
    return undefined;
  } catch {
    return undefined; // no such place on this system
  }
}
