// A small disk in memory, to be filled or made read-only.

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** Mounts one under `directory`; undefined, with the test skipped, where that is not allowed. */
export function mountSmallDisk(t: TestContext, directory: string, options: string): string | undefined {
  const disk = join(directory, "disk");
  mkdirSync(disk);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", disk], { stdio: "pipe" });
  } catch {
    t.skip("mounting a disk in memory needs root; run this test as root");
    return undefined;
  }
  return disk;
}

export function remount(disk: string, options: string): void {
  execFileSync("mount", ["-o", `remount,${options}`, disk]);
}

export function unmount(disk: string): void {
  execFileSync("umount", ["-l", disk]);
}
