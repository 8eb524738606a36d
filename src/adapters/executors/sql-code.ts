// What somebody wrote that PostgreSQL runs by itself when a statement touches what is there: triggers, rules, and the
// functions of views, defaults, constraints, indexes, policies, domains, casts and types. Found by way of the catalog.

import { hash } from "node:crypto";
import { canonicalJson } from "../../core/canonical-json.ts";
import { quoted, standsFor } from "./sql-catalog.ts";
import { OWN_SCHEMA } from "./sql-own.ts";
import type { Session } from "./sql-database.ts";
import { VOLATILE_FUNCTIONS } from "./sql-expressions.ts";
import type { Touch } from "./sql-touches.ts";

/** Somebody's code: `function public.f(integer)`, `rule r on public.t`, … */
export type Code = {
  /** By what is touched (`codeKey`): each in order. */
  readonly byTouch: ReadonlyMap<string, readonly string[]>;
  /** Run by statements that define something. */
  readonly onDefining: readonly string[];
  /** Of all of it, what names Holdpoint's own schema in its text. */
  readonly namingOwn: ReadonlySet<string>;
  /** Of all of it, also of what the functions say; null where there is none. */
  readonly fingerprint: string | null;
};

export function codeKey({ name, how }: Touch): string {
  return `${how} ${name}`;
}

/** Object identifiers from here on were given out after the database was made (access/transam.h). */
const BY_SOMEBODY = 16_384;

/** What an extension brought was installed by whoever may: it counts as PostgreSQL's own. */
const fromExtension = (catalog: string, id: string): string => `exists (
  select 1 from pg_depend x where x.classid = '${catalog}'::regclass and x.objid = ${id} and x.deptype = 'e')`;

/** Whether a function that counts as PostgreSQL's own does more than compute. Mappings to XML and checks of input run what they are told to. */
const acts = (p: string): string =>
  `((${p}.provolatile = 'v' and not ${p}.proname = any ($3)) or ${p}.proname ~ '_to_xml|^pg_input_')`;

/** Whether code names Holdpoint's own schema, or stands on a table there; what it puts together as it runs nobody reads. */
const namesOwn = (text: string, catalog: string, id: string): string => `(${text} ~* '${OWN_SCHEMA}' or exists (
  select from pg_depend d join pg_class o on o.oid = d.refobjid where d.classid = ${catalog} and d.objid = ${id}
    and d.refclassid = 'pg_class'::regclass and o.relnamespace = to_regnamespace('${OWN_SCHEMA}'))) as own`;

/**
 * Whether an expression calls somebody's function on constants alone: planning whatever reads the table computes that, and
 * defaults of arguments too. A call spans the nodes up to the next one that is less deep than its own. Most expressions call
 * nothing of somebody's, whose number has five digits at least, and are read no further.
 */
const isFolded = (tree: string): string => `case when ${tree} ~ 'funcid \\d{5}' then exists (
  with token (n, node, function, depth) as (
    select t.n, t.m[1], t.m[2]::oid, sum(case when t.m[1] is null then -1 else 1 end) over (order by t.n)
    from regexp_matches(${tree}, '(?<!\\\\)(?:\\{([A-Z]+)(?: (?::opno \\d+ :opfuncid|:funcid) (\\d+))?|\\})', 'g')
      with ordinality as t (m, n))
  select from token call join pg_proc p on p.oid = call.function
    where p.oid >= ${BY_SOMEBODY} and (p.pronargdefaults > 0 or not exists (
      select from token v where v.node = 'VAR' and v.n > call.n and not exists (
        select from token e where e.n > call.n and e.n < v.n and e.depth < call.depth)))) else false end`;

/**
 * From one object to those that are run with it. `how` is a Touch's; of an object that a row or value brings along it is
 * `t` for a type, `p` for a table that PostgreSQL itself looks into for a foreign key, and `x` for what is only walked
 * through.
 */
