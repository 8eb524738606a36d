// What is planted in a database, a statement that sets it off, its benign twin, and what is found by name.

export type CodeCase = {
  readonly what: string;
  readonly setup: string;
  readonly planted: string;
  readonly benign: string;
  readonly runs: readonly string[];
};

export const FIRES = ["function public.fires()"];
export const NOTED = ["function public.noted(integer)"];
export const SAYS = ["function public.says(integer)"];
export const CLAIMS = ["function public.claims(integer)"];
export const TRIGGER = "for each row execute function fires()";
export const XML = ["function pg_catalog.query_to_xml(pg_catalog.text,boolean,boolean,pg_catalog.text)"];

export const READS: readonly CodeCase[] = [
  {
    what: "a view",
    setup: "create view v as select noted(id) as id from plain; create view w as select abs(id) as id from plain",
    planted: "select * from v",
    benign: "select * from w",
    runs: NOTED,
  },
  {
    what: "a view over a view, from within a write",
    setup: `create view v as select noted(id) as id from plain; create view w as select max(id) as id from v;
      create view calm as select max(id) as id from plain`,
    planted: "insert into plain values ((select id + 3 from w), 'c')",
    benign: "insert into plain values ((select id + 3 from calm), 'c')",
    runs: NOTED,
  },
  {
    what: "a view that runs what it is told to",
    setup: `create view v as select query_to_xml('select noted(1)', true, true, '') as x;
      create view w as select xmlelement(name a) as x, random() as r`,
    planted: "select * from v",
    benign: "select * from w",
    runs: XML,
  },
  {
    what: "a view that checks what is an input",
    setup: `create domain odd as int check (says(value));
      create view v as select pg_input_is_valid('1', 'odd') as x; create view w as select length('odd') as x`,
    planted: "select * from v",
    benign: "select * from w",
    runs: ["function pg_catalog.pg_input_is_valid(pg_catalog.text,pg_catalog.text)"],
  },
  {
    what: "a domain in a view",
    setup: `create domain odd as int check (says(value)); create view v as select id::odd as id from plain;
      create domain even as int check (value > 0); create view w as select id::even as id from plain`,
    planted: "select * from v",
    benign: "select * from w",
    runs: SAYS,
  },
  {
    what: "an operator in a view",
    setup: `create function alike(int, int) returns boolean language plpgsql as $$ begin return noted($1) = $2; end $$;
      create operator @@@ (function = alike, leftarg = int, rightarg = int);
      create view v as select id from plain where id @@@ 1; create view w as select id from plain where id = 1`,
    planted: "select * from v",
    benign: "select * from w",
    runs: ["function public.alike(integer,integer)"],
  },
  {
    what: "a domain's check, by a cast in the text",
    setup: "create domain odd as int check (says(value)); create domain even as int check (value > 0)",
    planted: "select '1'::odd",
    benign: "select '1'::even",
    runs: SAYS,
  },
];

/** PostgreSQL computes what has only constants while it plans, be it for EXPLAIN, and an empty table. */
export const PLANNED: readonly CodeCase[] = [
  {
    what: "an index over a function of constants",
    setup: `create table other (id int); create index on other ((claims(id + claims(1))));
      create table calm (id int); create index on calm (claims(1 + id), (claims(id + abs(1)) + id)); insert into calm values (1)`,
    planted: "select * from other",
    benign: "select * from calm where id = 1",
    runs: CLAIMS,
  },
  {
    what: "the condition of an index",
    setup: `create table other (id int); create index on other (id) where claims(2) < id;
      create table calm (id int); create index on calm (id) where claims(id) < abs(2)`,
    planted: "explain select * from other",
    benign: "explain select * from calm; select * from calm where id = 1",
    runs: CLAIMS,
  },
  {
    what: "a default of an argument, in an index",
    setup: `create function adds(int, int default claims(1)) returns int language plpgsql immutable as
        $$ begin return 1; end $$;
      create function counts(int, int) returns int language plpgsql immutable as $$ begin return 1; end $$;
      create table other (id int); create index on other (adds(id));
      create table calm (id int); create index on calm (counts(id, 1))`,
    planted: "select * from other",
    benign: "select * from calm",
    runs: ["function public.adds(integer,integer)", ...CLAIMS],
  },
  {
    what: "an index over an operator of somebody's with constants, for a deletion",
    setup: `create function plus(int, int) returns int language plpgsql immutable as $$ begin return public.noted($1); end $$;
      create operator @@@ (function = plus, leftarg = int, rightarg = int);
      create table other (id int primary key); create index on other ((id + (1 @@@ 1)));
      create table calm (id int primary key); create index on calm ((id @@@ 1))`,
    planted: "delete from other where id = 1",
    benign: "delete from calm where id = 1",
    runs: ["function public.plus(integer,integer)"],
  },
  {
    what: "a check of a partition",
    setup: `create table whole (id int) partition by range (id);
      create table part partition of whole (check (id > claims(1))) default;
      create table calm (id int) partition by range (id);
      create table calm_part partition of calm (check (claims(id) > 1)) default`,
    planted: "select * from whole where id = 5",
    benign: "select * from calm where id = 5",
    runs: CLAIMS,
  },
  {
    what: "statistics",
    setup: `create table other (id int); create statistics s on (id + claims(1)), id from other;
      create table calm (id int); create statistics calms on claims(id), id from calm`,
    planted: "select * from other",
    benign: "select * from calm",
    runs: CLAIMS,
  },
  {
    what: "an index of the table that a foreign key points to",
    setup: `create table other (id int primary key); insert into other values (1);
      create index on other ((id + claims(1))); create table child (id int references other);
      create table calm (id int references plain); create index on plain (claims(id))`,
    planted: "insert into child values (1)",
    benign: "insert into calm values (1)",
    runs: CLAIMS,
  },
];

