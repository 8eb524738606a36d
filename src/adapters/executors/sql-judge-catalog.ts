// A migration judged again with what the catalog knows: keys that pick few rows, types that only widen, code that is
// run, writes that spread.

import { cascadeKey, type Cascades } from "./sql-cascades.ts";
import { picksFewRows, widens, type TableFacts } from "./sql-catalog.ts";
import { codeKey, type Code } from "./sql-code.ts";
import { worstClass, type SqlFinding } from "./sql-findings.ts";
import { isDefined } from "./sql-names.ts";
import { isOwn, NAMES_OWN, TOUCHES_OWN } from "./sql-own.ts";
import { migrationOf, type JudgedMigration, type JudgedStatement } from "./sql-judge.ts";
import { spreadable, touchesOf, waysOf, type Touch } from "./sql-touches.ts";

export type Known = {
  readonly tables: readonly TableFacts[];
  /** Names that somebody gave a meaning of their own. */
  readonly defined: ReadonlySet<string>;
  readonly code: Code;
  readonly cascades: Cascades;
};

/** What the catalog does not confirm is taken for the worse. */
export function judgeAgainst(
  { statements }: JudgedMigration,
  { tables, defined, code, cascades }: Known,
): JudgedMigration {
  const known = new Map(tables.map((table) => [table.relation, table]));
  const touched = touchesOf(statements);
  const written = spreadable(statements);
  const ways = waysOf(statements);
  return migrationOf(
    statements.map((statement, index) => {
      const findings = statement.findings.map((finding) => judgeFinding(finding, known.get(finding.relation ?? "")));
      if (isDefined(statement.names, defined)) findings.push(REDEFINED);
      findings.push(...judgeCode(statement, touched[index] ?? [], code));
      const spread = (written[index] ?? []).flatMap((touch) => cascades.get(cascadeKey(touch)) ?? []);
      findings.push(...judgeSpread([...spread, ...spreadAnew(statement, ways)]));
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
  const codeOf = (runs: string): string =>
    isOwn(runs) ? TOUCHES_OWN : code.namingOwn.has(runs) ? NAMES_OWN : "runs-code";
  const add = (runs: string, relation: string | null): unknown =>
    found.set(runs, { class: "opaque", code: codeOf(runs), relation, lock: null, runs });
  for (const touch of touched) {
    for (const runs of code.byTouch.get(codeKey(touch)) ?? []) add(runs, touch.name);
  }
  if (touches.defines) for (const runs of code.onDefining) add(runs, null);
  const all = [...found.values()];
  const refused = all.filter((one) => one.code === TOUCHES_OWN);
  return [...refused, ...all.filter((one) => one.code !== TOUCHES_OWN)].slice(0, NAMED_MAX);
}

/** How many rows a foreign key changes elsewhere is not in the text, nor in the catalog. */
function judgeSpread(relations: readonly string[]): readonly SqlFinding[] {
  const lock = "ROW EXCLUSIVE";
  const found = [...new Set(relations)].map((relation) => ({
    class: "unbounded-write",
    code: "cascades",
    relation,
    lock,
  }));
  return (found as readonly SqlFinding[]).slice(0, NAMED_MAX);
}

/** Tables with a foreign key that the migration itself makes, and that spreads what the migration does elsewhere. */
function spreadAnew({ findings, touches }: JudgedStatement, ways: string): readonly string[] {
  if (![...touches.spreads].some((way) => ways.includes(way))) return [];
  const changed = findings.filter((finding) => finding.class !== "reads");
  return changed.flatMap(({ relation }) => (relation === null ? [] : [relation]));
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
