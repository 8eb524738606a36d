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
  document TEXT NOT NULL
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
  document TEXT NOT NULL
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

CREATE TABLE policies (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  document TEXT NOT NULL
) STRICT;
CREATE INDEX policies_status ON policies (status);

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

-- How many documents of a view have each status: kept by triggers, because counting a million index entries takes time.
CREATE TABLE counts (
  view TEXT NOT NULL,
  status TEXT NOT NULL,
  documents INTEGER NOT NULL,
  PRIMARY KEY (view, status)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER signals_counted AFTER INSERT ON signals BEGIN
  INSERT INTO counts VALUES ('signals', new.status, 1) ON CONFLICT DO UPDATE SET documents = documents + 1;
END;
CREATE TRIGGER signals_recounted AFTER UPDATE OF status ON signals WHEN old.status <> new.status BEGIN
  UPDATE counts SET documents = documents - 1 WHERE view = 'signals' AND status = old.status;
  INSERT INTO counts VALUES ('signals', new.status, 1) ON CONFLICT DO UPDATE SET documents = documents + 1;
END;

CREATE TRIGGER incidents_counted AFTER INSERT ON incidents BEGIN
  INSERT INTO counts VALUES ('incidents', new.status, 1) ON CONFLICT DO UPDATE SET documents = documents + 1;
END;
CREATE TRIGGER incidents_recounted AFTER UPDATE OF status ON incidents WHEN old.status <> new.status BEGIN
  UPDATE counts SET documents = documents - 1 WHERE view = 'incidents' AND status = old.status;
  INSERT INTO counts VALUES ('incidents', new.status, 1) ON CONFLICT DO UPDATE SET documents = documents + 1;
END;

CREATE TRIGGER runs_counted AFTER INSERT ON runs BEGIN
  INSERT INTO counts VALUES ('runs', new.status, 1) ON CONFLICT DO UPDATE SET documents = documents + 1;
END;
CREATE TRIGGER runs_recounted AFTER UPDATE OF status ON runs WHEN old.status <> new.status BEGIN
  UPDATE counts SET documents = documents - 1 WHERE view = 'runs' AND status = old.status;
  INSERT INTO counts VALUES ('runs', new.status, 1) ON CONFLICT DO UPDATE SET documents = documents + 1;
END;

CREATE TRIGGER actions_counted AFTER INSERT ON actions BEGIN
  INSERT INTO counts VALUES ('actions', new.status, 1) ON CONFLICT DO UPDATE SET documents = documents + 1;
END;
CREATE TRIGGER actions_recounted AFTER UPDATE OF status ON actions WHEN old.status <> new.status BEGIN
  UPDATE counts SET documents = documents - 1 WHERE view = 'actions' AND status = old.status;
  INSERT INTO counts VALUES ('actions', new.status, 1) ON CONFLICT DO UPDATE SET documents = documents + 1;
END;

CREATE TRIGGER brakes_counted AFTER INSERT ON brakes BEGIN
  INSERT INTO counts VALUES ('brakes', new.status, 1) ON CONFLICT DO UPDATE SET documents = documents + 1;
END;
CREATE TRIGGER brakes_recounted AFTER UPDATE OF status ON brakes WHEN old.status <> new.status BEGIN
  UPDATE counts SET documents = documents - 1 WHERE view = 'brakes' AND status = old.status;
  INSERT INTO counts VALUES ('brakes', new.status, 1) ON CONFLICT DO UPDATE SET documents = documents + 1;
END;

CREATE TRIGGER policies_counted AFTER INSERT ON policies BEGIN
  INSERT INTO counts VALUES ('policies', new.status, 1) ON CONFLICT DO UPDATE SET documents = documents + 1;
END;
CREATE TRIGGER policies_recounted AFTER UPDATE OF status ON policies WHEN old.status <> new.status BEGIN
  UPDATE counts SET documents = documents - 1 WHERE view = 'policies' AND status = old.status;
  INSERT INTO counts VALUES ('policies', new.status, 1) ON CONFLICT DO UPDATE SET documents = documents + 1;
END;