export const ALTERATIONS: readonly CodeCase[] = [
  {
    what: "a stored query that is refreshed",
    setup: `create materialized view v as select noted(id) as id from plain;
      create table calm (id int check (says(id)));
      create materialized view w as select id from plain where id not in (select id from calm)`,
    planted: "refresh materialized view v",
    benign: "refresh materialized view w; select * from v",
    runs: NOTED,
  },
  {
    what: "an index that is built again",
    setup: `create table other (id int); create index on other (claims(id)); insert into other values (1);
      create index calm on plain (lower(note))`,
    planted: "reindex table other",
    benign: "reindex table plain; alter table other add column note text; create index on other (note)",
    runs: CLAIMS,
  },
  {
    what: "an index that is built again with its table",
    setup: `create table other (id int, n int); create index on other (claims(id)); insert into other values (1);
      create table calm (id int, n int); create index on calm (abs(id)); insert into calm values (1)`,
    planted: "alter table other alter column n type bigint",
    benign: "alter table calm alter column n type bigint",
    runs: CLAIMS,
  },
  {
    what: "an index of a table that gets a column with a value for each row",
    setup: `create table other (id int); create index on other (claims(id)); insert into other values (1);
      create table calm (id int); create index on calm (abs(id)); insert into calm values (1)`,
    planted: "alter table other add column n serial",
    benign: "alter table calm add column n serial; alter table other add column n int",
    runs: CLAIMS,
  },
  {
    what: "what rows are partitioned by, when some are attached",
    setup: `create table whole (id int) partition by range (claims(id)); create table part (id int);
      insert into part values (1); create table calm (id int) partition by range (abs(id))`,
    planted: "alter table whole attach partition part for values from (0) to (9)",
    benign: "alter table calm attach partition part for values from (0) to (9)",
    runs: CLAIMS,
  },
  {
    what: "a table made of a type, and a new column",
    setup: `create domain odd as int check (says(value)); create type pair as (a odd); create type two as (a int)`,
    planted: "create table made of pair; insert into made values (1)",
    benign: "create table made of two; insert into made values (1)",
    runs: SAYS,
  },
  {
    what: "a check that is validated",
    setup: `alter table plain add constraint c check (says(id)) not valid;
      create table calm (id int); alter table calm add constraint c check (id > 0) not valid`,
    planted: "alter table plain validate constraint c",
    benign: "alter table calm validate constraint c; alter table plain add column n int",
    runs: SAYS,
  },
  {
    what: "a view that the migration itself makes, and writes through",
    setup: `create table other (id int); create trigger t before insert on other ${TRIGGER}`,
    planted: "create view v as select * from other; insert into v values (1)",
    benign: "create view v as select * from other; select * from v; create table pointing (id int references plain)",
    runs: FIRES,
  },
  {
    what: "a table that the migration itself makes like another one",
    setup: "create table other (id int, n int default noted(1))",
    planted: "create table alike (like other including all); insert into alike values (1)",
    benign: "create table alike (like plain including all); insert into alike values (1, 'a')",
    runs: NOTED,
  },
  {
    what: "a partition that the migration itself makes",
    setup: `create table whole (id int) partition by range (id); create trigger t after insert on whole ${TRIGGER};
      create table calm (id int) partition by range (id)`,
    planted: "create table part partition of whole for values from (0) to (9); insert into part values (1)",
    benign: "create table part partition of calm for values from (0) to (9); insert into part values (1)",
    runs: FIRES,
  },
  {
    what: "how somebody's type is compared, when an index is built",
    setup: `create type pair as (a int); create table other (id pair); insert into other values ('(1)'), ('(2)');
      create function cmp(pair, pair) returns int language plpgsql immutable as
        $$ begin return public.noted(1); end $$;
      create operator class pairs default for type pair using btree as function 1 cmp(pair, pair)`,
    planted: "create index on other (id)",
    benign: "create index on plain (note)",
    runs: ["function public.cmp(public.pair,public.pair)"],
  },
  {
    what: "a partition that the migration itself attaches",
    setup: `create table whole (id int) partition by range (id);
      create table part (id int not null); create trigger t before insert on part ${TRIGGER}`,
    planted: "alter table whole attach partition part for values from (0) to (9); insert into whole values (1)",
    benign: "create table calm partition of whole for values from (9) to (19); insert into whole values (9)",
    runs: FIRES,
  },
  {
    what: "a table to which deletions spread since the migration",
    setup: `create table child (id int); insert into child values (1); create trigger t before delete on child ${TRIGGER}`,
    planted: `alter table child add constraint c foreign key (id) references plain on delete cascade not valid;
      delete from plain where id = 1`,
    benign: `alter table child add constraint c foreign key (id) references plain not valid;
      delete from plain where id = 2`,
    runs: FIRES,
  },
  {
    what: "an event trigger",
    setup: `create function watches() returns event_trigger language plpgsql as $$ begin perform public.noted(1); end $$;
      create event trigger watch on ddl_command_end execute function watches()`,
    planted: "create table other (id int)",
    benign: "insert into plain values (3, 'c')",
    runs: ["event trigger watch"],
  },
];

