// What SQL migrations are judged to do, in every disguise.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { judgeMigration } from "../../src/adapters/executors/sql-judge.ts";
import { SQL_CLASSES, worstClass, type SqlClass } from "../../src/adapters/executors/sql-findings.ts";

async function classOf(text: string): Promise<SqlClass> {
  return (await judgeMigration(text)).class;
}

async function codesOf(text: string): Promise<readonly string[]> {
  const { statements } = await judgeMigration(text);
  return statements.flatMap((one) => one.findings.map(({ code }) => code));
}

const JUDGED: Readonly<Record<Exclude<SqlClass, "opaque">, readonly string[]>> = {
  reads: ["SELECT 1", "SELECT count(*) FROM orders WHERE placed > now()", "EXPLAIN SELECT * FROM orders"],
  additive: [
    "CREATE TABLE t (id bigint PRIMARY KEY, name text NOT NULL DEFAULT 'x')",
    "CREATE TABLE t AS SELECT id FROM orders",
    "SELECT id INTO t FROM orders",
    "ALTER TABLE t ADD COLUMN note text",
    "ALTER TABLE t ADD COLUMN at timestamptz DEFAULT now()",
    "ALTER TABLE t ADD CONSTRAINT positive CHECK (a > 0) NOT VALID",
    "CREATE INDEX i ON t (lower(name))",
    "CREATE VIEW v AS SELECT id FROM t",
    "CREATE TYPE mood AS ENUM ('fine')",
    "ALTER TYPE mood ADD VALUE 'better'",
    "CREATE SCHEMA s CREATE TABLE t (a int)",
    "CREATE SEQUENCE s",
  ],
  "bounded-write": [
    "INSERT INTO t (id) VALUES (1), (nextval('s'))",
    "UPDATE t SET a = a + 1 WHERE id = 7 AND b > 2",
    "UPDATE t AS x SET a = 1 WHERE x.id IN (1, 2)",
    "DELETE FROM t WHERE id = ANY (ARRAY[1, 2])",
    "DELETE FROM s.t WHERE 7 = id",
  ],
  altering: [
    "ALTER TABLE t ADD COLUMN id bigserial",
    "ALTER TABLE t ADD COLUMN r double precision DEFAULT random()",
    "ALTER TABLE t ADD COLUMN d int GENERATED ALWAYS AS (a * 2) STORED",
    "ALTER TABLE t ADD COLUMN u int REFERENCES users (id)",
    "ALTER TABLE t ADD PRIMARY KEY (id)",
    "ALTER TABLE t ALTER COLUMN a SET NOT NULL",
    "ALTER TABLE t ALTER COLUMN a SET DEFAULT 4",
    "ALTER TABLE t VALIDATE CONSTRAINT c",
    "CREATE OR REPLACE VIEW v AS SELECT 1",
    "CREATE TABLE p PARTITION OF t FOR VALUES IN (1)",
    "CLUSTER t USING i",
  ],
  privilege: [
    "GRANT SELECT ON t TO reporting",
    "REVOKE ALL ON t FROM reporting",
    "ALTER TABLE t OWNER TO somebody",
    "ALTER TABLE t DISABLE ROW LEVEL SECURITY",
    "ALTER VIEW v SET (security_invoker = false)",
    "ALTER VIEW v RESET (security_barrier)",
    "CREATE POLICY p ON t USING (true)",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reporting",
    "CREATE ROLE r SUPERUSER",
  ],
  "unbounded-write": [
    "DELETE FROM t",
    "UPDATE t SET a = 1",
    "DELETE FROM t WHERE true",
    "DELETE FROM t WHERE 1 = 1",
    "DELETE FROM t WHERE id = id",
    "DELETE FROM t WHERE id IS NOT NULL",
    "DELETE FROM t WHERE id > 0",
    "DELETE FROM t WHERE id = 1 OR true",
    "DELETE FROM t WHERE NOT (id = 1)",
    "DELETE FROM t WHERE id <> 1",
    "DELETE FROM t WHERE id NOT IN (1)",
    "DELETE FROM t WHERE active = true",
    "DELETE FROM t WHERE (SELECT true)",
    "DELETE FROM t WHERE id = (SELECT id)",
    "DELETE FROM t WHERE id IN (SELECT id FROM t)",
    "DELETE FROM t WHERE id = ANY (ARRAY[id])",
    "DELETE FROM t USING u WHERE u.id = 1",
    "DELETE FROM t USING u WHERE id = 1",
    "UPDATE t SET a = 1 FROM u WHERE id = 1",
    "DELETE FROM t AS x WHERE t.id = 1",
    "INSERT INTO t SELECT * FROM u",
    "MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE",
    "WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone",
    "WITH a AS (WITH b AS (DELETE FROM t RETURNING 1) SELECT 1 FROM b) SELECT * FROM a",
    "EXPLAIN ANALYZE DELETE FROM t",
    "CREATE TABLE u AS WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone",
  ],
  destructive: [
    "DROP TABLE t",
    "drop/**/table t",
    "DROP INDEX i",
    "DROP VIEW v CASCADE",
    "DROP SCHEMA s CASCADE",
    "DROP DATABASE d",
    "DROP OWNED BY somebody",
    "TRUNCATE t",
    "TRUNCATE TABLE ONLY t RESTART IDENTITY CASCADE",
    "ALTER TABLE t DROP COLUMN a",
    "ALTER TABLE t ADD COLUMN b int, DROP COLUMN a",
    "ALTER TABLE t DROP CONSTRAINT c",
    "ALTER TABLE t ALTER COLUMN a TYPE varchar(10)",
    "ALTER TABLE t ALTER a TYPE smallint USING a::smallint",
    "ALTER TABLE t RENAME a TO b",
    "ALTER TABLE t SET SCHEMA elsewhere",
    "ALTER TABLE t DETACH PARTITION p",
    "ALTER TYPE mood RENAME VALUE 'fine' TO 'bad'",
  ],
};

