// Connections to a PostgreSQL ledger: pool and timeouts, schema, transactions, and what errors mean.

import pg from "pg";
import { AppError, isAppError } from "../../core/errors.ts";
import { loadMigrations, pendingMigrations } from "./migrations.ts";
import type { AppliedMigration } from "./migrations.ts";
import { messageOf, readError, withoutPassword } from "./postgres-errors.ts";

const MIGRATION_LOCK = 4_600_001; // any number, the same in every version
const VACUUM_TIMEOUT_MS = 30 * 60_000;

export interface PostgresOptions {
  /** `postgres://…`; the tables live in the first schema of its search path. */
  readonly connectionString: string;
  readonly connectionsMax?: number;
  readonly connectTimeoutMs?: number;
  /** Of one statement, and of waiting for a lock. */
  readonly statementTimeoutMs?: number;
  /**
   * When given, the store opens as the ledger's only writer, and this is called if it loses that right: the process
   * must then stop. When absent, only the sequence fences it.
   */
  readonly onLockLost?: (error: AppError) => void;
}

/** A pool whose broken connections are dropped and replaced; opens none yet. */
export function makePool(options: PostgresOptions): pg.Pool {
  const timeoutMs = options.statementTimeoutMs ?? 10_000;
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    max: options.connectionsMax ?? 4,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    statement_timeout: timeoutMs,
    lock_timeout: timeoutMs,
    // Frees the fence when this process is gone and its connection does not know yet.
    idle_in_transaction_session_timeout: timeoutMs,
    // The server's own timeout comes first; this one is for a server that no longer answers.
    query_timeout: timeoutMs + 2_000,
    keepAlive: true,
    application_name: "holdpoint",
  });
  // An idle connection that breaks is already out of the pool; the next use makes another or reports the failure.
  pool.on("error", () => undefined);
  return pool;
}

/**
 * Applies pending migrations (one process at a time) and returns the statement that begins a durable transaction.
 * Throws `store-newer`, `config-invalid` (a released migration changed; the server runs without fsync), `store-unavailable`.
 */
export async function prepareStore(pool: pg.Pool): Promise<string> {
  const begin = await withClient(pool, beginStatement);
  const all = loadMigrations("postgres");
  const pending = pendingMigrations(all, await withClient(pool, appliedMigrations));
  if (pending.length > 0) await migrate(pool, begin);
  return begin;
}

/** For reading: the tables must be those of this version. Throws `store-unavailable`, `store-newer`, `config-invalid`. */
export async function checkStore(pool: pg.Pool): Promise<void> {
  const pending = pendingMigrations(loadMigrations("postgres"), await withClient(pool, appliedMigrations));
  if (pending.length === 0) return;
  throw new AppError("store-unavailable", "there is no ledger of this version; start the server on it once");
}

/**
 * Runs `work` as one transaction. Until COMMIT is sent a failure is definite: the server drops what is not committed.
 * From then on only its answer tells (`commit-unknown`): even an error can come after the commit was made locally.
 */
export async function transact<T>(
  pool: pg.Pool,
  begin: string,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await connect(pool);
  let result: T;
  try {
    await client.query(begin);
    result = await work(client);
  } catch (error) {
    await rollBack(client);
    throw readError(error, addressOf(pool));
  }
  let tag: string;
  try {
    tag = (await client.query("commit")).command;
  } catch (error) {
    client.release(true);
    const told = withoutPassword(error, addressOf(pool));
    throw new AppError("commit-unknown", `the answer to a commit is lost: ${messageOf(told)}`, {}, told);
  }
  client.release();
  if (tag !== "COMMIT") throw new AppError("store-unavailable", "the server rolled the transaction back");
  return result;
}

/** Runs reads on one connection, each statement for itself. Throws `store-unavailable`. */
export async function withClient<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await connect(pool);
  try {
    const result = await work(client);
    client.release();
    return result;
  } catch (error) {
    // A connection that the server still speaks on is good; any other may hold half an answer.
    client.release(!(error instanceof pg.DatabaseError) && !isAppError(error));
    throw readError(error, addressOf(pool));
  }
}

/** Runs one long maintenance statement on a connection of its own. Throws `store-unavailable`. */
export async function vacuum(connectionString: string, statement: string): Promise<void> {
  const client = new pg.Client({
    connectionString,
    statement_timeout: VACUUM_TIMEOUT_MS,
    query_timeout: VACUUM_TIMEOUT_MS + 2_000,
    lock_timeout: 10_000,
    application_name: "holdpoint vacuum",
  });
  client.on("error", () => undefined); // the pending query rejects with it too
  try {
    await client.connect();
    await client.query(statement);
  } catch (error) {
    throw readError(error, connectionString);
  } finally {
    await client.end().catch(() => undefined); // already broken: nothing is left to end
  }
}

/** The class-25 code for a write in a session, standby or server that only reads. */
export function isReadOnlyError(error: unknown): boolean {
  const cause = error instanceof AppError ? error.cause : error;
  return cause instanceof pg.DatabaseError && cause.code === "25006";
}

function addressOf(pool: pg.Pool): string {
  return pool.options.connectionString ?? "";
}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    const client = await pool.connect();
    // Without a listener a connection that breaks while in use would end the process; its query rejects as well.
    if (client.listenerCount("error") === 0) client.on("error", () => undefined);
    return client;
  } catch (error) {
    throw readError(error, addressOf(pool));
  }
}

async function rollBack(client: pg.PoolClient): Promise<void> {
  try {
    await client.query("rollback");
    client.release();
  } catch {
    client.release(true); // closing the connection makes the server roll back
  }
}

async function beginStatement(client: pg.PoolClient): Promise<string> {
  const { rows } = await client.query<{ fsync: string | null; synchronous: string | null }>(
    "select current_setting('fsync', true) as fsync, current_setting('synchronous_commit', true) as synchronous",
  );
  if (rows[0]?.fsync === "off") {
    throw new AppError("config-invalid", "the PostgreSQL server runs with fsync = off: commits would not be durable");
  }
  const begin = "begin isolation level read committed";
  return rows[0]?.synchronous === "off" ? `${begin}; set local synchronous_commit = on` : begin;
}

async function migrate(pool: pg.Pool, begin: string): Promise<void> {
  await transact(pool, begin, async (client) => {
    await client.query("select pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
    await client.query(
      "create table if not exists schema_migrations (number integer primary key, name text not null, sha256 text not null)",
    );
    for (const migration of pendingMigrations(loadMigrations("postgres"), await appliedMigrations(client))) {
      await client.query(migration.sql);
      const row = [migration.number, migration.name, migration.sha256];
      await client.query("insert into schema_migrations values ($1, $2, $3)", row);
    }
  });
}

async function appliedMigrations(client: pg.PoolClient): Promise<AppliedMigration[]> {
  const table = await client.query<{ name: string | null }>("select to_regclass('schema_migrations')::text as name");
  if (table.rows[0]?.name === null) return [];
  return (await client.query<AppliedMigration>("select number, sha256 from schema_migrations order by number")).rows;
}
