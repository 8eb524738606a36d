// What a migration writes down in its own transaction: that it ran, if and only if it did, and how it left its tables.

import { hash } from "node:crypto";
import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import type { ExecuteRequest } from "../../wire/contracts/executor.ts";
import type { Session } from "./sql-database.ts";
import { OWN_SCHEMA } from "./sql-own.ts";
import { isObject } from "./sql-tree.ts";

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

const JOURNAL = `create schema if not exists ${OWN_SCHEMA};
  create table if not exists ${OWN_SCHEMA}.migrations (action text primary key, grant_id text not null,
    at timestamptz not null default now(), left_as text, call_hash text)`;

const LATER_COLUMNS = `select 1 from pg_attribute
  where attrelid = to_regclass('${OWN_SCHEMA}.migrations') and attname in ('left_as', 'call_hash') and not attisdropped`;

/** Made where there is none; one from before has no place for how tables were left, or for what was approved. */
export async function keepJournal(session: Session): Promise<void> {
  await session.query(JOURNAL);
  if ((await session.query(LATER_COLUMNS)).length === 2) return;
  await session.query(`alter table ${OWN_SCHEMA}.migrations
    add column if not exists left_as text, add column if not exists call_hash text`);
}

/** What a migration is written down as: under its action's name, what was granted and approved. */
export type Approved = { readonly action: string; readonly grantId: string; readonly callHash: string };

export function approvedOf({ idempotencyKey: action, grantId, plan }: ExecuteRequest): Approved {
  // The target is left out: plans from before named none, and whose the database is changes nothing about what ran.
  const [call] = plan.calls;
  const { target: _, ...what } = isObject(call) ? call : {};
  return { action, grantId, callHash: hash("sha256", canonicalJson([plan.fingerprint, what])) };
}

export async function writeDown(
  session: Session,
  { action, grantId, callHash }: Approved,
  left: string,
): Promise<void> {
  const text = `insert into ${OWN_SCHEMA}.migrations (action, grant_id, call_hash, left_as) values ($1, $2, $3, $4)`;
  await session.query(text, [action, grantId, callHash, left]);
}

/** `foreign`: a row has the name of the action, and not what was approved; what wrote it nobody knows. */
type Written = { readonly kind: "own"; readonly left?: string } | { readonly kind: "foreign" };

/** Undefined for what never ran; else how it left its tables, which counts as much when it is asked about later. */
export async function findWritten(session: Session, approved: Approved): Promise<Written | undefined> {
  const [journal] = await session.query(`select to_regclass('${OWN_SCHEMA}.migrations') is not null as there`);
  if (journal?.["there"] !== true) return undefined;
  // As a whole: one from before has fewer columns.
  const text = `select to_jsonb(m) as entry from ${OWN_SCHEMA}.migrations m where m.action = $1`;
  const [row] = await session.query(text, [approved.action]);
  if (row === undefined) return undefined;
  const entry = entrySchema.safeParse(row["entry"]).data;
  if (entry?.grant_id !== approved.grantId || entry.call_hash !== approved.callHash) return { kind: "foreign" };
  return { kind: "own", ...(typeof entry.left_as === "string" ? { left: entry.left_as } : {}) };
}

const entrySchema = z.object({ grant_id: z.string(), call_hash: z.string(), left_as: z.string().nullish() });
