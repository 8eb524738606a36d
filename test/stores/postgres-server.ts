// A real PostgreSQL server for one test file, on a free port, gone when the file is done.

import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { embeddedPostgres } from "./postgres-binaries.ts";

export interface PostgresServer {
  readonly host: "127.0.0.1";
  readonly port: number;
  readonly directory: string;
  /** A connection string for a new, empty schema. */
  newSchema(): Promise<string>;
  /** Runs one statement as the superuser. */
  query(sql: string): Promise<pg.QueryResult>;
  /** Kills it with -9 and starts it again on what it left. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

const STARTS_MAX = 100;
const START_MAX_MS = 120_000;

/** Starts a server with its defaults and durable commits; takes about a second. The caller stops it. */
export async function startPostgresServer(): Promise<PostgresServer> {
  const directory = mkdtempSync(join(tmpdir(), "holdpoint-postgres-"));
  chmodSync(directory, 0o700);
  const port = await freePort();
  const password = "test";
  const EmbeddedPostgres = await embeddedPostgres();
  const server = new EmbeddedPostgres({
    databaseDir: directory,
    port,
    user: "postgres",
    password,
    createPostgresUser: process.getuid?.() === 0, // PostgreSQL does not run as root
    initdbFlags: ["--no-sync", "--encoding=UTF8"],
    postgresFlags: ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="],
    onLog: (text) => (log += text),
    onError: () => undefined,
  });
  let log = "";
  try {
    await orFail(server.initialise());
    await orFail(server.start());
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw new Error(`PostgreSQL did not start:\n${log.slice(-4_000)}`, { cause: error });
  }
  const base = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const admin = new pg.Pool({ connectionString: base, max: 2 });
  admin.on("error", () => undefined);
  let schemas = 0;
  return {
    host: "127.0.0.1",
    port,
    directory,
    query: (sql) => admin.query(sql),
    newSchema: async () => {
      const schema = `ledger_${schemas++}`;
      await admin.query(`create schema ${schema}`);
      return `${base}?options=${encodeURIComponent(`-c search_path=${schema}`)}`;
    },
    crash: async () => {
      const [pid = ""] = readFileSync(join(directory, "postmaster.pid"), "utf8").split("\n");
      process.kill(Number(pid), "SIGKILL");
      // Its children hold the old memory until they have noticed.
      for (let tries = 0; !(await hasStarted(server)); tries++) {
        if (tries === STARTS_MAX) throw new Error(`PostgreSQL did not start again:\n${log.slice(-4_000)}`);
        await sleep(100);
      }
    },
    stop: async () => {
      await admin.end();
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function hasStarted(server: { start(): Promise<void> }): Promise<boolean> {
  return server.start().then(
    () => true,
    () => false,
  );
}

/** The library hears no error of its child: one that cannot be run reaches nobody, and the library waits for ever. */
async function orFail(work: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("not in time")), START_MAX_MS);
  process.once("uncaughtException", reject);
  try {
    await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
    process.off("uncaughtException", reject);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
