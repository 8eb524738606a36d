// Names in a migration that mean what PostgreSQL brings along, unless somebody in the database has defined them too.

import type { Json } from "../../core/json.ts";
import type { Session } from "./sql-database.ts";
import { listOf, namesOf, textOf, unwrap, type SqlNode } from "./sql-tree.ts";

export type SqlNames = {
  /** Called as functions. */
  readonly calls: readonly string[];
  /** Behind a dot: what is no column is a function that takes the row (manual, 4.2.6). */
  readonly fields: readonly string[];
  readonly operators: readonly string[];
};

/** What a node names without saying in which schema; empty for most. */
export function namesIn({ type, node }: SqlNode): SqlNames {
  const names = (list: Json | undefined): readonly string[] => namesOf(list).filter((name) => name !== "");
  switch (type) {
    case "FuncCall":
      return { ...NONE, calls: names(node["funcname"]).slice(-1) };
    case "ColumnRef":
      return { ...NONE, fields: names(node["fields"]).slice(1) };
    case "A_Indirection":
      return { ...NONE, fields: listOf(node["indirection"]).map((one) => textOf(unwrap(one, "String")?.["sval"])) };
    case "A_Expr":
      return { ...NONE, operators: names(node["name"]).slice(-1) };
    default:
      return NONE;
  }
}

const NONE: SqlNames = { calls: [], fields: [], operators: [] };

export function allNames(parts: readonly SqlNames[]): SqlNames {
  const all = (of: keyof SqlNames): readonly string[] => [...new Set(parts.flatMap((part) => part[of]))].sort();
  return { calls: all("calls"), fields: all("fields"), operators: all("operators") };
}

/** What an extension brought was installed by whoever may: it counts as PostgreSQL's own. */
const BY_SOMEBODY = (catalog: string, of: string): string => `n.nspname <> 'pg_catalog' and not exists (
  select 1 from pg_depend d where d.classid = '${catalog}'::regclass and d.objid = ${of}.oid and d.deptype = 'e')`;
const DEFINED = `
  select p.proname as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    left join pg_type t on t.oid = p.proargtypes[0]
    where (p.proname = any ($1) or (p.proname = any ($2) and t.typtype in ('c', 'p')))
      and pg_function_is_visible(p.oid) and ${BY_SOMEBODY("pg_proc", "p")}
  union
  select o.oprname from pg_operator o join pg_namespace n on n.oid = o.oprnamespace
    where o.oprname = any ($3) and pg_operator_is_visible(o.oid) and ${BY_SOMEBODY("pg_operator", "o")}`;

/** Those of the names that somebody defined: which definition is meant depends on types that the text does not show. */
export async function readDefined(
  session: Session,
  { calls, fields, operators }: SqlNames,
): Promise<ReadonlySet<string>> {
  const rows = await session.query(DEFINED, [calls, fields, operators]);
  return new Set(rows.map((row) => String(row["name"])));
}

export function isDefined({ calls, fields, operators }: SqlNames, defined: ReadonlySet<string>): boolean {
  return [...calls, ...fields, ...operators].some((name) => defined.has(name));
}
