// Statements that write rows: bounded only when constants pick the rows.

import type { Json, JsonObject } from "../../core/json.ts";
import { equalColumns } from "./sql-expressions.ts";
import type { SqlFinding } from "./sql-findings.ts";
import { isObject, listOf, relationName, textOf, unwrap } from "./sql-tree.ts";

/** The finding for a statement that writes rows; undefined for every other. */
export function judgeWrite(type: string, node: JsonObject): SqlFinding | undefined {
  const relation = relationName(node["relation"]);
  const lock = "ROW EXCLUSIVE";
  switch (type) {
    case "InsertStmt": {
      const update = updateOf(node);
      const how = update === undefined ? "i" : "iu";
      const at = { relation, lock, how, sets: columnsSet(update?.["targetList"]) } as const;
      return insertsLiterals(node)
        ? { class: "bounded-write", code: update === undefined ? "inserts" : "upserts", ...at }
        : { class: "unbounded-write", code: "inserts-from-query", ...at };
    }
    case "MergeStmt":
      return { class: "unbounded-write", code: "merges", relation, lock, ...partsOf(node) };
    case "UpdateStmt":
    case "DeleteStmt":
      return judgeRows(type === "UpdateStmt" ? "updates" : "deletes", node);
    default:
      return undefined;
  }
}

function insertsLiterals(node: JsonObject): boolean {
  if (node["selectStmt"] === undefined) return true; // DEFAULT VALUES
  const select = unwrap(node["selectStmt"], "SelectStmt");
  return select !== undefined && listOf(select["valuesLists"]).length > 0;
}

/** ON CONFLICT DO UPDATE. */
function updateOf(node: JsonObject): JsonObject | undefined {
  const conflict = node["onConflictClause"];
  return isObject(conflict) && conflict["action"] === "ONCONFLICT_UPDATE" ? conflict : undefined;
}

function columnsSet(targets: Json | undefined): readonly string[] {
  return listOf(targets).map((target) => textOf(unwrap(target, "ResTarget")?.["name"]));
}

/** What the WHEN clauses of a MERGE do. */
function partsOf(node: JsonObject): Pick<SqlFinding, "how" | "sets"> {
  const parts = listOf(node["mergeWhenClauses"]).map((one) => unwrap(one, "MergeWhenClause") ?? {});
  const has = (type: string): boolean => parts.some((part) => part["commandType"] === type);
  const how = [has("CMD_INSERT") && "i", has("CMD_UPDATE") && "u", has("CMD_DELETE") && "d"].filter(Boolean).join("");
  const updates = parts.filter((part) => part["commandType"] === "CMD_UPDATE");
  return { how, sets: updates.flatMap((part) => columnsSet(part["targetList"])) };
}

function judgeRows(verb: "updates" | "deletes", node: JsonObject): SqlFinding {
  const writes = verb === "deletes" ? { how: "d" } : { how: "u", sets: columnsSet(node["targetList"]) };
  const at = { relation: relationName(node["relation"]), lock: "ROW EXCLUSIVE", ...writes } as const;
  const where = node["whereClause"];
  if (where === undefined) return { class: "unbounded-write", code: `${verb}-all`, ...at };
  // With a second table an unqualified column may be that one's.
  const isJoined = listOf(node["usingClause"]).length > 0 || listOf(node["fromClause"]).length > 0;
  const keys = isJoined ? [] : equalColumns(where, targetNames(node));
  if (keys.length === 0) return { class: "unbounded-write", code: `${verb}-unbounded`, ...at };
  return { class: "bounded-write", code: verb, ...at, keys: [...new Set(keys)] };
}

/** What the target is called in its own WHERE clause: its alias alone where it has one. */
function targetNames(node: JsonObject): ReadonlySet<string> {
  const relation = node["relation"];
  if (!isObject(relation)) return new Set();
  const alias = relation["alias"];
  return new Set([isObject(alias) ? textOf(alias["aliasname"]) : textOf(relation["relname"])]);
}
