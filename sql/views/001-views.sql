-- Read views: one table for each view, its rowid the sequence of the event that began the document, so that newest
-- first is reading the table backwards, and every index is in that order by itself. Disposable: built from the ledger.

CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signals (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  environment TEXT,
  service TEXT,
  source TEXT,
  incident TEXT,
  run TEXT,
  document TEXT NOT NULL,
  packed INTEGER NOT NULL DEFAULT 0 -- 1 where a block still has the document as it was before
) STRICT;
CREATE INDEX signals_status ON signals (status);
CREATE INDEX signals_environment ON signals (environment) WHERE environment IS NOT NULL;
CREATE INDEX signals_service ON signals (service) WHERE service IS NOT NULL;
CREATE INDEX signals_source ON signals (source) WHERE source IS NOT NULL;
CREATE INDEX signals_incident ON signals (incident) WHERE incident IS NOT NULL;
CREATE INDEX signals_run ON signals (run) WHERE run IS NOT NULL;

CREATE TABLE incidents (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  environment TEXT,
  service TEXT,
  document TEXT NOT NULL
) STRICT;
CREATE INDEX incidents_status ON incidents (status);
CREATE INDEX incidents_environment ON incidents (environment);
CREATE INDEX incidents_service ON incidents (service);

CREATE TABLE storms (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  environment TEXT,
  document TEXT NOT NULL
) STRICT;
CREATE INDEX storms_status ON storms (status);
CREATE INDEX storms_environment ON storms (environment);

CREATE TABLE silences (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  environment TEXT,
  service TEXT,
  document TEXT NOT NULL
) STRICT;
CREATE INDEX silences_status ON silences (status);
CREATE INDEX silences_environment ON silences (environment);
CREATE INDEX silences_service ON silences (service) WHERE service IS NOT NULL;

CREATE TABLE runs (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  verdict TEXT NOT NULL,
  environment TEXT,
  service TEXT,
  incident TEXT,
  document TEXT NOT NULL
) STRICT;
CREATE INDEX runs_status ON runs (status);
CREATE INDEX runs_verdict ON runs (verdict);
CREATE INDEX runs_environment ON runs (environment);
CREATE INDEX runs_service ON runs (service);
CREATE INDEX runs_incident ON runs (incident);

CREATE TABLE actions (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  environment TEXT,
  service TEXT,
  agent TEXT,
  kind TEXT,
  incident TEXT,
  run TEXT,
  document TEXT NOT NULL,
  packed INTEGER NOT NULL DEFAULT 0 -- 1 where a block still has the document as it was before
) STRICT;
CREATE INDEX actions_status ON actions (status);
CREATE INDEX actions_environment ON actions (environment);
CREATE INDEX actions_service ON actions (service);
CREATE INDEX actions_agent ON actions (agent);
CREATE INDEX actions_kind ON actions (kind);
CREATE INDEX actions_incident ON actions (incident) WHERE incident IS NOT NULL;
CREATE INDEX actions_run ON actions (run) WHERE run IS NOT NULL;

CREATE TABLE brakes (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  document TEXT NOT NULL
) STRICT;
CREATE INDEX brakes_status ON brakes (status);

CREATE TABLE reviews (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  environment TEXT NOT NULL,
  service TEXT NOT NULL,
  document TEXT NOT NULL
) STRICT;
CREATE INDEX reviews_status ON reviews (status);
CREATE INDEX reviews_environment ON reviews (environment);
CREATE INDEX reviews_service ON reviews (service);

CREATE TABLE approvers (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  document TEXT NOT NULL
) STRICT;
CREATE INDEX approvers_status ON approvers (status);

CREATE TABLE grants (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  agent TEXT,
  kind TEXT,
  environment TEXT,
  service TEXT,
  document TEXT NOT NULL,
  packed INTEGER NOT NULL DEFAULT 0 -- 1 where a block still has the document as it was before
) STRICT;
CREATE INDEX grants_status ON grants (status);
CREATE INDEX grants_agent ON grants (agent);
CREATE INDEX grants_kind ON grants (kind);
CREATE INDEX grants_environment ON grants (environment);
CREATE INDEX grants_service ON grants (service);

CREATE TABLE levels (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  agent TEXT,
  document TEXT NOT NULL
) STRICT;
CREATE INDEX levels_status ON levels (status);
CREATE INDEX levels_agent ON levels (agent);

CREATE TABLE policies (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  document TEXT NOT NULL
) STRICT;
CREATE INDEX policies_status ON policies (status);

CREATE TABLE agents (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  owner TEXT NOT NULL,
  document TEXT NOT NULL
) STRICT;
CREATE INDEX agents_status ON agents (status);
CREATE INDEX agents_owner ON agents (owner);

CREATE TABLE refusals (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  source TEXT,
  document TEXT NOT NULL
) STRICT;
CREATE INDEX refusals_source ON refusals (source);

CREATE TABLE installation (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  document TEXT NOT NULL
) STRICT;

-- Settled documents, packed by the hundred (see views-blocks.ts): no row and no index entry for each. `first` is the
-- lowest sequence in the block; no two documents begin with one event.
CREATE TABLE blocks (
  first INTEGER PRIMARY KEY,
  view TEXT NOT NULL,
  documents BLOB NOT NULL
) STRICT;

-- Which groups of sequences have packed documents with a field's value; the empty field stands for any document.
CREATE TABLE terms (
  view TEXT NOT NULL,
  field TEXT NOT NULL,
  value TEXT NOT NULL,
  grp INTEGER NOT NULL,
  PRIMARY KEY (view, field, value, grp)
) STRICT, WITHOUT ROWID;

-- How many documents of a view have each status: kept by each write, because counting a million entries takes time.
CREATE TABLE counts (
  view TEXT NOT NULL,
  status TEXT NOT NULL,
  documents INTEGER NOT NULL,
  PRIMARY KEY (view, status)
) STRICT, WITHOUT ROWID;
