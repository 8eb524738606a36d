// A directory for one SQLite ledger in a test, with a look at its files that does not disturb their locks.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SqliteDirectory {
  readonly directory: string;
  readonly path: string;
  readonly remove: () => void;
}

export function makeSqliteDirectory(): SqliteDirectory {
  const directory = mkdtempSync(join(tmpdir(), "holdpoint-store-"));
  return {
    directory,
    path: join(directory, "ledger.db"),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Copies a directory as a crash would leave it. In a process of its own: closing a file here would drop its locks. */
export function copyDirectory(from: string, to: string): void {
  execFileSync("cp", ["-a", `${from}/.`, to]);
}

/** Names of the files under `directory` that hold `bytes` anywhere. */
export function filesHolding(directory: string, bytes: Uint8Array): string[] {
  const copy = mkdtempSync(join(tmpdir(), "holdpoint-grep-"));
  try {
    copyDirectory(directory, copy);
    const script = `
      const fs = require("node:fs"); const needle = Buffer.from(process.argv[1], "hex");
      for (const name of fs.readdirSync(process.argv[2], { recursive: true })) {
        const file = process.argv[2] + "/" + name;
        if (fs.statSync(file).isFile() && fs.readFileSync(file).includes(needle)) console.log(name);
      }`;
    const hex = Buffer.from(bytes).toString("hex");
    const out = execFileSync(process.execPath, ["-e", script, hex, copy], { encoding: "utf8" });
    return out.split("\n").filter((name) => name !== "");
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

export function fileNames(directory: string): string[] {
  return readdirSync(directory).sort();
}
