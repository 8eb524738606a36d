// The view store on SQLite: a file of its own beside the ledger, disposable, with one writer and any number of readers.

import { closeSync, existsSync, openSync, readFileSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { AppError } from "../../core/errors.ts";
import type { ViewChange, ViewPage, ViewQuery, ViewReader, ViewStore } from "../../wire/contracts/views.ts";
import { VIEW_FILTERS, type CountedView, type ViewDocuments, type ViewName } from "../../wire/types/views.ts";
import { ViewStatements } from "./views-statements.ts";

const SCHEMA = new URL("../../../sql/views/001-views.sql", import.meta.url);
const IN_MEMORY = ":memory:";
const BUSY_TIMEOUT_MS = 5_000;
const PAGE_BYTES = 8_192;
/** Holds what one large write changes, so that no page of it is written twice. */
const CACHE_KIB = 32 * 1024;
/** How much journal moves into the file at once: pages that many documents share are then moved once for all. */
const CHECKPOINT_PAGES = 4_000;
const JOURNAL_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Opens the views for writing. What was written under another `generation` (version of the projections and origin of
 * the log) or does not open is thrown away: the follower builds it again. Throws `store-unavailable`.
 */
export function openViewStore(path: string, generation: string): SqliteViews {
  try {
    return connectWriter(path, generation);
  } catch {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
  }
  try {
    return connectWriter(path, generation);
  } catch (cause) {
    throw new AppError("store-unavailable", "the views cannot be opened", {}, cause);
  }
}

/** Opens the views for reading, beside their writer. Throws `views-behind` while no writer has made them yet. */
export function openViewReader(path: string): ViewReader {
  if (!existsSync(path)) throw new AppError("views-behind", "there are no views yet");
  try {
    const database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    const views = new SqliteViews(database, "");
    views.prepare();
    return views;
  } catch (cause) {
    throw new AppError("views-behind", "the views cannot be read yet", {}, cause);
  }
}

function connectWriter(path: string, generation: string): SqliteViews {
  // Its companions take the mode of the file.
  if (path !== IN_MEMORY && !existsSync(path)) closeSync(openSync(path, "wx", 0o600));
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    // A power cut may take the newest commits, never the file's consistency; the position goes with them.
    database.exec(`
      pragma page_size = ${PAGE_BYTES}; pragma cache_size = -${CACHE_KIB}; pragma wal_autocheckpoint = ${CHECKPOINT_PAGES};
      pragma journal_mode = wal; pragma synchronous = normal; pragma trusted_schema = off;
      pragma journal_size_limit = ${JOURNAL_BYTES_MAX};
    `);
    const views = new SqliteViews(database, generation);
    if (readGeneration(database) !== generation) views.reset();
    views.prepare();
    return views;
  } catch (error) {
    database.close();
    throw error;
  }
}

function readGeneration(database: DatabaseSync): string | null {
  const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").get();
  if (table === undefined) return null;
  const row = database.prepare("SELECT value FROM meta WHERE name = 'generation'").get();
  return row === undefined ? null : String(row["value"]);
}

/** Every method runs to its end before it returns; reads take what one commit of the writer left. */
class SqliteViews implements ViewStore {
  readonly #database: DatabaseSync;
  readonly #generation: string;
  #statements: ViewStatements | null = null;

  constructor(database: DatabaseSync, generation: string) {
    this.#database = database;
    this.#generation = generation;
  }

  /** Compiles every statement, which finds a schema that is not ours. */
  prepare(): ViewStatements {
    this.#statements ??= new ViewStatements(this.#database);
    return this.#statements;
  }

  position(): number {
    return this.prepare().readPosition();
  }

  find<V extends ViewName>(view: V, id: string): ViewDocuments[V] | null {
    return this.prepare().find(view, id);
  }

  list<V extends ViewName>(view: V, query: ViewQuery): ViewPage<ViewDocuments[V]> {
    const statements = this.prepare();
    // A list is several statements, which must all see one commit.
    return this.#transact("BEGIN", () => statements.list(view, query));
  }

  counts(view: CountedView): Readonly<Record<string, number>> {
    return this.prepare().counts(view);
  }

  write(changes: readonly ViewChange[], position: number): void {
    const statements = this.prepare();
    this.#transact("BEGIN IMMEDIATE", () => {
      statements.put(changes);
      statements.writeMeta("position", String(position));
    });
  }

  reset(): void {
    this.#statements = null;
    this.#transact("BEGIN IMMEDIATE", () => {
      for (const table of ["meta", "counts", "blocks", "terms", ...Object.keys(VIEW_FILTERS)]) {
        this.#database.exec(`DROP TABLE IF EXISTS ${table}`);
      }
      this.#database.exec(readFileSync(SCHEMA, "utf8"));
      const statement = this.#database.prepare("INSERT INTO meta VALUES (?, ?)");
      statement.run("generation", this.#generation);
      statement.run("position", "0");
    });
  }

  close(): void {
    this.#statements = null;
    this.#database.close();
  }

  #transact<T>(begin: "BEGIN" | "BEGIN IMMEDIATE", work: () => T): T {
    this.#database.exec(begin);
    try {
      const result = work();
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }
}
