// Migrating a PostgreSQL database: judged by its own grammar, planned against its catalog, run in one transaction that
// also writes down that it ran.

import { hash } from "node:crypto";
import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { Egress } from "../../wire/contracts/egress.ts";
import type {
  ActionKind,
  ExecuteRequest,
  Executor,
  Plan,
  PlanRequest,
  Reach,
  Reconciliation,
  StepOutcome,
} from "../../wire/contracts/executor.ts";
import { IRREVERSIBLE } from "../../wire/types/approvals.ts";
import { argumentsJsonSchema, parseArguments, sqlMigrateArguments } from "../../wire/schemas/executor-arguments.ts";
import type { SqlConfig } from "../../wire/schemas/executors-config.ts";
import { parseTcpAddress } from "../../wire/schemas/origin.ts";
import { boundTarget, boundTo, isFor } from "./bound-target.ts";
import { knownLeft } from "./known-left.ts";
import { missingReach } from "./reach.ts";
import { readSecret } from "./secret-reading.ts";
import { refuseAbsent } from "./sql-absent.ts";
import { readCascades, type Cascades } from "./sql-cascades.ts";
import { fingerprintOf, readSchemas, readTables, type TableFacts } from "./sql-catalog.ts";
import { DatabaseError, limitsOf, withSession, type Database, type Session } from "./sql-database.ts";
import { readCode, type Code } from "./sql-code.ts";
import { judgeAgainst } from "./sql-judge-catalog.ts";
import { allNames, readDefined } from "./sql-names.ts";
import { undoOf } from "./sql-inverse.ts";
import {
  approvedOf,
  findWritten,
  keepJournal,
  leftAs,
  leftToTell,
  readLeft,
  TRANSACTION,
  writeDown,
} from "./sql-journal.ts";
import { judgeMigration, type JudgedMigration, type JudgedStatement } from "./sql-judge.ts";
import { endedBy, isOfCredential } from "./sql-outcome.ts";
import { OWN_SCHEMA, TOUCHES_OWN } from "./sql-own.ts";
import { findWrittenSince, lockDropped, readTransaction, type Dropped } from "./sql-since.ts";
import { spreadable, touchesOf } from "./sql-touches.ts";

const MIGRATE: ActionKind = {
  kind: "sql.migrate",
  title: "Migrate a PostgreSQL database",
  argumentsSchema: argumentsJsonSchema(sqlMigrateArguments),
  repeat: "conditional",
  planning: "reads",
  effect: "external",
  reversible: true,
  risks: ["configuration", "performance", "security"],
};

export interface SqlParts {
  readonly config: SqlConfig;
  readonly egress: Egress;
  readonly credentials: Credentials;
  /** Keeps this log's actions apart from those of other installations at the same database. */
  readonly installation: string;
}

/** Offers `sql.migrate`. Throws `config-invalid` for a database that would be reached without TLS beyond this machine. */
export function createSqlExecutor({ config, egress, credentials, installation }: SqlParts): Executor {
  const databases = new Map<string, Database>();
  for (const one of config.databases) {
    const { address, isLocal } = parseTcpAddress(one);
    if (one.tls === "off" && !isLocal) {
      throw new AppError("config-invalid", `${one.name}: only TLS leaves this machine`, { database: one.name });
    }
    if (one.searchPath.includes(OWN_SCHEMA)) {
      throw new AppError("config-invalid", `${one.name}: ${OWN_SCHEMA} is no schema of its own`, {
        database: one.name,
      });
    }
    databases.set(one.name, { config: one, connect: egress.connectTo(address), credentials });
  }
  const named = (request: ExecuteRequest): ExecuteRequest => ({
    ...request,
    idempotencyKey: `${installation}:${request.idempotencyKey}`,
  });
  const of = (name: string): Database | undefined => databases.get(name);
  return {
    kinds: [MIGRATE],
    credentials: [...new Set(config.databases.map(({ passwordRef }) => passwordRef))],
    plan: (request, signal) => planMigration(of, request, signal),
    execute: (request, signal) => executeMigration(of, named(request), signal),
    reconcile: (request, signal) => reconcileMigration(of, named(request), signal),
    probe: (signal) => Promise.all([...databases.values()].map((database) => probeDatabase(database, signal))),
  };
}