/** Nothing notes that it ran here. */
export const UNREAD: readonly CodeCase[] = [
  {
    what: "row security, which its owner and superusers pass by",
    setup: `alter table plain enable row level security; create policy p on plain using (says(id));
      create table calm (id int); alter table calm enable row level security; create policy p on calm using (id > 0)`,
    planted: "select * from plain",
    benign: "select * from calm",
    runs: SAYS,
  },
  {
    what: "row security that asks a view, or runs what it is told to",
    setup: `create view v as select noted(id) as id from plain; create table other (id int);
      alter table other enable row level security; create policy p on other using (id in (select id from v));
      create table calm (id int); alter table calm enable row level security;
      create policy p on calm using (id in (select id from plain)); create policy q on calm using (id > 0);
      create policy q on other with check (query_to_xml('select 1', true, true, '') is not null)`,
    planted: "select * from other",
    benign: "select * from calm",
    runs: [...XML, ...NOTED],
  },
  {
    what: "a view that draws numbers",
    setup: `create sequence s; create view v as select nextval('s') as n from plain;
      create table calm (id int default nextval('s'))`,
    planted: "select n from v",
    benign: "insert into calm default values",
    runs: ["function pg_catalog.nextval(pg_catalog.regclass)"],
  },
  {
    what: "a table that lies elsewhere",
    setup: `drop extension if exists file_fdw cascade; create extension file_fdw; create server s foreign data wrapper file_fdw;
      create foreign table afar (id int) server s options (program 'echo 1')`,
    planted: "select * from afar",
    benign: "select * from plain",
    runs: ["foreign table public.afar"],
  },
  {
    what: "rows of the catalog itself",
    setup: "",
    planted: "update pg_authid set rolsuper = true where rolname = 'pg_monitor'",
    benign: "select rolsuper from pg_authid where rolname = 'pg_monitor'",
    runs: ["table pg_catalog.pg_authid"],
  },
  {
    what: "rows of the catalog, by way of a view over a view",
    setup: `create view v as select * from pg_authid; create view w as select * from v;
      create view calm as select id, note from plain where note not in (select rolname from pg_authid)
        and note not in (select name from pg_settings)`,
    planted: "insert into w (rolname) values ('x')",
    benign: "insert into calm values (3, 'c'); select rolname from w",
    runs: ["table pg_catalog.pg_authid"],
  },
  {
    what: "settings, which a rule that PostgreSQL brings along sets",
    setup: "",
    planted: "update pg_settings set setting = 'off' where name = 'row_security'",
    benign: "select setting from pg_settings where name = 'row_security'",
    runs: ["view pg_catalog.pg_settings"],
  },
  {
    what: "settings, by way of a view",
    setup: "create view v as select * from pg_settings; create view calm as select * from plain",
    planted: "update v set setting = 'off' where name = 'row_security'",
    benign: "insert into calm values (3, (select setting from v where name = 'row_security'))",
    runs: ["view pg_catalog.pg_settings"],
  },
  {
    what: "how somebody's type is compared",
    setup: `create type pair as (a int); create table other (id pair); create table calm (id int);
      create function cmp(pair, pair) returns int language plpgsql immutable as $$ begin return noted(0); end $$;
      create operator class pairs default for type pair using btree as function 1 cmp(pair, pair)`,
    planted: "select * from other order by id",
    benign: "select * from calm order by id; create index on calm (id)",
    runs: ["function public.cmp(public.pair,public.pair)"],
  },
  {
    what: "a function of an extension that does more than compute",
    setup: `drop extension if exists dblink; drop extension if exists "uuid-ossp"; drop extension if exists pg_buffercache;
      create extension dblink; create extension "uuid-ossp"; create extension pg_buffercache;
      create view v as select * from dblink('', 'select 1') as t (a int);
      create table calm (id uuid default uuid_generate_v4())`,
    planted: "select * from v",
    benign: "insert into calm default values; select count(*) from pg_buffercache",
    runs: ["function public.dblink(pg_catalog.text,pg_catalog.text)"],
  },
];
