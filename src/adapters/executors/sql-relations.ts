// Which tables, views, indexes and sequences a statement is about: each is looked up in the catalog, shown with its size to
// whoever signs, and has to be what it was when the statement is run.

import type { Json, JsonObject } from "../../core/json.ts";
import {
  isObject,
  joinedName,
  listOf,
  namesOf,
  nodesWithin,
  rangesWithin,
  relationName,
  textOf,
  unwrap,
  type SqlNode,
} from "./sql-tree.ts";

type Names = readonly (string | null)[];

/** Names as written; one null where a statement names none. */
export function subjectsOf(type: string, node: JsonObject): Names {
  const named = subjects(type, node).filter((name) => name !== null);
  return named.length === 0 ? [null] : named;
}

function subjects(type: string, node: JsonObject): Names {
  switch (type) {
    case "TruncateStmt":
      return rangesWithin(node["relations"]);
    case "GrantStmt":
      return rangesWithin(node["objects"]);
    case "DropStmt":
      return listOf(node["objects"]).map((object) => objectName(textOf(node["removeType"]), object));
    case "CommentStmt":
      return [objectName(textOf(node["objtype"]), node["object"] ?? null)];
    case "CreateTableAsStmt":
      return [relationName(targetOf(node["into"]))];
    case "SelectStmt":
      return node["intoClause"] === undefined
        ? rangesWithin(node["fromClause"])
        : [relationName(targetOf(node["intoClause"]))];
    default:
      return [relationName(node["relation"] ?? node["view"] ?? node["sequence"] ?? node["table"] ?? node["typevar"])];
  }
}

/** Those that are relations themselves, and those that stand on one: a trigger, a policy, a rule, a column. */
const RELATIONS = /^OBJECT_(?:TABLE|VIEW|INDEX|SEQUENCE|MATVIEW|FOREIGN_TABLE)$/;
const ON_RELATION = /^OBJECT_(?:TRIGGER|POLICY|RULE|COLUMN|TABCONSTRAINT)$/;

function objectName(type: string, object: Json): string | null {
  const parts = namesOf(unwrap(object, "List")?.["items"]);
  const own = RELATIONS.test(type) ? parts : ON_RELATION.test(type) ? parts.slice(0, -1) : [];
  return own.length === 0 || own.includes("") ? null : joinedName(own);
}

/** Of an IntoClause. */
function targetOf(into: Json | undefined): Json | undefined {
  return isObject(into) ? into["rel"] : undefined;
}

/** What a query that makes a table reads; other queries are statements of their own. */
export function sourcesIn(type: string, node: JsonObject): Names {
  return type === "SelectStmt" && node["intoClause"] !== undefined ? rangesWithin(node["fromClause"]) : [];
}

/** Tables that a foreign key points to: they are locked too. */
export function referencesIn(node: JsonObject): Names {
  return [...nodesWithin(node)].flatMap((one) =>
    one?.type === "Constraint" && one.node["contype"] === "CONSTR_FOREIGN" ? [relationName(one.node["pktable"])] : [],
  );
}

/** Schemas of which everything is meant, whatever is in them by then. */
export function schemasIn(nodes: readonly SqlNode[]): readonly string[] {
  return nodes.flatMap(({ type, node }) => {
    const isWhole =
      (type === "DropStmt" && node["removeType"] === "OBJECT_SCHEMA") ||
      (type === "GrantStmt" && node["targtype"] === "ACL_TARGET_ALL_IN_SCHEMA");
    return isWhole ? namesOf(node["objects"]) : [];
  });
}