const RUN_WITH = `
  select 'pg_rewrite'::regclass::oid as class, w.oid as id, case w.ev_type when '1' then 'r' else r.how end as how
    from pg_rewrite w join pg_class c on c.oid = w.ev_class
    where r.class = 'pg_class'::regclass and w.ev_class = r.id and w.ev_enabled <> 'D'
      and case when w.ev_type <> '1' then r.how ~ translate(w.ev_type::text, '234', 'uid')
        when c.relkind = 'm' then r.how = 'a' else not ${fromExtension("pg_class", "c.oid")} end
  union all select 'pg_class'::regclass, ${standsFor("r.id")}, r.how
    where r.class = 'pg_class'::regclass and r.how ~ '[iud]'
  union all select 'pg_trigger'::regclass, t.oid, 'x' from pg_trigger t
    where r.class = 'pg_class'::regclass and t.tgrelid = r.id and not t.tgisinternal and t.tgenabled <> 'D'
      and (r.how ~ 'i' and t.tgtype & 4 > 0 or r.how ~ 'd' and t.tgtype & 8 > 0 or r.how ~ 'u' and t.tgtype & 16 > 0)
  union all select 'pg_attrdef'::regclass, d.oid, 'x' from pg_attrdef d
    join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
    where r.class = 'pg_class'::regclass and d.adrelid = r.id
      and (r.how ~ '[iu]' or (r.how = 'a' and a.attgenerated <> ''))
  union all select 'pg_constraint'::regclass, n.oid, 'x' from pg_constraint n
    where r.class = 'pg_class'::regclass and n.conrelid = r.id
      and (r.how ~ '[aiu]' or (r.how ~ '[rdp]' and ${isFolded("n.conbin::text")}))
  union all select 'pg_constraint'::regclass, n.oid, 'x' from pg_constraint n
    where r.class = 'pg_type'::regclass and n.contypid = r.id and r.how ~ '[iut]'
  union all select 'pg_policy'::regclass, p.oid, 'x' from pg_policy p join pg_class c on c.oid = p.polrelid
    where r.class = 'pg_class'::regclass and c.oid = r.id and c.relrowsecurity and r.how ~ '[riud]'
  union all select 'pg_class'::regclass, i.indexrelid, 'x' from pg_index i
    where r.class = 'pg_class'::regclass and i.indrelid = r.id
      and (r.how ~ '[aiu]' or (r.how ~ '[rdp]' and ${isFolded("concat(i.indexprs, i.indpred)")}))
  union all select 'pg_statistic_ext'::regclass, s.oid, 'x' from pg_statistic_ext s
    where r.class = 'pg_class'::regclass and s.stxrelid = r.id
      and r.how ~ '[aiurdp]' and ${isFolded("s.stxexprs::text")}
  union all select 'pg_class'::regclass, i.inhrelid, case when r.how ~ 'u' then 'iud' else r.how end from pg_inherits i
    where r.class = 'pg_class'::regclass and i.inhparent = r.id
  union all select 'pg_class'::regclass, i.inhparent, 'x' from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where r.class = 'pg_class'::regclass and i.inhrelid = r.id and c.relispartition
  union all select 'pg_class'::regclass, n.conrelid, 'ud' from pg_trigger t join pg_constraint n on n.oid = t.tgconstraint
    where r.class = 'pg_class'::regclass and t.tgrelid = r.id and t.tgisinternal and n.confrelid = r.id
      and (r.how ~ 'd' and n.confdeltype in ('c', 'n', 'd') or r.how ~ 'u' and n.confupdtype in ('c', 'n', 'd'))
  union all select 'pg_class'::regclass, case n.confrelid when r.id then n.conrelid else n.confrelid end, 'p'
    from pg_trigger t join pg_constraint n on n.oid = t.tgconstraint
    where r.class = 'pg_class'::regclass and t.tgrelid = r.id and t.tgisinternal and n.contype = 'f' and r.how ~ '[iud]'
  union all select 'pg_type'::regclass, a.atttypid, r.how from pg_attribute a
    where r.class = 'pg_class'::regclass and r.how not in ('x', 'p') and a.attrelid = r.id and a.attnum > 0 and not a.attisdropped
  union all select 'pg_type'::regclass, a.atttypid, r.how from pg_type t join pg_attribute a on a.attrelid = t.typrelid
    where r.class = 'pg_type'::regclass and t.oid = r.id and a.attnum > 0 and not a.attisdropped
  union all select 'pg_opclass'::regclass, k.oid, 'x' from pg_opclass k
    where r.class = 'pg_type'::regclass and k.opcintype = r.id and k.opcdefault
  union all select 'pg_proc'::regclass, m.amproc, 'x' from pg_opclass k join pg_amproc m on m.amprocfamily = k.opcfamily
    where r.class = 'pg_opclass'::regclass and k.oid = r.id
  union all select 'pg_proc'::regclass, k.castfunc, 'x' from pg_cast k
    where r.class = 'pg_type'::regclass and r.id in (k.castsource, k.casttarget) and r.how <> 'c'
      and (r.id >= ${BY_SOMEBODY} or (k.castsource < ${BY_SOMEBODY} and k.casttarget < ${BY_SOMEBODY}))
  union all select d.refclassid, d.refobjid, case when d.refclassid = 'pg_class'::regclass
        then case r.class when 'pg_rewrite'::regclass then r.how else 'r' end
      when r.class = 'pg_type'::regclass then r.how when d.refclassid = 'pg_type'::regclass then 't' else 'x' end
    from pg_depend d where d.classid = r.class and d.objid = r.id
      and (d.refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_opclass'::regclass)
        or (d.refclassid = 'pg_type'::regclass and r.class <> 'pg_class'::regclass)
        or (d.refclassid = 'pg_class'::regclass and r.class in ('pg_rewrite'::regclass, 'pg_policy'::regclass)))`;

