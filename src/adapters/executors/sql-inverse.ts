// The statement that takes back what another one added. Only what adds has one, and only when it surely added it itself.

import type { Json, JsonObject } from "../../core/json.ts";
import { isObject, listOf, namesOf, textOf, unwrap } from "./sql-tree.ts";

/** Null where nothing undoes it, or where it may have found what it names (`IF NOT EXISTS`). */
export function inverseOf(type: string, node: JsonObject): string | null {
  if (node["if_not_exists"] === true) return null;
  switch (type) {
    case "CreateStmt":
      return dropOf("TABLE", rangeName(node["relation"]));
    case "CreateTableAsStmt": {
      const into = node["into"];
      return node["objtype"] === "OBJECT_TABLE"
        ? dropOf("TABLE", rangeName(isObject(into) ? into["rel"] : null))
        : null;
    }
    case "ViewStmt":
      return node["replace"] === true ? null : dropOf("VIEW", rangeName(node["view"]));
    case "CreateSeqStmt":
      return dropOf("SEQUENCE", rangeName(node["sequence"]));
    case "CreateEnumStmt":
      return dropOf("TYPE", quotedName(namesOf(node["typeName"])));
    case "CompositeTypeStmt":
      return dropOf("TYPE", rangeName(node["typevar"]));
    case "CreateDomainStmt":
      return dropOf("DOMAIN", quotedName(namesOf(node["domainname"])));
    case "CreateSchemaStmt":
      return listOf(node["schemaElts"]).length > 0 ? null : dropOf("SCHEMA", quotedName([textOf(node["schemaname"])]));
    case "IndexStmt":
      return dropIndex(node);
    case "AlterTableStmt":
      return undoAlterations(node);
    default:
      return null;
  }
}

function dropOf(what: string, name: string | null): string | null {
  return name === null ? null : `DROP ${what} ${name}`;
}

/** An index lies in the schema of its table. */
function dropIndex(node: JsonObject): string | null {
  const relation = node["relation"];
  const index = textOf(node["idxname"]);
  if (index === "" || !isObject(relation)) return null;
  const schema = textOf(relation["schemaname"]);
  return dropOf("INDEX", quotedName(schema === "" ? [index] : [schema, index]));
}

function undoAlterations(node: JsonObject): string | null {
  const table = rangeName(node["relation"]);
  const parts = listOf(node["cmds"]).map((command) => undoAlteration(unwrap(command, "AlterTableCmd")));
  if (table === null || node["missing_ok"] === true || parts.some((part) => part === null)) return null;
  return `ALTER TABLE ${table} ${parts.reverse().join(", ")}`;
}

function undoAlteration(command: JsonObject | undefined): string | null {
  if (command === undefined || command["missing_ok"] === true) return null;
  if (command["subtype"] === "AT_AddColumn") {
    const name = quotedName([textOf(unwrap(command["def"], "ColumnDef")?.["colname"])]);
    return name === null ? null : `DROP COLUMN ${name}`;
  }
  if (command["subtype"] === "AT_AddConstraint") {
    const name = quotedName([textOf(unwrap(command["def"], "Constraint")?.["conname"])]);
    return name === null ? null : `DROP CONSTRAINT ${name}`;
  }
  return null;
}

function rangeName(rangeVar: Json | undefined): string | null {
  if (!isObject(rangeVar) || rangeVar["relpersistence"] === "t") return null;
  const schema = textOf(rangeVar["schemaname"]);
  const name = textOf(rangeVar["relname"]);
  return quotedName(schema === "" ? [name] : [schema, name]);
}

function quotedName(parts: readonly string[]): string | null {
  if (parts.length === 0 || parts.includes("")) return null;
  return parts.map((part) => `"${part.replaceAll('"', '""')}"`).join(".");
}
