// Writes that set off what is planted, and their benign twins.

import { CLAIMS, FIRES, NOTED, SAYS, TRIGGER, XML, type CodeCase } from "./sql-code-cases.ts";

export const WRITES: readonly CodeCase[] = [
  {
    what: "a trigger of a table",
    setup: `create table other (id int primary key); create trigger t before insert on other ${TRIGGER}`,
    planted: "insert into other values (1)",
    benign: "select * from other",
    runs: FIRES,
  },
  {
    what: "a trigger that waits for updates, by way of a conflict",
    setup: `create trigger t before update on plain ${TRIGGER}`,
    planted: "insert into plain values (1, 'x') on conflict (id) do update set note = 'x'",
    benign: "insert into plain values (3, 'x')",
    runs: FIRES,
  },
  {
    what: "a trigger of a table with a dot in its name",
    setup: `drop schema if exists dotted cascade; create schema dotted; create table dotted.name (id int);
      create table "dotted.name" (id int); create trigger t before insert on "dotted.name" ${TRIGGER}`,
    planted: 'insert into "dotted.name" values (1)',
    benign: "insert into dotted.name values (1)",
    runs: FIRES,
  },
  {
    what: "a trigger that is switched on",
    setup: `create table off (id int); create trigger t before insert on off ${TRIGGER}; alter table off disable trigger t;
      create table always (id int); create trigger t before insert on always ${TRIGGER};
      alter table always enable always trigger t`,
    planted: "insert into always values (1)",
    benign: "insert into off values (1)",
    runs: FIRES,
  },
  {
    what: "INSTEAD OF of a view",
    setup: `create view v as select id, note from plain; create view w as select id, note from plain;
      create trigger t instead of insert on v ${TRIGGER}`,
    planted: "insert into v values (3, 'c')",
    benign: "insert into w values (3, 'c')",
    runs: FIRES,
  },
  {
    what: "a trigger of the table behind a view",
    setup: `create table other (id int); create trigger t before insert on other ${TRIGGER};
      create view behind as select id from other; create view v as select id from behind;
      create view w as select id, note from plain`,
    planted: "insert into v values (3)",
    benign: "insert into w values (3, 'c')",
    runs: FIRES,
  },
  {
    what: "a trigger of a partition",
    setup: `create table whole (id int) partition by range (id);
      create table part partition of whole for values from (0) to (9); create trigger t before insert on part ${TRIGGER};
      create table calm (id int) partition by range (id); create table calm_part partition of calm default`,
    planted: "insert into whole values (1)",
    benign: "insert into calm values (1)",
    runs: FIRES,
  },
  {
    what: "a trigger of a table to which a deletion spreads",
    setup: `create table child (id int references plain on delete cascade); insert into child values (1);
      create trigger t before delete on child ${TRIGGER};
      create table calm (id int primary key); insert into calm values (1);
      create table pointing (id int references calm); create trigger t before delete on pointing ${TRIGGER}`,
    planted: "delete from plain where id = 1",
    benign: "delete from calm where id = 1; insert into plain values (3, 'c')",
    runs: FIRES,
  },
  {
    what: "a trigger of the partition into which a row moves",
    setup: `create table whole (id int primary key) partition by range (id);
      create table low partition of whole for values from (0) to (9);
      create table high partition of whole for values from (9) to (19); insert into whole values (1);
      create trigger t before insert on high ${TRIGGER}`,
    planted: "update whole set id = 10 where id = 1",
    benign: "delete from whole where id = 1",
    runs: FIRES,
  },
  {
    what: "a trigger of a table to which a change of a key spreads",
    setup: `create table child (id int references plain on update cascade); insert into child values (1);
      create trigger t before update on child ${TRIGGER}`,
    planted: "update plain set id = 9 where id = 1",
    benign: "delete from plain where id = 2",
    runs: FIRES,
  },
  {
    what: "the condition of a trigger that PostgreSQL brings along",
    setup: `create trigger t before update on plain for each row
        when (query_to_xml('select noted(1)', true, true, '') is not null)
        execute function suppress_redundant_updates_trigger();
      create table calm (id int primary key, note text); insert into calm values (1);
      create trigger t before update on calm for each row execute function suppress_redundant_updates_trigger()`,
    planted: "update plain set note = 'x' where id = 1",
    benign: "update calm set note = 'x' where id = 1",
    runs: XML,
  },
  {
    what: "a rule beside what a table does",
    setup: "create table other (id int); create rule r as on insert to other do also insert into ran values (1)",
    planted: "insert into other values (1)",
    benign: "select * from other",
    runs: ["rule r on public.other"],
  },
  {
    what: "a rule in place of what a table does",
    setup: "create rule r as on delete to plain do instead insert into ran values (old.id)",
    planted: "delete from plain where id = 1",
    benign: "update plain set note = 'x' where id = 1",
    runs: ["rule r on public.plain"],
  },
  {
    what: "a rule of a view",
    setup: `create view v as select id from plain; create view w as select id from plain;
      create rule r as on insert to v do instead insert into ran values (1)`,
    planted: "insert into v values (3)",
    benign: "insert into w values (3)",
    runs: ["rule r on public.v"],
  },
  {
    what: "a default",
    setup: `create table other (id int, n int default noted(1));
      create table calm (id serial, at timestamptz default clock_timestamp(), key uuid default gen_random_uuid())`,
    planted: "insert into other values (1)",
    benign: "insert into calm default values",
    runs: NOTED,
  },
  {
    what: "a default of a view",
    setup: `create view v as select id, note from plain; alter view v alter column id set default noted(3);
      create view w as select id, note from plain; alter view w alter column id set default 3`,
    planted: "insert into v (note) values ('c')",
    benign: "insert into w (note) values ('c')",
    runs: NOTED,
  },
  {
    what: "a default that PostgreSQL brings along and that runs what it is told to",
    setup: `create table other (id int, x xml default query_to_xml('select noted(1)', true, true, ''));
      create table calm (id int, x xml default xmlelement(name a))`,
    planted: "insert into other values (1)",
    benign: "insert into calm values (1)",
    runs: XML,
  },
  {
    what: "a generated column, whatever its function is marked as",
    setup: `create table other (id int, n int generated always as (claims(id)) stored);
      create table calm (id int, n int generated always as (abs(id)) stored)`,
    planted: "insert into other values (1)",
    benign: "insert into calm values (1)",
    runs: CLAIMS,
  },
  {
    what: "a check",
    setup: "create table other (id int check (says(id))); create table calm (id int check (abs(id) > 0))",
    planted: "insert into other values (1)",
    benign: "insert into calm values (1)",
    runs: SAYS,
  },
  {
    what: "a check with a function that runs what it is told to",
    setup: `create table other (id int check (query_to_xml('select noted(1)', true, true, '') is not null));
      create table calm (id int check (xmlelement(name a) is not null))`,
    planted: "insert into other values (1)",
    benign: "insert into calm values (1)",
    runs: XML,
  },
  {
    what: "an index",
    setup: `create table other (id int); create index on other (claims(id));
      create table calm (id int); create index on calm (abs(id))`,
    planted: "insert into other values (1)",
    benign: "insert into calm values (1)",
    runs: CLAIMS,
  },
  {
    what: "what a row is partitioned by",
    setup: `create table other (id int) partition by range (claims(id));
      create table other_part partition of other for values from (0) to (9);
      create table calm (id int) partition by range (abs(id)); create table calm_part partition of calm default`,
    planted: "insert into other_part values (1)",
    benign: "insert into calm_part values (1)",
    runs: CLAIMS,
  },
  {
    what: "a domain's check",
    setup: `create domain odd as int check (says(value)); create table other (id odd);
      create domain even as int check (abs(value) > 0); create table calm (id even)`,
    planted: "insert into other values (1)",
    benign: "insert into calm values (1)",
    runs: SAYS,
  },
  {
    what: "a domain within arrays and rows",
    setup: `create domain odd as int check (says(value)); create type pair as (a odd); create table other (id pair[]);
      create type two as (a int); create table calm (id two[])`,
    planted: "insert into other values ('{(1)}')",
    benign: "insert into calm values ('{(1)}'); select * from other",
    runs: SAYS,
  },
  {
    what: "a domain's default that runs what it is told to",
    setup: `create domain odd as xml default query_to_xml('select noted(1)', true, true, '');
      create table other (id int, x odd);
      create domain even as xml default xmlelement(name a); create table calm (id int, x even)`,
    planted: "insert into other (id) values (1)",
    benign: "insert into calm (id) values (1)",
    runs: XML,
  },
  {
    what: "a domain's default",
    setup: `create domain odd as int default noted(1); create table other (id int, n odd);
      create domain even as int default 1; create table calm (id int, n even)`,
    planted: "insert into other values (1)",
    benign: "insert into calm values (1)",
    runs: NOTED,
  },
  {
    what: "a cast into somebody's type",
    setup: `create type pair as (a int); create table other (id pair); create table calm (id int, was pair);
      create function to_pair(int) returns pair language plpgsql as
        $$ declare p pair; begin p.a := noted($1); return p; end $$;
      create cast (int as pair) with function to_pair(int) as assignment`,
    planted: "insert into other values (1)",
    benign: "insert into plain values (3, 'c'); create index on calm (was)",
    runs: ["function public.to_pair(integer)"],
  },
  {
    what: "a cast between types that PostgreSQL brings along",
    setup: `create table other (id smallint); create table calm (id int);
      create function to_small(boolean) returns smallint language sql as 'select noted(1)::smallint';
      create cast (boolean as smallint) with function to_small(boolean) as assignment`,
    planted: "insert into other values (true)",
    benign: "insert into calm values (1)",
    runs: ["function public.to_small(boolean)"],
  },
];
