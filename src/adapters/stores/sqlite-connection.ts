// A connection to an SQLite ledger file: settings, the lock of its one writer, schema, transactions, and what errors mean.

import { closeSync, constants, existsSync, fsyncSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { AppError, isAppError } from "../../core/errors.ts";
import type { ErrorCode } from "../../core/errors.ts";
import { loadMigrations, pendingMigrations } from "./migrations.ts";
import type { AppliedMigration } from "./migrations.ts";

const BUSY_TIMEOUT_MS = 1_000;
const PAGE_BYTES = 8_192;

// Primary result codes, https://www.sqlite.org/rescode.html
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_CANTOPEN = 14;
const SQLITE_CONSTRAINT = 19;
const SQLITE_NOTADB = 26;

export interface SqliteWriterOptions {
  /** The file may not grow beyond this; appends are then refused. No bound when absent. */
  readonly fileBytesMax?: number;
}

/**
 * Opens the file for writing, makes it when absent (readable by its owner alone), applies pending migrations, and moves
 * the journal into the file: what the connection then shows is on the disk itself, even if the sync of the last commit
 * before a crash had failed and its bytes had only reached the page cache. The caller holds the write lock.
 */
export function connectWriter(path: string, options: SqliteWriterOptions): DatabaseSync {
  return opening(path, () => {
    createFile(path);
    const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    return closedOnError(db, () => {
      db.exec(`pragma page_size = ${PAGE_BYTES}`);
      const mode = db.prepare("pragma journal_mode = wal").get();
      if (mode?.["journal_mode"] !== "wal")
        throw new AppError("store-unavailable", `${path} cannot use a write-ahead log`);
      db.exec(`
        pragma synchronous = full; pragma fullfsync = on; pragma checkpoint_fullfsync = on;
        pragma secure_delete = on; pragma wal_autocheckpoint = 0; pragma trusted_schema = off;
      `);
      if (options.fileBytesMax !== undefined) {
        const pageBytes = Number(db.prepare("pragma page_size").get()?.["page_size"]);
        db.exec(`pragma max_page_count = ${Math.max(1, Math.floor(options.fileBytesMax / pageBytes))}`);
      }
      migrate(db);
      truncateJournal(db, path);
      return db;
    });
  });
}

/** Opens the file for reading beside a live writer, or alone. Throws `store-unavailable` when there is no ledger in it. */
export function connectReader(path: string): DatabaseSync {
  return opening(path, () => {
    if (!existsSync(path)) throw new AppError("store-unavailable", `there is no ledger at ${path}`);
    const db = openForReading(path);
    return closedOnError(db, () => {
      if (pendingMigrations(loadMigrations("sqlite"), appliedMigrations(db)).length > 0) {
        throw new AppError("store-unavailable", `${path} holds no ledger of this version; start the server on it once`);
      }
      return db;
    });
  });
}

/**
 * Takes the right to write: an exclusive lock on a file of its own, held by the operating system for as long as this
 * process lives. Readers do not look at it. Throws `store-unavailable` when another connection holds it.
 */
export function takeWriteLock(path: string): DatabaseSync {
  const lockPath = `${path}.lock`;
  return opening(lockPath, () => {
    createFile(lockPath);
    const lock = new DatabaseSync(lockPath, { timeout: 0 });
    return closedOnError(lock, () => {
      try {
        lock.exec("pragma journal_mode = memory; begin exclusive");
      } catch (error) {
        if (primaryCode(error) !== SQLITE_BUSY) throw error;
        throw new AppError("store-unavailable", `another process already writes to the ledger at ${path}`, {}, error);
      }
      return lock;
    });
  });
}

/**
 * Runs `work` as one durable transaction. An error before COMMIT is definite, since no commit record was written; one
 * from COMMIT is not: the record may be in the journal although its sync failed (`commit-unknown`).
 */
export function transact<T>(db: DatabaseSync, work: () => T): T {
  let result: T;
  try {
    db.exec("begin immediate");
    result = work();
  } catch (error) {
    rollBack(db);
    throw readError(error);
  }
  try {
    db.exec("commit");
  } catch (error) {
    throw new AppError("commit-unknown", `the commit failed: ${messageOf(error)}`, {}, error);
  }
  return result;
}

/**
 * What an error of node:sqlite outside a COMMIT means to the caller: `ledger-corrupt`, or else `store-unavailable`.
 * A broken constraint stays as it is: only a wrong batch causes one, a programmer error and not an outage.
 */
export function readError(error: unknown): unknown {
  if (isClosedError(error)) return new AppError("store-unavailable", "the store is closed", {}, error);
  const primary = primaryCode(error);
  if (primary === undefined || primary === SQLITE_CONSTRAINT) return error;
  const code: ErrorCode =
    primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB ? "ledger-corrupt" : "store-unavailable";
  return new AppError(code, `the store answers: ${messageOf(error)}`, {}, error);
}

/** Moves the whole journal into the file and empties it. Throws `store-unavailable` while a reader is in the way. */
export function truncateJournal(db: DatabaseSync, path: string): void {
  const row = db.prepare("pragma wal_checkpoint(truncate)").get();
  const left = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  if (row?.["busy"] !== 0 || left > 0) throw new AppError("store-unavailable", `a reader holds the journal of ${path}`);
}

function rollBack(db: DatabaseSync): void {
  // Some errors (disk full, input and output) have already rolled the transaction back.
  if (!db.isTransaction) return;
  try {
    db.exec("rollback");
  } catch (error) {
    throw new AppError("commit-unknown", `rolling back failed: ${messageOf(error)}`, {}, error);
  }
}

function migrate(db: DatabaseSync): void {
  transact(db, () => {
    db.exec(
      "create table if not exists schema_migrations (number integer primary key, name text, sha256 text not null) strict",
    );
    for (const migration of pendingMigrations(loadMigrations("sqlite"), appliedMigrations(db))) {
      db.exec(migration.sql);
      db.prepare("insert into schema_migrations values (?, ?, ?)").run(
        migration.number,
        migration.name,
        migration.sha256,
      );
    }
  });
}

function appliedMigrations(db: DatabaseSync): AppliedMigration[] {
  const table = db.prepare("select 1 from sqlite_schema where type = 'table' and name = 'schema_migrations'").get();
  if (table === undefined) return [];
  const rows = db.prepare("select number, sha256 from schema_migrations order by number").all();
  return rows.map((row) => ({ number: Number(row["number"]), sha256: String(row["sha256"]) }));
}

function openForReading(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    db.prepare("select 1 from sqlite_schema").get();
    return db;
  } catch (error) {
    db.close();
    // A medium that cannot be written has no room for the journal's index. Without a journal the file is all there is.
    const journalBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    if (primaryCode(error) !== SQLITE_CANTOPEN || journalBytes > 0) throw error;
    return new DatabaseSync(new URL(`${pathToFileURL(path).href}?immutable=1`), { readOnly: true });
  }
}

function createFile(path: string): void {
  // Never open an existing file here: closing it would drop the locks that this process holds on it.
  // https://www.sqlite.org/howtocorrupt.html section 2.2
  if (existsSync(path)) return;
  closeSync(openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600));
  const directory = openSync(dirname(path), constants.O_RDONLY);
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function opening<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (isAppError(error)) throw error;
    const known = readError(error);
    if (isAppError(known)) throw new AppError(known.code, `${path}: ${known.message}`, {}, error);
    throw new AppError("store-unavailable", `${path} cannot be opened: ${messageOf(error)}`, {}, error);
  }
}

function closedOnError<T>(db: DatabaseSync, use: () => T): T {
  try {
    return use();
  } catch (error) {
    db.close();
    throw error;
  }
}

function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  return error.errcode & 0xff;
}

/** What node:sqlite throws for a closed database or one of its statements. */
function isClosedError(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_INVALID_STATE";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
