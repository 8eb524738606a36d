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

/** Names of the files under `directory` that hold `bytes` anywhere. Read in a process of its own, as for copyDirectory. */
export function filesHolding(directory: string, bytes: Uint8Array): string[] {
  const script = `
    const fs = require("node:fs");
    const [hex, directory] = process.argv.slice(1);
    for (const name of fs.readdirSync(directory, { recursive: true })) {
      const file = directory + "/" + name;
      if (fs.statSync(file).isFile() && fs.readFileSync(file).includes(Buffer.from(hex, "hex"))) console.log(name);
    }`;
  const hex = Buffer.from(bytes).toString("hex");
  const out = execFileSync(process.execPath, ["-e", script, hex, directory], { encoding: "utf8" });
  return out.split("\n").filter((name) => name !== "");
}

export function fileNames(directory: string): string[] {
  return readdirSync(directory).sort();
}
