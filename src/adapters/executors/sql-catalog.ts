// What the catalog knows about the tables of a migration: sizes, keys, types, and a fingerprint of how they are defined.

import { hash } from "node:crypto";
import { canonicalJson } from "../../core/canonical-json.ts";
import type { Json } from "../../core/json.ts";
import type { Row, Session } from "./sql-database.ts";
import { joinedName } from "./sql-tree.ts";

export type TableFacts = {
  /** As the migration writes it. */
  readonly relation: string;
  /** In which it is, also where that is not written. */
  readonly schema: string;
  readonly hasPartitions: boolean;
  readonly bytes: number;
  readonly rows: number;
  readonly triggers: number;
  /** Columns of each unique index that covers every row; of a table that others inherit from none does. */
  readonly keys: readonly (readonly string[])[];
  /** Type of each column, as `format_type` writes it. */
  readonly types: Readonly<Record<string, string>>;
  /** Of its columns, indexes, constraints and triggers; of a view also what it selects. */
  readonly fingerprint: string;
};

/** Other tables inherit from it, and their rows are its own where nobody says ONLY; its indexes do not cover them, as those of partitions do. */
const HAS_HEIRS = `(c.relkind in ('r', 'f') and exists (select from pg_inherits h where h.inhparent = c.oid))`;

const FACTS = `
  select asked.n::int, c.oid::text as oid, (select nspname from pg_namespace where oid = c.relnamespace) as place, pg_total_relation_size(c.oid)::float8 as bytes, greatest(c.reltuples, 0)::float8 as rows,
    c.relkind = 'p' as partitioned,
    (select count(*)::int from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal) as triggers,
    coalesce((select jsonb_agg(k.columns) from (
      select (select jsonb_agg(a.attname order by a.attnum) from pg_attribute a
        where a.attrelid = c.oid and a.attnum = any (i.indkey::int2[])) as columns
      from pg_index i where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null
        and i.indexprs is null and not ${HAS_HEIRS}) k), '[]') as keys,
    coalesce((select jsonb_object_agg(a.attname, format_type(a.atttypid, a.atttypmod)) from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '{}') as types,
    jsonb_build_array(
      (select jsonb_agg(jsonb_build_array(a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        pg_get_expr(d.adbin, d.adrelid)) order by a.attnum) from pg_attribute a
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
      (select jsonb_agg(pg_get_indexdef(i.indexrelid) order by i.indexrelid) from pg_index i where i.indrelid = c.oid),
      (select jsonb_agg(jsonb_build_array(n.conname, pg_get_constraintdef(n.oid)) order by n.conname)
        from pg_constraint n where n.conrelid = c.oid),
      (select jsonb_agg(pg_get_triggerdef(t.oid) order by t.tgname) from pg_trigger t
        where t.tgrelid = c.oid and not t.tgisinternal),
      case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid)
        when c.relkind in ('i', 'I') then pg_get_indexdef(c.oid) end)
      || case when ${HAS_HEIRS} then '["inherited"]'::jsonb else '[]'::jsonb end as definition
  from unnest($1::text[]) with ordinality as asked (name, n) join pg_class c on c.oid = to_regclass(asked.name)
  order by asked.n`;

/** What is known of these tables, each once and in order of their names; those that do not exist are left out. */
export async function readTables(session: Session, relations: Iterable<string>): Promise<readonly TableFacts[]> {
  const asked = [...new Set(relations)].sort();
  const rows = await session.query(FACTS, [asked.map(quoted)]);
  return rows.map((row) => toFacts(String(asked[Number(row["n"]) - 1]), row));
}

const SCHEMA_RELATIONS_MAX = 1_000;

