// Without its sandbox a program does not run, and that is what is said.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
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

it("a program that its sandbox hides, or that the one who runs it may not start, has not run, and that is what is said", async (t) => {
  const folder = mkdtempSync("/var/tmp/holdpoint-sandbox-");
  const own = mkdtempSync("/tmp/holdpoint-sandbox-");
  t.after(() => [folder, own].forEach((one) => rmSync(one, { recursive: true })));
  chmodSync(folder, 0o755);
  const user = { uid: 65_534, gid: 65_534 };
  const made = (path: string, mode: number): string => {
    writeFileSync(path, "#!/bin/sh\ntrue\n", { mode });
    chmodSync(path, mode);
    return path;
  };
  const run = (program: string, hidden: readonly string[] = []) => {
    const limits = { network: "none", memoryMiB: 512, outputBytesMax: 100, hidden } as const;
    return runSandboxed({ program, args: [], environment: {}, user, ...limits }, never);
  };
  const program = made(join(folder, "program"), 0o755);
  assert.deepEqual(await run(program), { kind: "ended", exit: 0, output: "", isCut: false });
  const hidden = { kind: "unstarted", code: "program-hidden" };
  assert.deepEqual(await run(program, [folder]), hidden);
  assert.deepEqual(await run(made(join(own, "program"), 0o755)), hidden, "/tmp is its own");
  if (process.getuid?.() === 0) assert.deepEqual(await run(made(join(folder, "root's"), 0o700)), hidden);
});
