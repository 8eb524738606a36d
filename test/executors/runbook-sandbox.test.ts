// Without its sandbox a program does not run, and that is what is said.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { runSandboxed } from "../../src/adapters/executors/runbook-sandbox.ts";
import { never } from "./contract.ts";

it("a program does not run where what makes its sandbox is missing, or fails half-way", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-sandbox-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const run = join(folder, "ran");
  const limits = { network: "none", memoryMiB: 512, outputBytesMax: 100, hidden: [] } as const;
  const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const touch = { program: "/usr/bin/touch", args: [run], user, ...limits };
  const missing = { kind: "unstarted", code: "sandbox-unavailable" };
  for (const tool of [undefined, "setpriv", "unshare"]) {
    if (tool !== undefined) {
      const path = execFileSync("which", [tool], { encoding: "utf8" }).trim();
      symlinkSync(path, join(folder, tool));
    }
    assert.deepEqual(await runSandboxed({ ...touch, environment: { PATH: folder } }, never), missing, tool);
  }
  assert.ok(!existsSync(run));
  assert.equal((await runSandboxed({ ...touch, environment: {} }, never)).kind, "ended", "with all of it there");
});
