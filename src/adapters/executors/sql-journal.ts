// What a migration writes down in its own transaction: that it ran, if and only if it did, and how it left its tables.

import { z } from "zod";
import type { Session } from "./sql-database.ts";

/** A number that PostgreSQL gives a transaction, as rows that it writes have it in `xmin`. */
export const TRANSACTION = /^[0-9]{1,10}$/;

const leftSchema = z.object({
  fingerprint: z.string(),
  relations: z.array(z.string()).max(1_000),
  /** Not kept by those from before. */
  transaction: z.string().regex(TRANSACTION).optional(),
});
type Left = { readonly fingerprint: string; readonly relations: readonly string[]; readonly transaction: string };

/** The tables of the migration and how they are now: its inverse is run only while they still are. */
export function leftAs({ fingerprint, relations, transaction }: Left): string {
  return JSON.stringify({ fingerprint, relations: [...new Set(relations)], transaction });
}

export function readLeft(left: string): Omit<Left, "transaction"> & { readonly transaction: string | null } {
  const { transaction = null, ...how } = leftSchema.parse(JSON.parse(left));
  return { ...how, transaction };
}

const JOURNAL = `create schema if not exists holdpoint;
  create table if not exists holdpoint.migrations
    (action text primary key, grant_id text not null, at timestamptz not null default now(), left_as text)`;

const LEFT_AS = `select 1 from pg_attribute
  where attrelid = to_regclass('holdpoint.migrations') and attname = 'left_as' and not attisdropped`;

/** Made where there is none; one from before has no place for how tables were left. */
export async function keepJournal(session: Session): Promise<void> {
  await session.query(JOURNAL);
  if ((await session.query(LEFT_AS)).length > 0) return;
  await session.query("alter table holdpoint.migrations add column if not exists left_as text");
}

type Entry = { readonly action: string; readonly grantId: string; readonly left: string };

export async function writeDown(session: Session, { action, grantId, left }: Entry): Promise<void> {
  const row = [action, grantId, left];
  await session.query("insert into holdpoint.migrations (action, grant_id, left_as) values ($1, $2, $3)", row);
}

/** Undefined for what never ran; else how it left its tables, which counts as much when it is asked about later. */
export async function findWritten(session: Session, action: string): Promise<{ readonly left?: string } | undefined> {
  const [journal] = await session.query("select to_regclass('holdpoint.migrations') is not null as there");
  if (journal?.["there"] !== true) return undefined;
  const isKept = (await session.query(LEFT_AS)).length > 0;
  const column = isKept ? "left_as" : "null as left_as";
  const [row] = await session.query(`select ${column} from holdpoint.migrations where action = $1`, [action]);
  if (row === undefined) return undefined;
  const left = row["left_as"];
  return typeof left === "string" ? { left } : {};
}
