// Numbered SQL files: read, hashed, and compared with what a store says it has applied.

import { hash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { AppError } from "../../core/errors.ts";

const FILE_NAME = /^(\d{3})-[a-z0-9-]+\.sql$/;

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

export interface AppliedMigration {
  readonly number: number;
  readonly sha256: string;
}

/** The released migrations of one dialect in order, numbered 1, 2, 3 … without a gap; else throws `config-invalid`. */
export function loadMigrations(dialect: "sqlite" | "postgres"): readonly Migration[] {
  const directory = new URL(`../../../sql/${dialect}/`, import.meta.url);
  const migrations = readdirSync(directory)
    .filter((name) => FILE_NAME.test(name))
    .sort()
    .map((name) => loadMigration(directory, name));
  migrations.forEach((migration, i) => {
    if (migration.number !== i + 1)
      throw new AppError("config-invalid", `migration ${i + 1} for ${dialect} is missing`);
  });
  if (migrations.length === 0) throw new AppError("config-invalid", `there are no migrations for ${dialect}`);
  return migrations;
}

/**
 * The migrations that a store still lacks. Throws `store-newer` when it has one that this version does not know, and
 * `config-invalid` when a file differs from the one that was applied: a released file never changes.
 */
export function pendingMigrations(
  all: readonly Migration[],
  applied: readonly AppliedMigration[],
): readonly Migration[] {
  for (const row of applied) {
    const known = all[row.number - 1];
    if (known === undefined) {
      const facts = { stored: row.number, supported: all.length };
      throw new AppError("store-newer", `the store has schema ${row.number}, this version knows ${all.length}`, facts);
    }
    if (known.sha256 !== row.sha256) {
      throw new AppError("config-invalid", `migration ${known.name} is not the file that this store was made with`);
    }
  }
  return all.slice(applied.length);
}

function loadMigration(directory: URL, name: string): Migration {
  const sql = readFileSync(new URL(name, directory), "utf8");
  return { number: Number(name.slice(0, 3)), name, sql, sha256: hash("sha256", sql) };
}