const OPAQUE: Readonly<Record<string, string>> = {
  "DO $$ BEGIN DROP TABLE t; END $$": "unknown-DoStmt",
  "CALL clean_up()": "unknown-CallStmt",
  "SELECT clean_up()": "function-call",
  "SELECT other.lower('x')": "function-call",
  "SELECT lo_unlink(3)": "function-call",
  "SELECT setval('s', 1)": "function-call",
  "SELECT nextval('s') FROM orders": "function-call",
  "CREATE TABLE u AS SELECT nextval('s') FROM orders": "function-call",
  "SELECT pg_terminate_backend(1)": "function-call",
  "SELECT * FROM query_to_xml('DELETE FROM t', true, true, '')": "function-call",
  "SELECT 1 OPERATOR(s.+) 2": "operator",
  "UPDATE t SET a = clean_up() WHERE id = 1": "function-call",
  "ALTER TABLE t ADD COLUMN b int DEFAULT clean_up()": "function-call",
  "CREATE INDEX i ON t (clean_up(a))": "function-call",
  "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'DROP TABLE t; SELECT 1'": "unknown-CreateFunctionStmt",
  "CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()": "unknown-CreateTrigStmt",
  "CREATE RULE r AS ON INSERT TO t DO INSTEAD DELETE FROM u": "unknown-RuleStmt",
  "PREPARE p AS DELETE FROM t": "unknown-PrepareStmt",
  "EXECUTE p": "unknown-ExecuteStmt",
  "COPY t FROM PROGRAM 'rm -rf /'": "unknown-CopyStmt",
  "COPY (DELETE FROM t RETURNING *) TO STDOUT": "unknown-CopyStmt",
  COMMIT: "unknown-TransactionStmt",
  "SET search_path TO elsewhere": "unknown-VariableSetStmt",
  "SET LOCAL lock_timeout = 0": "unknown-VariableSetStmt",
  "SET ROLE postgres": "unknown-VariableSetStmt",
  "LOCK TABLE t": "unknown-LockStmt",
  "VACUUM FULL t": "unknown-VacuumStmt",
  "CREATE EXTENSION dblink": "unknown-CreateExtensionStmt",
  "LOAD 'x'": "unknown-LoadStmt",
  "ALTER SYSTEM SET fsync = off": "unknown-AlterSystemStmt",
  "ALTER TABLE t DISABLE TRIGGER ALL": "unknown-AT_DisableTrigAll",
  "CREATE INDEX CONCURRENTLY i ON t (a)": "outside-transaction",
  "DROP TABLE": "unparseable",
  "\\i other.sql": "unparseable",
  "SELECT 'unclosed": "unparseable",
  "-- DROP TABLE t": "empty",
  "": "unparseable",
  "SELECT 1;\0DROP TABLE t": "too-long",
};