async function probeDatabase(database: Database, signal: AbortSignal): Promise<Reach> {
  const { name, passwordRef } = database.config;
  const target = `database ${name}`;
  if ((await readSecret(database.credentials, passwordRef, signal)) === undefined) return missingReach(target);
  try {
    await withSession(database, signal, (session) => session.query("select 1"));
    return { target, status: "ready", code: "" };
  } catch (error) {
    if (!(error instanceof DatabaseError)) return { target, status: "away", code: "connection-lost" };
    const { problem } = error;
    if (problem.kind === "credential-refused") return { target, status: "refused", code: problem.kind };
    return { target, status: "away", code: problem.kind === "refused" ? problem.sqlState : problem.kind };
  }
}

type FindDatabase = (name: string) => Database | undefined;

/** What can only run outside a transaction, or would end it: then nothing could be taken back when a part fails. */
const OUTSIDE_TRANSACTION: ReadonlySet<string> = new Set([
  ...["outside-transaction", "unknown-TransactionStmt", "unknown-VacuumStmt", "unknown-CreatedbStmt"],
  ...["unknown-AlterSystemStmt", "unknown-VariableSetStmt", "unknown-CopyStmt", "unknown-CheckPointStmt", "empty"],
]);

async function planMigration(of: FindDatabase, request: PlanRequest, signal: AbortSignal): Promise<Plan> {
  const { database: name, statements } = parseArguments(sqlMigrateArguments, request.args);
  const database = of(name);
  const left = knownLeft(request);
  if (database === undefined || !isFor(database.config, request.target)) {
    throw new AppError("arguments-invalid", `the target has no database ${name}`, { database: name });
  }
  const read = await judgeMigration(statements);
  refuseUntransacted(read);
  refuseOwn(read);
  const known = await reading(database, signal, async (session) => {
    const undoes = left === undefined ? {} : { undoes: await checkLeft(session, left, dropsOf(read)) };
    const defined = await readDefined(session, allNames(read.statements.map(({ names }) => names)));
    return { ...(await readTouched(session, read)), defined, newIn: await readNewIn(session), undoes };
  });
  const { relations, tables, code, newIn } = known;
  const judged = judgeAgainst(read, known);
  refuseOwn(judged);
  if (left === undefined) refuseAbsent(judged, new Set(tables.map(({ relation }) => relation)));
  const { lockTimeoutMs, statementTimeoutMs, searchPath } = database.config;
  const inverse = undoOf(judged.statements, { newIn, searchPath, tables });
  return {
    kind: request.kind,
    change: hash("sha256", statements),
    calls: [
      {
        ...{ target: boundTo(request.target), at: placeOf(database) },
        ...{ database: name, lockTimeoutMs, newIn, searchPath: [...searchPath], statements, statementTimeoutMs },
        ...known.undoes,
      },
    ],
    diff: {
      class: judged.class,
      needsSignature: judged.needsSignature,
      statements: shown(judged),
      tables: [...tables],
    },
    inverse:
      inverse === null
        ? null
        : { kind: request.kind, target: { ...request.target }, args: { database: name, statements: inverse } },
    reversible: inverse !== null,
    fingerprint: fingerprintOf(relations, tables, code),
    size: judged.statements.length,
    ...(judged.needsSignature ? { signature: inverse === null ? IRREVERSIBLE : judged.class } : {}),
  };
}

function refuseUntransacted({ statements }: JudgedMigration): void {
  for (const { number, findings } of statements) {
    const found = findings.find(({ code }) => OUTSIDE_TRANSACTION.has(code));
    if (found === undefined) continue;
    const what = `statement ${number} cannot be run in one transaction with its record (${found.code})`;
    throw new AppError("arguments-invalid", what, { statement: number, code: found.code });
  }
}

/** What proves that migrations ran is changed by Holdpoint alone, whoever signs. */
function refuseOwn({ statements }: JudgedMigration): void {
  const found = statements.find(touchesOwn);
  if (found === undefined) return;
  const what = `statement ${found.number} touches what Holdpoint writes down in schema ${OWN_SCHEMA}`;
  throw new AppError("arguments-invalid", what, { statement: found.number, code: TOUCHES_OWN });
}

function touchesOwn({ findings }: JudgedStatement): boolean {
  return findings.some(({ code }) => code === TOUCHES_OWN);
}

type Touched = {
  /** Those that the migration names, and those that its writes spread to. */
  readonly relations: readonly string[];
  readonly tables: readonly TableFacts[];
  readonly code: Code;
  readonly cascades: Cascades;
};

