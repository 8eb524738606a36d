// The statement that takes back what another one added. Only what adds has one, and only when it surely added it itself.

import type { Json, JsonObject } from "../../core/json.ts";
import type { TableFacts } from "./sql-catalog.ts";
import { isObject, listOf, namesOf, relationName, textOf, unwrap } from "./sql-tree.ts";

/** With names as they are written: which schema they mean without one only the catalog tells. */
export type Inverse = {
  /** `DROP TABLE`, `ALTER TABLE` … */
  readonly does: string;
  readonly schema: string | null;
  readonly name: string;
  readonly rest: string;
  /** `new`: it lies where new things go; `table`: where the table lies that is there; `alone`: it is a schema. */
  readonly lies: "new" | "table" | "alone";
  /** The table that it belongs to, by its name and as findings call it. */
  readonly table: { readonly name: string; readonly relation: string } | null;
  /** Of a table with partitions it also becomes the owner of what they had before, and dropping it drops that too. */
  readonly adopts: boolean;
};

/** Null where nothing undoes it, or where it may have found what it names (`IF NOT EXISTS`). */
export function inverseOf(type: string, node: JsonObject): Inverse | null {
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
      return dropOf("TYPE", namesOf(node["typeName"]));
    case "CompositeTypeStmt":
      return dropOf("TYPE", rangeName(node["typevar"]));
    case "CreateDomainStmt":
      return dropOf("DOMAIN", namesOf(node["domainname"]));
    case "CreateSchemaStmt": {
      const drop = dropOf("SCHEMA", [textOf(node["schemaname"])]);
      return listOf(node["schemaElts"]).length > 0 || drop === null ? null : { ...drop, lies: "alone" };
    }
    case "IndexStmt":
      return dropIndex(node);
    case "AlterTableStmt":
      return undoAlterations(node);
    default:
      return null;
  }
}

function dropOf(what: string, parts: readonly string[]): Inverse | null {
  const [name = "", schema = null] = [...parts].reverse();
  // What is temporary has gone with its session: by that name there may be something else.
  if (name === "" || schema === "" || schema?.startsWith("pg_temp") === true) return null;
  return { does: `DROP ${what}`, schema, name, rest: "", lies: "new", table: null, adopts: false };
}

/** An index lies in the schema of its table. */
function dropIndex(node: JsonObject): Inverse | null {
  const table = tableOf(node["relation"]);
  const [, schema] = [...rangeName(node["relation"])].reverse();
  const index = textOf(node["idxname"]);
  const drop = table === null ? null : dropOf("INDEX", schema === undefined ? [index] : [schema, index]);
  return drop === null ? null : { ...drop, lies: "table", table, adopts: true };
}

function undoAlterations(node: JsonObject): Inverse | null {
  const table = tableOf(node["relation"]);
  const drop = dropOf("", rangeName(node["relation"]));
  const parts = listOf(node["cmds"]).map((command) => undoAlteration(unwrap(command, "AlterTableCmd")));
  if (drop === null || table === null || node["missing_ok"] === true || node["objtype"] !== "OBJECT_TABLE") return null;
  const adopts = parts.some((part) => part?.adopts === true);
  const undone = parts.flatMap((part) => (part === null ? [] : [part.text])).reverse();
  if (undone.length < parts.length) return null;
  return { ...drop, does: "ALTER TABLE", rest: ` ${undone.join(", ")}`, lies: "table", table, adopts };
}

type Part = { readonly text: string; readonly adopts: boolean };

function undoAlteration(command: JsonObject | undefined): Part | null {
  if (command === undefined || command["missing_ok"] === true) return null;
  if (command["subtype"] === "AT_AddColumn") {
    const name = textOf(unwrap(command["def"], "ColumnDef")?.["colname"]);
    return name === "" ? null : { text: `DROP COLUMN ${quoted(name)}`, adopts: false };
  }
  if (command["subtype"] !== "AT_AddConstraint") return null;
  const constraint = unwrap(command["def"], "Constraint");
  const name = textOf(constraint?.["conname"]);
  const type = constraint?.["contype"];
  // An index that was there before would go too; and one of NOT NULL may have been there by that name.
  if (name === "" || constraint?.["indexname"] !== undefined || type === "CONSTR_NOTNULL") return null;
  return { text: `DROP CONSTRAINT ${quoted(name)}`, adopts: type !== "CONSTR_CHECK" };
}

function tableOf(rangeVar: Json | undefined): Inverse["table"] {
  const relation = relationName(rangeVar);
  return relation === null ? null : { name: rangeName(rangeVar).at(-1) ?? "", relation };
}

/** Empty for what is temporary. */
function rangeName(rangeVar: Json | undefined): readonly string[] {
  if (!isObject(rangeVar) || rangeVar["relpersistence"] === "t") return [];
  const schema = textOf(rangeVar["schemaname"]);
  const name = textOf(rangeVar["relname"]);
  return schema === "" ? [name] : [schema, name];
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Where names without a schema lie. */
export type Places = {
  /** The schema that new things go to; null where there is none that another session sees. */
  readonly newIn: string | null;
  readonly searchPath: readonly string[];
  readonly tables: readonly Pick<TableFacts, "relation" | "schema" | "hasPartitions">[];
};

type Undoable = { readonly inverse: Inverse | null };

/**
 * Takes back all of a migration, in reverse order, each thing by the schema that it lies in. Null when a statement has no
 * inverse, or one whose place is not certain: by its name alone it could be somebody else's when it is dropped.
 */
export function undoOf(statements: readonly Undoable[], places: Places): string | null {
  const made = new Map<string, Set<string>>();
  const undone: string[] = [];
  for (const { inverse } of statements) {
    const text = inverse === null ? null : undoOne(inverse, places, made);
    if (text === null) return null;
    undone.push(text);
  }
  return undone.reverse().join(";\n");
}

function undoOne(inverse: Inverse, places: Places, made: Map<string, Set<string>>): string | null {
  const { does, name, rest, lies, table, adopts } = inverse;
  if (lies === "alone") {
    made.set("", new Set([...(made.get("") ?? []), name]));
    return `${does} ${quoted(name)}${rest}`;
  }
  const there = places.tables.find(({ relation }) => relation === table?.relation);
  if (adopts && there?.hasPartitions === true) return null;
  const schema = inverse.schema ?? (lies === "new" ? newIn(places, made) : schemaOfTable(table, there, places, made));
  if (schema === null) return null;
  if (lies === "new") made.set(name, new Set([...(made.get(name) ?? []), schema]));
  return `${does} ${quoted(schema)}.${quoted(name)}${rest}`;
}

/** Null also after a schema was made that stands on the search path: what comes next may go there. */
function newIn(places: Places, made: ReadonlyMap<string, ReadonlySet<string>>): string | null {
  const schemas = made.get("");
  return places.searchPath.some((schema) => schemas?.has(schema) === true) ? null : places.newIn;
}

/** What the migration itself has made by that name may hide the one that the catalog knows. */
function schemaOfTable(
  table: Inverse["table"],
  there: Places["tables"][number] | undefined,
  places: Places,
  made: ReadonlyMap<string, ReadonlySet<string>>,
): string | null {
  const madeIn = made.get(table?.name ?? "");
  if (madeIn === undefined) return there?.schema ?? null;
  const here = newIn(places, made);
  return here !== null && madeIn.has(here) ? here : null;
}
