-- The ledger on SQLite. Released files never change; a new number follows instead.

-- One row is one commit. Small columns stand first: reading them must not walk the pages of the large ones.
create table batches (
  first_seq   integer primary key,
  count       integer not null check (count > 0),
  checkpoint  text not null,
  leaf_hashes blob not null,
  leaves      blob not null,
  payloads    blob
) strict;

-- The payload keys of a batch. Appended in rowid order and overwritten in place when destroyed (zeroed bytes keep the
-- record's size), so that no page is ever split or rebuilt and leaves a stale copy of a key in a gap.
create table keys (
  first_seq integer primary key,
  frames    blob not null
) strict;

-- Destroyed keys whose payloads are not compacted yet.
create table erasures (
  key_seq   integer primary key,
  first_seq integer not null
) strict;

-- Bytes that compaction has zeroed inside a batch and that a rebuild of the file would give back.
create table holes (
  first_seq integer primary key,
  bytes     integer not null
) strict;

create table tiles (
  level      integer not null,
  tile_index integer not null,
  hashes     blob not null,
  primary key (level, tile_index)
) strict;

create table snapshots (
  id    integer primary key autoincrement,
  size  integer not null,
  note  text not null,
  bytes blob not null
) strict;

create table meta (
  name  text primary key,
  value text not null
) strict;
