// One session with a database that is to be migrated: opened over the way out, with limits that a migration cannot lift.

import type { Client } from "pg";
import type { JsonObject } from "../../core/json.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { OutboundConnect } from "../../wire/contracts/egress.ts";
import type { SqlDatabaseConfig } from "../../wire/schemas/executors-config.ts";

/** Where a database is, and as whom to sign in. */
export type Connection = Omit<SqlDatabaseConfig, "name" | "environment" | "service" | "lockTimeoutMs">;

export interface Database<Config extends Connection = SqlDatabaseConfig> {
  readonly config: Config;
  readonly connect: OutboundConnect;
  readonly credentials: Credentials;
}

/**
 * What a failure means: nothing was sent, PostgreSQL refused with this SQLSTATE, or the answer is lost. Its message is
 * left out: it may quote rows.
 */
export type DatabaseProblem =
  | { readonly kind: "unreachable" | "credential-refused" | "lost" }
  | { readonly kind: "refused"; readonly sqlState: string; readonly about: JsonObject };

/** Also an error, so that it unwinds through library code. */
export class DatabaseError extends Error {
  readonly problem: DatabaseProblem;
  constructor(problem: DatabaseProblem) {
    super(problem.kind);
    this.problem = problem;
  }
}

export type Row = Readonly<Record<string, unknown>>;

export interface Session {
  /** Rejects with a DatabaseError. Text without values may hold several statements. */
  query(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Of one statement each row as its columns in order, also where several have one name. */
  table(text: string): Promise<readonly (readonly unknown[])[]>;
}

/**
 * Runs `work` in a session of its own and closes it, whatever happens; aborting `signal` cuts it. The session looks names
 * up in pg_catalog first, since its path does not name that schema, and reads strings as the standard says: migrations are
 * judged by both.
 */
export async function withSession<T>(
  database: Database<Connection>,
  signal: AbortSignal,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const client = await openClient(database, signal);
  try {
    return await work({
      query: (text, values) => run<Row>(client, values === undefined ? { text } : { text, values: [...values] }),
      // Values, be it none, make it the extended protocol: what comes after a semicolon is refused, not run.
      table: (text) => run<readonly unknown[]>(client, { text, values: [], rowMode: "array" }),
    });
  } finally {
    // Says goodbye, so that a transaction that was not committed ends at once and not when the server notices.
    void client.end().catch(() => undefined);
  }
}

async function openClient(
  { config, connect, credentials }: Database<Connection>,
  signal: AbortSignal,
): Promise<Client> {
  const { default: pg } = await import("pg");
  const password = await credentials.get(config.passwordRef, signal);
  const socket = await connect(signal).catch(() => {
    throw new DatabaseError({ kind: "unreachable" });
  });
  // The library wants to connect by itself; this socket is connected already.
  const stream = Object.assign(socket, {
    connect: () => void setImmediate(() => socket.emit("connect")),
  });
  const client = new pg.Client({
    user: config.user,
    password,
    database: config.database,
    host: config.host,
    port: config.port,
    ssl: config.tls === "off" ? false : { rejectUnauthorized: true, servername: config.host },
    stream: () => stream,
    application_name: "holdpoint",
    options: `-c search_path=${config.searchPath.join(",")} -c standard_conforming_strings=on`,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  client.on("error", () => undefined); // every query in flight is told too
  try {
    await client.connect();
  } catch (error) {
    socket.destroy();
    throw new DatabaseError({ kind: isLoginRefused(error) ? "credential-refused" : "unreachable" });
  }
  return client;
}

const CONNECT_TIMEOUT_MS = 10_000;

function isLoginRefused(error: unknown): boolean {
  return sqlStateOf(error).startsWith("28") || sqlStateOf(error) === "3D000";
}

type Query = { readonly text: string; readonly values?: unknown[]; readonly rowMode?: "array" };

async function run<Of>(client: Client, query: Query): Promise<readonly Of[]> {
  try {
    const result: unknown = await client.query(query);
    return (Array.isArray(result) ? [] : (result as { rows?: Of[] }).rows) ?? [];
  } catch (error) {
    const sqlState = sqlStateOf(error);
    // Class 57P is the server going away: what was asked may or may not have been done.
    if (sqlState === "" || sqlState.startsWith("57P")) throw new DatabaseError({ kind: "lost" });
    throw new DatabaseError({ kind: "refused", sqlState, about: namesIn(error) });
  }
}

/** What PostgreSQL says the refusal is about: names of what is defined, never values. */
function namesIn(error: unknown): JsonObject {
  const fields = error as Readonly<Record<string, unknown>>;
  const named = ["schema", "table", "column", "constraint", "dataType"].flatMap((field) => {
    const value = fields[field];
    return typeof value === "string" ? [[field, value.slice(0, 63)] as const] : [];
  });
  return Object.fromEntries(named);
}

function sqlStateOf(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : "";
}
