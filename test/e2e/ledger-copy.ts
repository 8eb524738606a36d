// Copies of a data folder that a real server left, to be damaged and verified from the command line.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { openTerminal, type Outcome, type Terminal } from "../cli/terminal.ts";

type Found = { readonly seq: number | null; readonly code: string };

export type Verdict = { readonly code: number; readonly statement: string; readonly first: Found | null };

export class LedgerCopy {
  readonly dir: string;
  readonly dataDir: string;
  readonly terminal: Terminal;

  /** A copy of `dataDir` in a new folder below `below`; nobody's configuration knows its root. */
  constructor(dataDir: string, below: string) {
    this.dir = mkdtempSync(join(below, "copy-"));
    this.dataDir = join(this.dir, "data");
    cpSync(dataDir, this.dataDir, { recursive: true });
    const configDir = join(this.dir, "config");
    mkdirSync(configDir);
    this.terminal = openTerminal({ dataDir: this.dataDir, configDir });
  }

  get path(): string {
    return join(this.dataDir, "ledger.db");
  }

  /** Changes rows as somebody does who may write to the file. */
  sql<T>(use: (db: DatabaseSync) => T): T {
    const db = new DatabaseSync(this.path);
    try {
      db.exec("pragma synchronous = off");
      return use(db);
    } finally {
      db.close();
    }
  }

  run(sql: string, ...values: SQLInputValue[]): void {
    this.sql((db) => db.prepare(sql).run(...values));
  }

  one(sql: string, ...values: SQLInputValue[]): Record<string, SQLInputValue> {
    const row = this.sql((db) => db.prepare(sql).get(...values));
    assert.ok(row !== undefined, sql);
    return row;
  }

  async verify(root: string, ...rest: string[]): Promise<Verdict> {
    return verdictOf(await this.terminal(["verify", this.dataDir, "--root", root, "-o", "json", ...rest]));
  }
}

export function verdictOf({ code, out, err }: Outcome): Verdict {
  if (!out.startsWith("{")) return { code, statement: out + err, first: null };
  const { statement, first } = JSON.parse(out) as { statement: string; first: Found | null };
  return { code, statement, first };
}
