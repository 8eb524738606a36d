// What a statement touches of what is there already, and how: the catalog tells what of somebody's code that runs.

import type { Json } from "../../core/json.ts";
import type { SqlFinding } from "./sql-findings.ts";
import { isObject, joinedName, namesOf, rangesWithin, relationName, textOf, type SqlNode } from "./sql-tree.ts";

/**
 * How something is touched, a letter each: `r`ead; rows `i`nserted, `u`pdated, `d`eleted; `a`ltered, so that rows are
 * looked at or written again; `c`olumns compared, for an index; a `t`ype that values become.
 */
export type Touch = {
  readonly name: string;
  readonly how: string;
  /** Those that an update sets; absent where it may be any. */
  readonly columns?: readonly string[] | undefined;
};

export type Touches = {
  readonly now: readonly Touch[];
  /** What takes over code from another table, or stands for its rows, once the statement has run. */
  readonly joined: readonly Touch[];
  /** For which writes, `u` and `d`, it makes a foreign key that spreads them. */
  readonly spreads: string;
  /** Whether it is one of those that event triggers wait for. */
  readonly defines: boolean;
};

const ALL_WRITES = "iud";
/** By the code of a finding. */
const HOW: Readonly<Record<string, string>> = {
  "creates-index": "c",
  scans: "a",
  rewrites: "a",
  refreshes: "a",
  reindexes: "a",
  "changes-type": "a",
  "attaches-partition": "a",
};

export function touchesIn(nodes: readonly SqlNode[], findings: readonly SqlFinding[]): Touches {
  const touched = findings.flatMap(({ code, relation, how, sets }) =>
    touches([relation], how ?? HOW[code] ?? "", sets),
  );
  const sources = nodes.flatMap(({ type, node }) => (type === "RangeVar" ? [relationName(node)] : []));
  const types = nodes.flatMap(({ type, node }) => [node["typeName"], node["ofTypename"], type === "TypeName" && node]);
  const joined = nodes.flatMap(joinedBy);
  const changed = joined.length === 0 ? [] : findings.filter((finding) => finding.class !== "reads");
  const ends = changed.map(({ relation }) => relation);
  return {
    now: [...touched, ...touches(sources, "r"), ...touches(types.map(typeNameOf), "t")],
    joined: touches([...joined, ...ends], ALL_WRITES),
    spreads: nodes.map(spreadBy).join(""),
    defines: findings.some((finding) => !ROWS_ONLY.has(finding.class)),
  };
}

const ROWS_ONLY: ReadonlySet<string> = new Set(["reads", "bounded-write", "unbounded-write"]);

function touches(names: readonly (string | null)[], how: string, columns?: readonly string[]): readonly Touch[] {
  return how === "" ? [] : names.flatMap((name) => (name === null ? [] : [{ name, how, columns }]));
}

/** All of a migration's: one that also writes rows may write them by way of what it has joined. */
export function touchesOf(statements: readonly { readonly touches: Touches }[]): readonly (readonly Touch[])[] {
  const isWriting = statements.some(({ touches: { now } }) => now.some(({ how }) => /[iud]/.test(how)));
  return statements.map(({ touches: { now, joined } }) => (isWriting ? [...now, ...joined] : now));
}

/** In which of two ways, `u` and `d`, a migration writes rows that are there. */
export function waysOf(statements: readonly { readonly touches: Touches }[]): string {
  const now = statements.flatMap(({ touches: { now: all } }) => all);
  return ["u", "d"].filter((way) => now.some(({ how }) => how.includes(way))).join("");
}

/** Of all of a migration's, those that a foreign key may spread. */
export function spreadable(statements: readonly { readonly touches: Touches }[]): readonly (readonly Touch[])[] {
  const ways = waysOf(statements);
  return statements.map(({ touches: { now, joined } }) => [
    ...now.filter(({ how }) => /[ud]/.test(how)),
    ...touches(
      joined.map(({ name }) => name),
      ways,
    ),
  ]);
}

function typeNameOf(type: Json | undefined): string | null {
  const names = isObject(type) ? namesOf(type["names"]) : [];
  return names.length === 0 || names.includes("") ? null : joinedName(names);
}

function joinedBy({ type, node }: SqlNode): readonly (string | null)[] {
  switch (type) {
    case "ViewStmt":
      return rangesWithin(node["query"]);
    case "CreateStmt":
      return rangesWithin(node["inhRelations"]);
    case "TableLikeClause":
      return [relationName(node["relation"])];
    case "PartitionCmd":
      return [relationName(node["name"])];
    case "Constraint":
      return spreadBy({ type, node }) === "" ? [] : [relationName(node["pktable"])];
    default:
      return [];
  }
}

function spreadBy({ type, node }: SqlNode): string {
  if (type !== "Constraint") return "";
  return `${isCascading(node["fk_upd_action"]) ? "u" : ""}${isCascading(node["fk_del_action"]) ? "d" : ""}`;
}

/** CASCADE, SET NULL, SET DEFAULT: what is done to one table is done to the other. */
function isCascading(action: Json | undefined): boolean {
  return ["c", "n", "d"].includes(textOf(action));
}
