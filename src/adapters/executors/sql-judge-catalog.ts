// A migration judged again with what the catalog knows: keys that pick few rows, types that only widen.

import { picksFewRows, widens, type TableFacts } from "./sql-catalog.ts";
import { worstClass, type SqlFinding } from "./sql-findings.ts";
import { isDefined } from "./sql-names.ts";
import { migrationOf, type JudgedMigration } from "./sql-judge.ts";

/** What the catalog does not confirm is taken for the worse. `defined`: names that somebody gave a meaning of their own. */
export function judgeAgainst(
  { statements }: JudgedMigration,
  { tables, defined }: { readonly tables: readonly TableFacts[]; readonly defined: ReadonlySet<string> },
): JudgedMigration {
  const known = new Map(tables.map((table) => [table.relation, table]));
  return migrationOf(
    statements.map((statement) => {
      const findings = statement.findings.map((finding) => judgeFinding(finding, known.get(finding.relation ?? "")));
      if (isDefined(statement.names, defined)) findings.push(REDEFINED);
      return { ...statement, findings, class: worstClass(findings.map((finding) => finding.class)) };
    }),
  );
}

const REDEFINED: SqlFinding = { class: "opaque", code: "function-call", relation: null, lock: null };

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
