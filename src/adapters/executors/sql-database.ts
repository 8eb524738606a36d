// One session with a database that is to be migrated: opened over the way out, with limits that a migration cannot lift.

import type { Socket } from "node:net";
import type { Client, Connection as Protocol } from "pg";
import type { JsonObject } from "../../core/json.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { OutboundConnect } from "../../wire/contracts/egress.ts";
import type { SqlDatabaseConfig } from "../../wire/schemas/executors-config.ts";
import { readSecretText } from "./secret-reading.ts";

/** Where a database is, and as whom to sign in. */
export type Connection = Omit<SqlDatabaseConfig, "name" | "environment" | "service" | "lockTimeoutMs">;

export interface Database<Config extends Connection = SqlDatabaseConfig> {
  readonly config: Config;
  readonly connect: OutboundConnect;
  readonly credentials: Credentials;
}

/**
 * What a failure means: nothing was sent, PostgreSQL refused with this SQLSTATE, it was told to stop and does nothing any
 * more, or the answer is lost and it may still be at work. Its message is left out: it may quote rows.
 */
export type DatabaseProblem =
  | { readonly kind: "unreachable" | "credential-refused" | "credential-missing" }
  | { readonly kind: "stopped"; readonly code: "timeout" | "aborted" }
  | { readonly kind: "lost"; readonly code: "timeout" | "aborted" | "connection-lost" }
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
  /** Is not cancelled: whether it came too late would be nobody's to tell, nor whether a standby has it. */
  commit(): Promise<void>;
}

/**
 * Runs `work` in a session of its own and closes it, whatever happens. Aborting `signal` has PostgreSQL cancel what it
 * runs, since a backend in the midst of a statement does not notice that its client has gone; what does not end soon is cut.
 * The session looks names up in pg_catalog first, since its path does not name that schema, and reads strings as the
 * standard says: migrations are judged by both.
 */
export async function withSession<T>(
  database: Database<Connection>,
  signal: AbortSignal,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const cut = new AbortController();
  let isCommitting = false;
  let timer: NodeJS.Timeout | undefined;
  let stop = (): void => cut.abort(signal.reason);
  const onAbort = (): void => stop();
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) stop();
  try {
    const client = await openClient(database, cut.signal);
    stop = () => {
      timer = setTimeout(() => cut.abort(signal.reason), CANCEL_TIMEOUT_MS);
      if (!isCommitting) void cancel(database, client).catch(() => undefined);
    };
    try {
      return await work({
        query: (text, values) =>
          run<Row>(client, values === undefined ? { text } : { text, values: [...values] }, signal),
        // Values, be it none, make it the extended protocol: what comes after a semicolon is refused, not run.
        table: (text) => run<readonly unknown[]>(client, { text, values: [], rowMode: "array" }, signal),
        commit: async () => {
          isCommitting = true;
          await run(client, { text: "commit" }, signal);
        },
      });
    } finally {
      // Says goodbye, so that a transaction that was not committed ends at once and not when the server notices.
      void client.end().catch(() => undefined);
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

/**
 * Asks the server over a connection of its own to cancel what the client's backend runs. It says nothing about whether it
 * did: the answer of what was cancelled does.
 */
async function cancel({ config, connect }: Database<Connection>, client: Client): Promise<void> {
  const { default: pg } = await import("pg");
  const socket = await connect(AbortSignal.timeout(CANCEL_TIMEOUT_MS));
  const protocol = new pg.Connection({ stream: () => connected(socket), ssl: tlsOf(config) }) as CancelProtocol;
  const { processID, secretKey } = client as Client & BackendKey;
  const send = (): void => protocol.cancel(processID, secretKey);
  protocol.on("error", () => socket.destroy());
  protocol.on("connect", () => (config.tls === "off" ? send() : protocol.requestSsl()));
  protocol.on("sslconnect", send);
  protocol.connect(config.port, config.host);
}

/** Less than what a step that was told to end has left to say how it ended. */
const CANCEL_TIMEOUT_MS = 3_000;

/** What the library has and its types do not name. */
type BackendKey = { readonly processID: number; readonly secretKey: number };
type CancelProtocol = Protocol & {
  connect(port: number, host: string): void;
  requestSsl(): void;
  cancel(processID: number, secretKey: number): void;
};

/** The library wants to connect by itself; this socket is connected already. */
function connected(socket: Socket): Socket {
  return Object.assign(socket, {
    connect: () => void setImmediate(() => socket.emit("connect")),
  });
}

function tlsOf({ tls, host }: Connection) {
  return tls === "off" ? false : { rejectUnauthorized: true, servername: host };
}

async function openClient(
  { config, connect, credentials }: Database<Connection>,
  signal: AbortSignal,
): Promise<Client> {
  const { default: pg } = await import("pg");
  const password = await readSecretText(credentials, config.passwordRef, signal);
  if (password === undefined) throw new DatabaseError({ kind: signal.aborted ? "unreachable" : "credential-missing" });
  const socket = await connect(signal).catch(() => {
    throw new DatabaseError({ kind: "unreachable" });
  });
  const stream = connected(socket);
  const client = new pg.Client({
    user: config.user,
    password,
    database: config.database,
    host: config.host,
    port: config.port,
    ssl: tlsOf(config),
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

async function run<Of>(client: Client, query: Query, signal: AbortSignal): Promise<readonly Of[]> {
  // The one before it was answered, so the backend waits, and ends when it is told goodbye.
  if (signal.aborted) throw new DatabaseError({ kind: "stopped", code: codeOf(signal) });
  try {
    const result: unknown = await client.query(query);
    return (Array.isArray(result) ? [] : (result as { rows?: Of[] }).rows) ?? [];
  } catch (error) {
    const sqlState = sqlStateOf(error);
    // Class 57P is the server going away: what was asked may or may not have been done.
    if (sqlState === "" || sqlState.startsWith("57P")) {
      throw new DatabaseError({ kind: "lost", code: signal.aborted ? codeOf(signal) : "connection-lost" });
    }
    if (sqlState === "57014" && signal.aborted) throw new DatabaseError({ kind: "stopped", code: codeOf(signal) });
    throw new DatabaseError({ kind: "refused", sqlState, about: namesIn(error) });
  }
}

function codeOf({ reason }: AbortSignal): "timeout" | "aborted" {
  return reason instanceof Error && reason.name === "TimeoutError" ? "timeout" : "aborted";
}

/**
 * Limits of the transaction's statements from here on. They also end while there is still time to hear of it: PostgreSQL
 * itself then says that nothing was done, and nobody has to cut it short.
 */
export function limitsOf(limits: { lockTimeoutMs: number; statementTimeoutMs: number }, untilMs: number): string {
  const leftMs = Math.max(1, Math.floor(untilMs - performance.now()));
  return `set local lock_timeout = ${limits.lockTimeoutMs};
    set local statement_timeout = ${Math.min(limits.statementTimeoutMs, leftMs)}`;
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