/** Expressions as PostgreSQL keeps them: what it brings along itself is found nowhere else. */
const EXPRESSIONS = `
  select ev_action::text as tree from pg_rewrite where r.class = 'pg_rewrite'::regclass and oid = r.id
  union all select adbin::text from pg_attrdef where r.class = 'pg_attrdef'::regclass and oid = r.id
  union all select conbin::text from pg_constraint where r.class = 'pg_constraint'::regclass and oid = r.id
  union all select concat(polqual, polwithcheck) from pg_policy where r.class = 'pg_policy'::regclass and oid = r.id
  union all select typdefaultbin::text from pg_type where r.class = 'pg_type'::regclass and oid = r.id
  union all select tgqual::text from pg_trigger where r.class = 'pg_trigger'::regclass and oid = r.id`;

const CODE = `
  with recursive reached (root, class, id, how) as (
    select t.root::int, 'pg_class'::regclass::oid, to_regclass(t.name)::oid, t.how
      from unnest($1::text[], $2::text[]) with ordinality as t (name, how, root) where t.how <> 't'
    union select t.root::int, 'pg_type'::regclass::oid, to_regtype(t.name)::oid, t.how
      from unnest($1::text[], $2::text[]) with ordinality as t (name, how, root) where t.how = 't'
    union select r.root, e.class, e.id, e.how from reached r cross join lateral (${RUN_WITH}) e
      where e.id >= ${BY_SOMEBODY} or e.class = 'pg_type'::regclass or (e.class = 'pg_class'::regclass and e.how ~ '[iud]')
  ), code (root, class, id, text) as (
    select r.root, r.class, p.oid, p::text from reached r join pg_proc p on p.oid = r.id
      where r.class = 'pg_proc'::regclass and (not ${fromExtension("pg_proc", "p.oid")} or ${acts("p")})
    union select r.root, 'pg_proc'::regclass, p.oid, '' from reached r cross join lateral (${EXPRESSIONS}) e
      cross join lateral regexp_matches(e.tree, ':funcid (\\d+)', 'g') f join pg_proc p on p.oid = f[1]::oid
      where p.oid < ${BY_SOMEBODY} and (${acts("p")} or (p.proname = 'nextval' and r.class = 'pg_rewrite'::regclass))
    union select r.root, r.class, w.oid, pg_get_ruledef(w.oid) from reached r join pg_rewrite w on w.oid = r.id
      where r.class = 'pg_rewrite'::regclass and w.ev_type <> '1'
    union select r.root, r.class, c.oid, '' from reached r join pg_class c on c.oid = r.id
      where r.class = 'pg_class'::regclass
        and (c.relkind = 'f' and r.how ~ '[riud]' or c.oid < ${BY_SOMEBODY} and r.how ~ '[iud]'
          or r.how ~ '[aiud]' and c.relnamespace = to_regnamespace('${OWN_SCHEMA}'))
  )
  select code.root, concat(o.type, ' ', o.identity) as object, md5(code.text) as text, ${namesOwn("code.text", "code.class", "code.id")}
    from code cross join lateral pg_identify_object(code.class, code.id, 0) o order by 1, 2`;

/** They fire for every statement that defines something, also of this executor. */
const ON_DEFINING = `
  select concat('event trigger ', quote_ident(e.evtname)) as object, md5(p::text) as text,
    ${namesOwn("p::text", "'pg_proc'::regclass", "p.oid")}
    from pg_event_trigger e join pg_proc p on p.oid = e.evtfoid
    where e.evtenabled <> 'D' and e.evtevent <> 'login' and not ${fromExtension("pg_proc", "p.oid")} order by 1`;

/** Volatile, and no more than a value comes of it; the last three are an extension's. */
const HARMLESS = [...VOLATILE_FUNCTIONS, "timeofday", "uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v4"];

/** The code that is run by what these touch; of what does not exist yet there is none. */
export async function readCode(session: Session, touched: Iterable<Touch>): Promise<Code> {
  const touches = [...new Map([...touched].map((touch) => [codeKey(touch), touch])).values()];
  const [names, hows] = [touches.map(({ name }) => quoted(name)), touches.map(({ how }) => how)];
  // Its estimates are high and its rows few: compiling it would take longer than all of it.
  await session.query("set local jit = off");
  const rows = await session.query(CODE, [names, hows, HARMLESS]);
  await session.query("set local jit to default");
  const onDefining = await session.query(ON_DEFINING);
  const byTouch = new Map<string, string[]>();
  for (const { root, object } of rows) {
    const touch = touches[Number(root) - 1];
    if (touch === undefined) continue;
    const key = codeKey(touch);
    byTouch.set(key, [...(byTouch.get(key) ?? []), String(object)]);
  }
  const all = [...rows, ...onDefining].map(({ object, text }) => [String(object), String(text)]);
  return {
    byTouch,
    onDefining: onDefining.map(({ object }) => String(object)),
    namingOwn: new Set([...rows, ...onDefining].flatMap(({ object, own }) => (own === true ? [String(object)] : []))),
    fingerprint: all.length === 0 ? null : hash("sha256", canonicalJson(all)),
  };
}
