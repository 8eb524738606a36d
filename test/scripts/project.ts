// A small project in a temporary folder that has our scripts, to run them on.

import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Project {
  readonly folder: string;
  write(path: string, text: string): void;
  /** Runs node on a file of the project, to its end. `onOutput` sees standard output as it comes. */
  run(file: string, options?: RunOptions): Promise<Ended>;
}

export interface RunOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly onOutput?: (kill: (signal: NodeJS.Signals) => void) => void;
}

/** Holds scripts/ and bin/ as they are here, and goes away with the test. */
export function createProject(t: TestContext): Project {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-project-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ["scripts", "bin"]) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  write("package.json", `{ "type": "module" }`);
  return { folder, write, run: (file, options = {}) => runNode(folder, file, options) };
}

/** Puts this very node where the pinned one is expected. */
export function linkPinnedNode(folder: string): void {
  mkdirSync(join(folder, "node_modules", "node", "bin"), { recursive: true });
  symlinkSync(process.execPath, join(folder, "node_modules", "node", "bin", "node"));
}

function runNode(folder: string, file: string, { args = [], env = {}, onOutput }: RunOptions): Promise<Ended> {
  const inherited = { ...process.env };
  delete inherited["NODE_TEST_CONTEXT"]; // else a test runner inside a test runs nothing
  delete inherited["npm_execpath"];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(folder, file), ...args], {
      cwd: folder,
      env: { ...inherited, ...env },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      onOutput?.((signal) => child.kill(signal));
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