/** All relations of these schemas, by their names with it; of more than a thousand their number stands for the rest. */
export async function readSchemas(session: Session, schemas: readonly string[]): Promise<readonly string[]> {
  if (schemas.length === 0) return [];
  const rows = await session.query(
    `select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any ($1::text[]) and c.relkind <> 'c' order by 1, 2`,
    [schemas],
  );
  const names = rows.map((row) => joinedName([String(row["schema"]), String(row["name"])]));
  const rest = names.length - SCHEMA_RELATIONS_MAX;
  return rest <= 0 ? names : [...names.slice(0, SCHEMA_RELATIONS_MAX), `${rest} more`];
}

/**
 * What is written by whoever writes to that view: the first relation of its query. A view of several takes no writes. Before
 * PostgreSQL 16 the view itself stood first.
 */
export const standsFor = (view: string): string => `(
  select f.found[1]::oid from pg_rewrite b cross join lateral
    regexp_matches(b.ev_action::text, ':relid (\\d+)', 'g') with ordinality as f (found, n)
  where b.ev_class = ${view} and b.ev_type = '1' and f.found[1]::oid <> b.ev_class order by f.n limit 1)`;

/** Each part in double quotes: names come from the parse tree, where they stand as PostgreSQL folded them. */
export function quoted(relation: string): string {
  const parts = relation.match(/"(?:[^"]|"")*"|[^."]+/g) ?? [];
  return parts.map((part) => (part.startsWith('"') ? part : `"${part}"`)).join(".");
}

function toFacts(relation: string, row: Row): TableFacts {
  return {
    relation,
    schema: String(row["place"]),
    hasPartitions: row["partitioned"] === true,
    bytes: Number(row["bytes"]),
    rows: Number(row["rows"]),
    triggers: Number(row["triggers"]),
    keys: row["keys"] as readonly (readonly string[])[],
    types: row["types"] as Readonly<Record<string, string>>,
    fingerprint: hash("sha256", canonicalJson([String(row["oid"]), row["definition"] as Json])),
  };
}

/** Over all tables, those that do not exist yet, and somebody's code that is run: what a plan was made against. */
export function fingerprintOf(
  relations: Iterable<string>,
  tables: readonly TableFacts[],
  code: { readonly fingerprint: string | null } = { fingerprint: null },
): string {
  const known = new Map(tables.map((table) => [table.relation, table.fingerprint]));
  const all = [...new Set(relations)].sort().map((relation) => [relation, known.get(relation) ?? null]);
  return hash("sha256", canonicalJson(code.fingerprint === null ? all : [...all, code.fingerprint]));
}

/** True when equality of these columns with constants picks at most one row for each of them. */
export function picksFewRows({ keys }: Pick<TableFacts, "keys">, columns: readonly string[]): boolean {
  return keys.some((key) => key.length > 0 && key.every((column) => columns.includes(column)));
}

const WHOLE = ["smallint", "integer", "bigint"];
const FRACTION = ["real", "double precision"];
const TEXT_OF = /^character varying(?:\((\d+)\))?$/;
const NUMERIC_OF = /^numeric(?:\((\d+),(\d+)\))?$/;

/** Whether every value of one type is a value of the other, so that nothing can be lost or refused. */
export function widens(from: string, to: string): boolean {
  if (from === to) return true;
  for (const order of [WHOLE, FRACTION]) {
    if (order.includes(from) && order.includes(to)) return order.indexOf(from) < order.indexOf(to);
  }
  const text = TEXT_OF.exec(from);
  if (text !== null && to === "text") return true;
  const wider = TEXT_OF.exec(to);
  if (text !== null && wider !== null) return wider[1] === undefined || Number(text[1] ?? Infinity) <= Number(wider[1]);
  return widensNumeric(NUMERIC_OF.exec(from), NUMERIC_OF.exec(to));
}

function widensNumeric(from: RegExpExecArray | null, to: RegExpExecArray | null): boolean {
  if (from === null || to === null) return false;
  if (to[1] === undefined) return true;
  if (from[1] === undefined) return false;
  const whole = (of: RegExpExecArray): number => Number(of[1]) - Number(of[2]);
  return Number(to[2]) >= Number(from[2]) && whole(to) >= whole(from);
}
