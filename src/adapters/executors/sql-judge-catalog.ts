// A migration judged again with what the catalog knows: keys that pick few rows, types that only widen, code that is run.

import { picksFewRows, widens, type TableFacts } from "./sql-catalog.ts";
import { codeKey, type Code } from "./sql-code.ts";
import { worstClass, type SqlFinding } from "./sql-findings.ts";
import { isDefined } from "./sql-names.ts";
import { migrationOf, type JudgedMigration, type JudgedStatement } from "./sql-judge.ts";
import { touchesOf, type Touch } from "./sql-touches.ts";

export type Known = {
  readonly tables: readonly TableFacts[];
  /** Names that somebody gave a meaning of their own. */
  readonly defined: ReadonlySet<string>;
  readonly code: Code;
};

/** What the catalog does not confirm is taken for the worse. */
export function judgeAgainst({ statements }: JudgedMigration, { tables, defined, code }: Known): JudgedMigration {
  const known = new Map(tables.map((table) => [table.relation, table]));
  const touched = touchesOf(statements);
  return migrationOf(
    statements.map((statement, index) => {
      const findings = statement.findings.map((finding) => judgeFinding(finding, known.get(finding.relation ?? "")));
      if (isDefined(statement.names, defined)) findings.push(REDEFINED);
      findings.push(...judgeCode(statement, touched[index] ?? [], code));
      return { ...statement, findings, class: worstClass(findings.map((finding) => finding.class)) };
    }),
  );
}

const REDEFINED: SqlFinding = { class: "opaque", code: "function-call", relation: null, lock: null };

/** Bounds what a plan shows: one is enough to hold it. */
const NAMED_MAX = 20;

/** What PostgreSQL runs of somebody's with the statement is not in its text. */
function judgeCode({ touches }: JudgedStatement, touched: readonly Touch[], code: Code): readonly SqlFinding[] {
  const found = new Map<string, SqlFinding>();
  const add = (runs: string, relation: string | null): unknown =>
    found.set(runs, { class: "opaque", code: "runs-code", relation, lock: null, runs });
  for (const touch of touched) {
    for (const runs of code.byTouch.get(codeKey(touch)) ?? []) add(runs, touch.name);
  }
  if (touches.defines) for (const runs of code.onDefining) add(runs, null);
  return [...found.values()].slice(0, NAMED_MAX);
}

function judgeFinding(finding: SqlFinding, table: TableFacts | undefined): SqlFinding {
  const { keys, change } = finding;
  if (keys !== undefined && (table === undefined || !picksFewRows(table, keys))) {
    return { ...finding, class: "unbounded-write", code: `${finding.code}-many` };
  }
  const from = change === undefined ? undefined : table?.types[change.column];
  if (change?.to != null && from !== undefined && widens(from, change.to)) {
    return { ...finding, class: "altering", code: "widens-type" };
  }
  return finding;
}
