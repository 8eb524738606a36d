// How much harm a migration can do, read with PostgreSQL's own grammar: what cannot be read is the worst of all.

import type { Json, JsonObject } from "../../core/json.ts";
import { judgeDefinition } from "./sql-definitions.ts";
import { hiddenEffect } from "./sql-expressions.ts";
import { needsSignature, worstClass, type SqlClass, type SqlFinding } from "./sql-findings.ts";
import { inverseOf, type Inverse } from "./sql-inverse.ts";
import { allNames, namesIn, type SqlNames } from "./sql-names.ts";
import { ownFindings } from "./sql-own.ts";
import { schemasIn } from "./sql-relations.ts";
import { dropsOf, type Dropped } from "./sql-since.ts";
import { touchesIn, type Touches } from "./sql-touches.ts";
import { isObject, listOf, nodesWithin, type SqlNode } from "./sql-tree.ts";
import { judgeWrite } from "./sql-writes.ts";

/** In characters; a migration that is longer is split, or loads data, which is another tool's work. */
const SQL_CHARS_MAX = 262_144;
const STATEMENTS_MAX = 500;

export type JudgedStatement = {
  /** From 1. */
  readonly number: number;
  readonly class: SqlClass;
  readonly findings: readonly SqlFinding[];
  readonly names: SqlNames;
  readonly touches: Touches;
  /** Schemas of which everything is meant. */
  readonly schemas: readonly string[];
  /** What takes it back; null where nothing does. */
  readonly inverse: Inverse | null;
  readonly drops: readonly Dropped[];
  /** IF EXISTS: what is not there is no mistake. */
  readonly isOptional: boolean;
};

export type JudgedMigration = {
  readonly class: SqlClass;
  /** Nobody but people may let it through. */
  readonly needsSignature: boolean;
  readonly statements: readonly JudgedStatement[];
};

type Parser = (text: string) => Json;

let loading: Promise<Parser> | undefined;

/** Loaded when first needed: few installations migrate databases. */
async function loadParser(): Promise<Parser> {
  const library = await import("libpg-query");
  await library.loadModule();
  return (text) => library.parseSync(text) as unknown as Json;
}

/**
 * Judges every statement of a migration, and every statement within one, whatever hides it: a common table expression, a
 * rule, a prepared statement. The worst counts. Text that PostgreSQL 18 cannot read is `opaque`.
 */
export async function judgeMigration(text: string): Promise<JudgedMigration> {
  loading ??= loadParser();
  const parse = await loading;
  if (text.length > SQL_CHARS_MAX || text.includes("\0")) return unreadable("too-long");
  let tree: Json;
  try {
    tree = parse(text);
  } catch {
    return unreadable("unparseable");
  }
  const statements = isObject(tree) ? listOf(tree["stmts"]) : [];
  if (statements.length > STATEMENTS_MAX) return unreadable("too-many");
  if (statements.length === 0) return unreadable("empty");
  return migrationOf(statements.map((statement, index) => judgeStatement(statement, index + 1)));
}

function unreadable(code: string): JudgedMigration {
  const findings = [{ class: "opaque", code, relation: null, lock: null }] as const;
  return migrationOf([
    {
      number: 1,
      class: "opaque",
      findings,
      names: allNames([]),
      touches: touchesIn([], findings),
      schemas: [],
      inverse: null,
      drops: [],
      isOptional: false,
    },
  ]);
}

/** The whole, from its parts. */
export function migrationOf(statements: readonly JudgedStatement[]): JudgedMigration {
  const worst = worstClass(statements.map((one) => one.class));
  return { class: worst, needsSignature: needsSignature(worst), statements };
}

function judgeStatement(statement: Json, number: number): JudgedStatement {
  const wrapped = isObject(statement) ? (statement["stmt"] ?? null) : null;
  const findings: SqlFinding[] = [];
  const nodes: SqlNode[] = [];
  for (const one of nodesWithin(wrapped)) {
    if (one !== undefined) nodes.push(one);
    if (one === undefined) findings.push(opaque("too-deep"));
    else if (one.type.endsWith("Stmt")) findings.push(...judgeNode(one.type, one.node));
    else {
      const hidden = hiddenEffect(one);
      if (hidden !== null) findings.push(opaque(hidden));
    }
  }
  if (findings.length === 0) findings.push(opaque("unknown-statement"));
  findings.push(...ownFindings(wrapped, findings));
  return {
    number,
    class: worstClass(findings.map((one) => one.class)),
    findings,
    names: allNames(nodes.map(namesIn)),
    drops: nodes.flatMap(({ type, node }) => dropsOf(type, node)),
    touches: touchesIn(nodes, findings),
    schemas: schemasIn(nodes),
    inverse: inverseOfStatement(wrapped, findings),
    isOptional:
      isObject(wrapped) && Object.values(wrapped).some((node) => isObject(node) && node["missing_ok"] === true),
  };
}

/** What makes a table of rows that it deletes elsewhere, or by calling what nobody knows, is not taken back by dropping it. */
function inverseOfStatement(statement: Json, findings: readonly SqlFinding[]): Inverse | null {
  const [entry] = isObject(statement) ? Object.entries(statement) : [];
  if (
    entry?.[0] === "CreateTableAsStmt" &&
    findings.some((one) => one.class === "bounded-write" || needsSignature(one.class))
  )
    return null;
  return entry !== undefined && isObject(entry[1]) ? inverseOf(entry[0], entry[1]) : null;
}

function judgeNode(type: string, node: JsonObject): readonly SqlFinding[] {
  const write = judgeWrite(type, node);
  return write === undefined ? judgeDefinition(type, node) : [write];
}

function opaque(code: string): SqlFinding {
  return { class: "opaque", code, relation: null, lock: null };
}
