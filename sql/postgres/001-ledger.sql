-- The ledger on PostgreSQL. Released files never change; a new number follows instead.

-- One row: where the log ends. Every append updates it, so its lock is the fence between writers.
create table head (
  only_row boolean primary key default true check (only_row),
  size     bigint not null
);
insert into head (size) values (0);

-- One row is one commit.
create table batches (
  first_seq   bigint primary key,
  count       integer not null check (count > 0),
  checkpoint  text not null,
  leaf_hashes bytea not null,
  leaves      bytea not null,
  payloads    bytea
);
-- Hashes, ciphertext and what is compressed do not compress; trying costs time on every append.
alter table batches alter column leaf_hashes set storage external;
alter table batches alter column leaves set storage external;
alter table batches alter column payloads set storage external;

-- The payload keys of a batch.
create table keys (
  first_seq bigint primary key,
  frames    bytea not null
);
alter table keys alter column frames set storage external;

-- Destroyed keys whose payloads are not compacted yet.
create table erasures (
  key_seq   bigint primary key,
  first_seq bigint not null
);

create table tiles (
  level      integer not null,
  tile_index bigint not null,
  hashes     bytea not null,
  primary key (level, tile_index)
);

create table snapshots (
  id    bigint generated always as identity primary key,
  size  bigint not null,
  note  text not null,
  bytes bytea not null
);

create table meta (
  name  text primary key,
  value text not null
);
