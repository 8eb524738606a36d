// What was written since into what a revert would drop: rows that the migration did not write itself, and values that it
// did not give.

import type { JsonObject } from "../../core/json.ts";
import { quoted } from "./sql-catalog.ts";
import type { Session } from "./sql-database.ts";
import { joinedName, listOf, namesOf, relationName, textOf, unwrap } from "./sql-tree.ts";

/** What goes with all that is in it: a table, or a column of one. */
export type Dropped = { readonly relation: string; readonly column: string | null };

export function dropsOf(type: string, node: JsonObject): readonly Dropped[] {
  if (type === "DropStmt" && node["removeType"] === "OBJECT_TABLE") {
    const names = listOf(node["objects"]).map((one) => namesOf(unwrap(one, "List")?.["items"]));
    return names.map((name) => ({ relation: joinedName(name), column: null }));
  }
  const relation = type === "AlterTableStmt" ? relationName(node["relation"]) : null;
  return listOf(node["cmds"]).flatMap((one) => {
    const command = unwrap(one, "AlterTableCmd");
    const isDrop = relation !== null && command?.["subtype"] === "AT_DropColumn";
    return isDrop ? [{ relation, column: textOf(command["name"]) }] : [];
  });
}

/** Of the transaction that is under way, as rows that it writes have it in `xmin`. */
export async function readTransaction(session: Session): Promise<string> {
  const [row] = await session.query("select pg_current_xact_id()::xid::text as id");
  return String(row?.["id"]);
}

/** Takes the locks that dropping takes: what is looked for then is not written in between. */
export async function lockDropped(session: Session, drops: readonly Dropped[]): Promise<void> {
  for (const relation of new Set(drops.map((one) => one.relation))) {
    await session.query(`lock table ${quoted(relation)} in access exclusive mode`);
  }
}

/**
 * The first of these in which somebody has written since the migration, whose transaction is `transaction` (null: nobody
 * knows): all rows count but those that are as it wrote them. What row security hides is refused, not overlooked.
 */
export async function findWrittenSince(
  session: Session,
  drops: readonly Dropped[],
  transaction: string | null,
): Promise<Dropped | undefined> {
  if (drops.length > 0) await session.query("set local row_security = off");
  const tables = drops.flatMap(({ relation, column }) => (column === null ? [quoted(relation)] : []));
  for (const one of drops) {
    const name = quoted(one.relation);
    const [there] = await session.query(THERE, [name, tables]);
    if (there === undefined) continue;
    if (one.column === null && there["joined"] === true) return one;
    const changed = one.column === null ? "true" : await changedIn(session, name, one.column);
    const later = transaction === null ? "true" : `xmin <> '${transaction}'::xid`;
    if (changed === null) continue;
    if ((await session.query(`select 1 from ${name} where ${later} and ${changed} limit 1`)).length > 0) return one;
  }
  return undefined;
}

/** Partitions that others have added go with their table. */
const THERE = `select exists (select 1 from pg_inherits i where i.inhparent = c.oid
    and not i.inhrelid = any (select to_regclass(t) from unnest($2::text[]) t where to_regclass(t) is not null)) as joined
  from pg_class c where c.oid = to_regclass($1)`;

const COLUMN = `
  select quote_ident(a.attname) as name, format_type(a.atttypid, a.atttypmod) as type, a.attgenerated <> '' as computed,
    (a.attmissingval::text::text[])[1] as given,
    case when d.adbin::text like '{CONST %' then pg_get_expr(d.adbin, d.adrelid) end as constant
  from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = to_regclass($1) and a.attname = $2 and not a.attisdropped`;

/**
 * The condition that tells rows whose column is not as it was given; null for what is computed, which nobody writes. What
 * a default was for rows from before PostgreSQL keeps until it writes the table again; a constant one is known anyway.
 */
async function changedIn(session: Session, relation: string, column: string): Promise<string | null> {
  const [row] = await session.query(COLUMN, [relation, column]);
  if (row === undefined || row["computed"] === true) return null;
  const name = String(row["name"]);
  const { given, constant } = row;
  // As PostgreSQL writes values: not all types can be compared.
  const differs = (from: string): string => `(${name} is null or format('%s', ${name}) <> ${from})`;
  if (typeof given === "string") return differs(literal(given));
  if (typeof constant === "string") return differs(`format('%s', (${constant})::${String(row["type"])})`);
  return `${name} is distinct from null`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