describe("a migration", () => {
  for (const [expected, texts] of Object.entries(JUDGED)) {
    it(`is ${expected} where PostgreSQL reads it so`, async () => {
      for (const text of texts) assert.equal(await classOf(text), expected, text);
    });
  }

  it("is opaque where its effect cannot be read from it, and says why", async () => {
    for (const [text, code] of Object.entries(OPAQUE)) {
      assert.equal(await classOf(text), "opaque", text);
      assert.ok((await codesOf(text)).includes(code), `${text}: ${(await codesOf(text)).join(", ")}`);
    }
  });

  it("shows what hides in what is opaque anyway", async () => {
    assert.deepEqual(await codesOf("PREPARE p AS DELETE FROM t"), ["unknown-PrepareStmt", "deletes-all"]);
  });

  it("needs a signature from privileges on, and for whatever is opaque", async () => {
    for (const kind of ["reads", "additive", "bounded-write", "altering"] as const) {
      for (const text of JUDGED[kind]) assert.equal((await judgeMigration(text)).needsSignature, false, text);
    }
    for (const kind of ["privilege", "unbounded-write", "destructive"] as const) {
      for (const text of JUDGED[kind]) assert.equal((await judgeMigration(text)).needsSignature, true, text);
    }
    for (const text of Object.keys(OPAQUE)) assert.equal((await judgeMigration(text)).needsSignature, true, text);
  });

  it("is as bad as its worst statement, wherever that stands and however it is written", async () => {
    const known = Object.entries(JUDGED).flatMap(([of, texts]) => texts.map((text) => ({ text, of: of as SqlClass })));
    const spaced = fc.record({
      one: fc.constantFrom(...known),
      comment: fc.constantFrom(" ", "\n", "/* ; -- */", "-- DROP\n", "/* /* nested */ */", "\t;;"),
      upper: fc.boolean(),
    });
    const many = fc.array(spaced, { minLength: 1, maxLength: 6 });
    const property = fc.asyncProperty(many, async (parts) => {
      const text = parts.map(({ one, comment }) => `${comment}${one.text}${comment}`).join(";");
      const { statements } = await judgeMigration(text);
      assert.equal(statements.length, parts.length);
      assert.equal(await classOf(text), worstClass(parts.map(({ one }) => one.of)), text);
    });
    await fc.assert(property, { numRuns: 300 });
  });

  it("is never judged harmless when garbage stands in it", async () => {
    const property = fc.asyncProperty(fc.string({ unit: "binary", minLength: 1, maxLength: 40 }), async (garbage) => {
      const { class: of } = await judgeMigration(`DELETE FROM t ${garbage}`);
      const isHarmless = SQL_CLASSES.indexOf(of) < SQL_CLASSES.indexOf("unbounded-write");
      assert.equal(isHarmless, false, JSON.stringify(garbage));
    });
    await fc.assert(property, { numRuns: 500 });
  });

  it("of any depth or size gets an answer, and the next one too", async () => {
    const deep = `SELECT ${"(".repeat(100_000)}1${")".repeat(100_000)}`;
    assert.equal(await classOf(deep), "opaque");
    assert.equal(await classOf(`SELECT ${"NOT ".repeat(60_000)} true`), "opaque");
    assert.equal(await classOf(`SELECT 1 ${"+ 1".repeat(20_000)}`), "opaque");
    assert.equal(await classOf("SELECT 1; ".repeat(30_000)), "opaque");
    assert.equal(await classOf("DROP TABLE t"), "destructive");
    assert.equal(await classOf("SELECT 1"), "reads");
  });

  it("names tables, locks and keys for whoever asks the catalog", async () => {
    const { statements } = await judgeMigration(
      "UPDATE s.t SET a = 1 WHERE id = 7; CREATE INDEX i ON t (a); ALTER TABLE t ALTER COLUMN a TYPE bigint",
    );
    assert.deepEqual(
      statements.flatMap((one) => one.findings),
      [
        {
          class: "bounded-write",
          code: "updates",
          relation: "s.t",
          lock: "ROW EXCLUSIVE",
          how: "u",
          sets: ["a"],
          keys: ["id"],
        },
        { class: "additive", code: "creates-index", lock: "SHARE", relation: "t" },
        {
          class: "destructive",
          code: "changes-type",
          lock: "ACCESS EXCLUSIVE",
          relation: "t",
          change: { column: "a", to: "bigint" },
        },
      ],
    );
  });
});