async function readTouched(session: Session, judged: JudgedMigration): Promise<Touched> {
  const cascades = await readCascades(session, spreadable(judged.statements).flat());
  const meant = await readSchemas(
    session,
    judged.statements.flatMap(({ schemas }) => schemas),
  );
  const relations = [...relationsOf(judged), ...meant, ...[...cascades.values()].flat()];
  const code = await readCode(session, touchesOf(judged.statements).flat());
  return { relations, tables: await readTables(session, relations), code, cascades };
}

function relationsOf({ statements }: Pick<JudgedMigration, "statements">): readonly string[] {
  const named = statements.flatMap(({ findings }) => findings.map(({ relation }) => relation));
  return named.filter((relation): relation is string => relation !== null);
}

function shown({ statements }: JudgedMigration): Json {
  return statements.map(({ number, class: of, findings }) => ({
    number,
    class: of,
    findings: findings.map(({ code, relation, lock, runs }) => ({ code, relation, lock, ...(runs && { runs }) })),
  }));
}

/** The schema that what is made without naming one goes to; null where there is none that another session sees. */
async function readNewIn(session: Session): Promise<string | null> {
  const [row] = await session.query("select current_schema() as here");
  const here = row?.["here"];
  return typeof here === "string" && !here.startsWith("pg_temp") ? here : null;
}

/** A session that can change nothing. What the database does not answer is a plan that cannot be made now. */
async function reading<T>(database: Database, signal: AbortSignal, work: (session: Session) => Promise<T>): Promise<T> {
  try {
    return await withSession(database, signal, async (session) => {
      await session.query("begin read only");
      await session.query(`set local statement_timeout = ${database.config.statementTimeoutMs}`);
      return work(session);
    });
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    const { kind: code } = error.problem;
    if (!isOfCredential(error.problem))
      throw new AppError("target-unavailable", "the database did not answer", { code });
    throw new AppError("target-forbidden", "the secret is missing, or the database does not take it", { code });
  }
}

const placeSchema = z.strictObject({ host: z.string(), port: z.int(), database: z.string() });

const callSchema = z.strictObject({
  /** Where the database of that name was when this was planned. */
  at: placeSchema.optional(),
  database: z.string(),
  lockTimeoutMs: z.int().positive(),
  /** Where its inverse looks for what it makes; plans from before named no schema there. */
  newIn: z.string().nullable().optional(),
  /** Of a revert: the transaction that it takes back, where that is known. It drops nothing that was written since. */
  undoes: z.strictObject({ transaction: z.string().regex(TRANSACTION).nullable() }).optional(),
  searchPath: z.array(z.string()),
  statements: z.string(),
  statementTimeoutMs: z.int().positive(),
  target: boundTarget.optional(),
});
type Call = z.infer<typeof callSchema>;

function readCall(of: FindDatabase, { plan }: ExecuteRequest): { call: Call; database: Database } | undefined {
  const parsed = callSchema.safeParse(plan.calls[0]);
  const database = parsed.success ? of(parsed.data.database) : undefined;
  return parsed.success && database !== undefined ? { call: parsed.data, database } : undefined;
}

function placeOf({ config: { host, port, database } }: Database): z.output<typeof placeSchema> {
  return { host, port, database };
}

/** By another way it may be the same database; that is for whoever plans it again. */
function isThere({ call, database }: { readonly call: Call; readonly database: Database }): boolean {
  const { host, port, database: of } = placeOf(database);
  return call.at?.host === host && call.at.port === port && call.at.database === of;
}

async function executeMigration(of: FindDatabase, request: ExecuteRequest, signal: AbortSignal): Promise<StepOutcome> {
  const found = readCall(of, request);
  if (found === undefined || !isThere(found) || !isFor(found.database.config, found.call.target)) {
    return { status: "failed", code: "plan-invalid", detail: null };
  }
  const untilMs = performance.now() + request.timeoutMs * STATEMENTS_SHARE;
  try {
    return await withSession(found.database, signal, (session) => migrate(session, { ...found, request, untilMs }));
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return endedBy(error.problem);
  }
}

/** Of a step's time: by then PostgreSQL has ended what runs, and there is time left to hear of it. */
const STATEMENTS_SHARE = 0.9;

type Run = { readonly call: Call; readonly request: ExecuteRequest; readonly untilMs: number };

