// What a migration writes down in its own transaction: that it ran, if and only if it did, and how it left its tables.

import { hash } from "node:crypto";
import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import { AppError } from "../../core/errors.ts";
import type { ExecuteRequest } from "../../wire/contracts/executor.ts";
import type { Session } from "./sql-database.ts";
import { OWN_SCHEMA } from "./sql-own.ts";
import { isObject } from "./sql-tree.ts";

/** A number that PostgreSQL gives a transaction, as rows that it writes have it in `xmin`. */
export const TRANSACTION = /^[0-9]{1,10}$/;

const leftSchema = z.object({
  fingerprint: z.string(),
  relations: z.array(z.string()),
  /** Not kept by those from before. */
  transaction: z.string().regex(TRANSACTION).optional(),
});
type Left = { readonly fingerprint: string; readonly relations: readonly string[]; readonly transaction: string };

/** The tables of the migration and how they are now: its inverse is run only while they still are. */
export function leftAs({ fingerprint, relations, transaction }: Left): string {
  return JSON.stringify({ fingerprint, relations: [...new Set(relations)], transaction });
}

/** What is longer stays in the journal's row; the outcome names that row, and says what is in it. */
const LEFT_CHARS_MAX = 8_192;

const keptSchema = z.strictObject({ keptIn: z.string(), digest: z.string() });

/** For the outcome: short enough to be recorded whole, however many tables there are. */
export function leftToTell(action: string, left: string): string {
  return left.length <= LEFT_CHARS_MAX ? left : JSON.stringify({ keptIn: action, digest: hash("sha256", left) });
}

type Told = Omit<Left, "transaction"> & { readonly transaction: string | null };

/** Throws `target-moved` where it cannot be read, or its row is gone or another: then nobody knows how it was left. */
export async function readLeft(session: Session, told: string): Promise<Told> {
  const kept = keptSchema.safeParse(parsed(told)).data;
  const left = kept === undefined ? told : await readKept(session, kept);
  const how = leftSchema.safeParse(parsed(left)).data;
  if (how === undefined) throw new AppError("target-moved", "nobody knows any more how it was left");
  return { ...how, transaction: how.transaction ?? null };
}

async function readKept(session: Session, { keptIn, digest }: z.output<typeof keptSchema>): Promise<string> {
  const [journal] = await session.query(`select to_regclass('${OWN_SCHEMA}.migrations') is not null as there`);
  if (journal?.["there"] !== true) return "";
  const text = `select left_as from ${OWN_SCHEMA}.migrations where action = $1`;
  const left = (await session.query(text, [keptIn]))[0]?.["left_as"];
  return typeof left === "string" && hash("sha256", left) === digest ? left : "";
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
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
type Written = { readonly kind: "own"; readonly told: { readonly left?: string } } | { readonly kind: "foreign" };

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
  const left = entry.left_as ?? undefined;
  return { kind: "own", told: left === undefined ? {} : { left: leftToTell(approved.action, left) } };
}

const entrySchema = z.object({ grant_id: z.string(), call_hash: z.string(), left_as: z.string().nullish() });
