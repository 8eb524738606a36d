// The right to write to a PostgreSQL ledger: one session holds it, and the server gives it back when that session ends.
//
// It keeps a second server from starting beside the first. What keeps a server that has lost it, and does not know yet,
// from writing is the fence of `append`: whoever takes over appends before anything else, and from then on the log does
// not end where the other believes.

import pg from "pg";
import { AppError } from "../../core/errors.ts";
import { messageOf, withoutPassword } from "./postgres-errors.ts";

const WRITE_LOCK = 4_600_002; // any number, the same in every version
/** The session of a process that was killed is gone a moment later, not at once. */
const LOCK_WAIT_MS = 3_000;
const BEAT_EVERY_MS = 2_000;
const ANSWER_MAX_MS = 10_000;
const LOCK_NOT_AVAILABLE = "55P03"; // https://www.postgresql.org/docs/current/errcodes-appendix.html

/** A host that vanished must not hold the lock for the two hours that systems wait by default. */
const NOTICE_SILENCE = "set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3";

export interface WriteLock {
  /** Gives it back. */
  release(): Promise<void>;
}

/**
 * Waits up to 3 s for the lock of the ledger in the first schema of the search path; the tables exist. It belongs to a
 * session, so the connection string must lead to the server itself or to a pool in session mode. `onLost` is called
 * once, when the session ends or no longer answers: the process must then stop. Throws `store-unavailable`.
 */
export async function takeWriteLock(connectionString: string, onLost: (error: AppError) => void): Promise<WriteLock> {
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: 5_000,
    lock_timeout: LOCK_WAIT_MS,
    query_timeout: ANSWER_MAX_MS,
    keepAlive: true,
    application_name: "holdpoint writer",
  });
  /** Its heartbeat, for as long as the lock is held. */
  let held: NodeJS.Timeout | null = null;
  const drop = (): boolean => {
    if (held === null) return false;
    clearInterval(held);
    held = null;
    return true;
  };
  const lose = (cause?: unknown): void => {
    if (!drop()) return;
    const told = withoutPassword(cause, connectionString);
    onLost(new AppError("store-unavailable", "the right to write to the ledger is lost", {}, told));
  };
  client.on("error", lose);
  client.on("end", () => lose());
  try {
    await client.connect();
    await client.query(NOTICE_SILENCE);
    await client.query("select pg_advisory_lock($1, 'head'::regclass::oid::integer)", [WRITE_LOCK]);
  } catch (error) {
    await client.end().catch(() => undefined); // already broken: nothing is left to end
    throw lockError(withoutPassword(error, connectionString));
  }
  held = setInterval(() => void client.query("select 1").catch(lose), BEAT_EVERY_MS);
  return {
    release: async () => {
      drop();
      await client.end().catch(() => undefined); // it ended by itself: the lock is free as well
    },
  };
}

function lockError(error: unknown): AppError {
  const isHeld = error instanceof pg.DatabaseError && error.code === LOCK_NOT_AVAILABLE;
  const detail = isHeld ? "another process already writes to this ledger" : `PostgreSQL: ${messageOf(error)}`;
  return new AppError("store-unavailable", detail, {}, error);
}