async function migrate(session: Session, { call, request, untilMs }: Run): Promise<StepOutcome> {
  const { plan, idempotencyKey: action } = request;
  const approved = approvedOf(request);
  // Each statement sees what was committed before it, also while a lock was waited for.
  await session.query("begin isolation level read committed");
  await session.query(limitsOf(call, untilMs));
  const [lock] = await session.query("select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as taken", [action]);
  // A connection that was lost leaves its transaction behind for a while: it may still commit only if it was told to.
  if (lock?.["taken"] !== true) return { status: "unknown", code: "earlier-attempt-unsettled", detail: null };
  await keepJournal(session);
  const before = await findWritten(session, approved);
  if (before?.kind === "foreign") return { status: "unknown", code: FOREIGN, detail: null };
  if (before !== undefined) return { ...succeeded(action, true), ...before.told };
  const judged = await judgeMigration(call.statements);
  if (judged.statements.some(touchesOwn)) return { status: "failed", code: "plan-invalid", detail: null };
  const now = await readTouched(session, judged);
  const isElsewhere = call.newIn !== undefined && (await readNewIn(session)) !== call.newIn;
  if (isElsewhere || fingerprintOf(now.relations, now.tables, now.code) !== plan.fingerprint) {
    return { status: "failed", code: "target-moved", detail: null };
  }
  if (call.undoes !== undefined) {
    const drops = dropsOf(judged);
    await lockDropped(session, drops);
    const written = await findWrittenSince(session, drops, call.undoes.transaction);
    if (written !== undefined) return { status: "failed", code: "target-moved", detail: { written } };
  }
  await session.query(limitsOf(call, untilMs));
  await session.query(call.statements);
  await session.query("set constraints all immediate"); // within COMMIT no limit would hold for what is deferred
  const relations = relationsOf({ statements: judged.statements.map(withoutReads) });
  const fingerprint = fingerprintOf(relations, await readTables(session, relations));
  const left = leftAs({ fingerprint, relations, transaction: await readTransaction(session) });
  await writeDown(session, approved, left);
  await session.commit();
  return { ...succeeded(action, false), left: leftToTell(action, left) };
}

/** What it only reads or points to may change afterwards: taking it back does not go over that. */
function withoutReads(statement: JudgedStatement): JudgedStatement {
  return { ...statement, findings: statement.findings.filter((finding) => finding.class !== "reads") };
}

function dropsOf({ statements }: JudgedMigration): readonly Dropped[] {
  return statements.flatMap(({ drops }) => drops);
}

type Undoes = NonNullable<Call["undoes"]>;

/** Throws `target-moved` when somebody has changed the tables since, or has written what would be dropped. */
async function checkLeft(session: Session, left: string, drops: readonly Dropped[]): Promise<Undoes> {
  const { fingerprint, relations, transaction } = await readLeft(session, left);
  if (fingerprintOf(relations, await readTables(session, relations)) !== fingerprint) {
    throw new AppError("target-moved", "the tables were changed since: undoing would overwrite that", { relations });
  }
  const written = await findWrittenSince(session, drops, transaction);
  if (written === undefined) return { transaction };
  throw new AppError("target-moved", "somebody has written since what undoing would drop", { ...written });
}

/** That a row says so proves nothing where it is not about what was approved. */
const FOREIGN = "look-up-unreliable";

function succeeded(action: string, foundBefore: boolean) {
  return { status: "succeeded", reference: `migration:${action}`, detail: { foundBefore } } as const;
}

async function reconcileMigration(
  of: FindDatabase,
  request: ExecuteRequest,
  signal: AbortSignal,
): Promise<Reconciliation> {
  const found = readCall(of, request);
  if (found === undefined) return { status: "unclear", detail: { code: "plan-invalid" } };
  const action = request.idempotencyKey;
  try {
    return await withSession(found.database, signal, async (session) => {
      await session.query("begin");
      const [lock] = await session.query("select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as taken", [
        action,
      ]);
      if (lock?.["taken"] !== true) return { status: "unclear", detail: { code: "still-running" }, afterMs: 2_000 };
      const written = await findWritten(session, approvedOf(request));
      if (written?.kind === "foreign") return { status: "unclear", detail: { code: FOREIGN } };
      if (written !== undefined) {
        return { status: "happened", reference: `migration:${action}`, detail: null, ...written.told };
      }
      // That another database knows nothing of it says nothing.
      return isThere(found)
        ? { status: "absent", detail: null }
        : { status: "unclear", detail: { code: "plan-invalid" } };
    });
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return { status: "unclear", detail: { code: error.problem.kind }, afterMs: 5_000 };
  }
}
