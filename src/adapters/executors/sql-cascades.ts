// Tables whose rows change because rows elsewhere do: ON DELETE and ON UPDATE with CASCADE, SET NULL or SET DEFAULT.

import { quoted, standsFor } from "./sql-catalog.ts";
import type { Session } from "./sql-database.ts";
import type { Touch } from "./sql-touches.ts";
import { joinedName } from "./sql-tree.ts";

/** By what is written (`cascadeKey`): `schema.name` of each table that the write spreads to, in order. */
export type Cascades = ReadonlyMap<string, readonly string[]>;

export function cascadeKey({ name, how, columns }: Touch): string {
  return JSON.stringify([name, how, columns]);
}

/**
 * From rows written to rows that are written with them. `columns` are those that an update sets, null where it may be any:
 * a foreign key spreads an update only when it changes what is referenced. `spread` is what a foreign key led to.
 */
const CASCADES = `
  with recursive reached (root, id, how, columns, spread) as (
    select t.root, to_regclass(t.name)::oid, t.how, t.columns, false
      from rows from (jsonb_to_recordset($1::jsonb) as (name text, how text, columns name[]))
        with ordinality as t (name, how, columns, root)
    union select r.root, e.id, e.how, e.columns, e.spread from reached r cross join lateral (
      select i.inhrelid as id, r.how, r.columns, false as spread from pg_inherits i where i.inhparent = r.id
      union all select ${standsFor("r.id")}, r.how, null, false
      union all select n.conrelid, o.becomes, case o.becomes when 'u' then (
            select array_agg(a.attname order by a.attnum) from pg_attribute a
            where a.attrelid = n.conrelid and a.attnum = any (n.conkey)) end, true
        from pg_trigger t join pg_constraint n on n.oid = t.tgconstraint
        cross join lateral (values ('d', n.confdeltype, case n.confdeltype when 'c' then 'd' else 'u' end),
          ('u', n.confupdtype, 'u')) as o (how, action, becomes)
        where t.tgrelid = r.id and t.tgisinternal and n.confrelid = r.id
          and r.how ~ o.how and o.action in ('c', 'n', 'd')
          and (o.how = 'd' or r.columns is null or exists (select from pg_attribute a where a.attrelid = n.confrelid
            and a.attnum = any (n.confkey) and (a.attname = any (r.columns) or a.attgenerated <> '')))
    ) e where e.id is not null
  )
  select distinct r.root::int, n.nspname as schema, c.relname as name
    from reached r join pg_class c on c.oid = r.id join pg_namespace n on n.oid = c.relnamespace
    where r.spread order by 1, 2, 3`;

export async function readCascades(session: Session, written: Iterable<Touch>): Promise<Cascades> {
  const touches = [...new Map([...written].map((touch) => [cascadeKey(touch), touch])).values()];
  const asked = touches.map(({ name, how, columns }) => ({ name: quoted(name), how, columns: columns ?? null }));
  const cascades = new Map<string, string[]>();
  for (const { root, schema, name } of await session.query(CASCADES, [JSON.stringify(asked)])) {
    const touch = touches[Number(root) - 1];
    if (touch === undefined) continue;
    const key = cascadeKey(touch);
    cascades.set(key, [...(cascades.get(key) ?? []), joinedName([String(schema), String(name)])]);
  }
  return cascades;
}
