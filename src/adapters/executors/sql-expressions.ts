// Which expressions are known to do nothing but compute: an allow-list, since a function can do anything.

import type { Json, JsonObject } from "../../core/json.ts";
import { isObject, listOf, namesOf, textOf, unwrap, type SqlNode } from "./sql-tree.ts";

/** Node types that carry no effect of their own; statements are judged one by one, anything else is opaque. */
const PLAIN_NODES: ReadonlySet<string> = new Set([
  ...["A_ArrayExpr", "A_Const", "A_Expr", "A_Indices", "A_Indirection", "A_Star", "AccessPriv", "AlterTableCmd"],
  ...["BitString", "BoolExpr", "Boolean", "BooleanTest", "CaseExpr", "CaseWhen", "CoalesceExpr", "CollateClause"],
  ...["ColumnDef", "ColumnRef", "CommonTableExpr", "Constraint", "DefElem", "Float", "FuncCall", "GroupingSet"],
  ...["IndexElem", "Integer", "JoinExpr", "List", "LockingClause", "MergeWhenClause", "MinMaxExpr", "MultiAssignRef"],
  ...["NullTest", "PartitionCmd", "PartitionElem", "RangeFunction", "RangeSubselect", "RangeVar", "ResTarget"],
  ...["RoleSpec", "RowExpr", "SQLValueFunction", "SetToDefault", "SortBy", "StatsElem", "String", "SubLink"],
  ...["TableLikeClause", "TypeCast", "TypeName", "VacuumRelation", "WindowDef"],
]);

const STABLE_FUNCTIONS: ReadonlySet<string> = new Set([
  ...["abs", "age", "btrim", "ceil", "ceiling", "char_length", "concat", "concat_ws", "date_part", "date_trunc"],
  ...["extract", "floor", "greatest", "initcap", "json_build_array", "json_build_object", "jsonb_build_array"],
  ...["jsonb_build_object", "left", "length", "lower", "ltrim", "make_interval", "md5", "mod", "now", "octet_length"],
  ...[
    "regexp_replace",
    "replace",
    "right",
    "round",
    "rtrim",
    "split_part",
    "strpos",
    "substr",
    "substring",
    "timezone",
  ],
  ...[
    "to_char",
    "to_date",
    "to_jsonb",
    "to_timestamp",
    "to_tsvector",
    "transaction_timestamp",
    "trim",
    "trunc",
    "upper",
  ],
  ...["avg", "array_agg", "bool_and", "bool_or", "count", "jsonb_agg", "max", "min", "row_number", "string_agg", "sum"],
]);

/** They compute too, and another value for each row: a default of these rewrites the table. */
export const VOLATILE_FUNCTIONS: ReadonlySet<string> = new Set([
  ...["clock_timestamp", "gen_random_uuid", "nextval", "random", "statement_timestamp", "uuidv4", "uuidv7"],
]);

/** Of the built-in types; a name of several parts could be anybody's operator. */
const OPERATOR = /^(?:[-+*/%^<>=~!|&#@?]{1,4}|~~\*?|!~~\*?|@>|<@|->>?|#>>?)$/;

/** Why this node may have an effect that nobody sees; null when it cannot. */
export function hiddenEffect({ type, node }: SqlNode): string | null {
  if (type.endsWith("Stmt")) return null; // judged as what it is
  if (!PLAIN_NODES.has(type)) return `unknown-${type.slice(0, 48)}`;
  if (type === "FuncCall" && functionName(node) === null) return "function-call";
  if (type === "A_Expr" && !isBuiltInOperator(node)) return "operator";
  return null;
}

function isBuiltInOperator(node: JsonObject): boolean {
  const kind = textOf(node["kind"]);
  const name = namesOf(node["name"]);
  if (kind === "AEXPR_BETWEEN" || kind === "AEXPR_NOT_BETWEEN") return true;
  const last = name.at(-1) ?? "";
  return isOfTheSystem(name) && OPERATOR.test(last);
}

/** A built-in function that only computes; null for all others. */
function functionName(node: JsonObject): string | null {
  const name = namesOf(node["funcname"]);
  const last = name.at(-1) ?? "";
  return isOfTheSystem(name) && (STABLE_FUNCTIONS.has(last) || VOLATILE_FUNCTIONS.has(last)) ? last : null;
}

/** Unqualified names are looked up in pg_catalog first: the executor sets the search path so. */
function isOfTheSystem(name: readonly string[]): boolean {
  return name.length === 1 || (name.length === 2 && name[0] === "pg_catalog");
}

/** Whether it is the same for every row, so that a column's default is written down once. */
export function isSameForAllRows(nodes: Iterable<SqlNode | undefined>): boolean {
  for (const one of nodes) {
    if (one === undefined) return false;
    if (one.type === "FuncCall" && !STABLE_FUNCTIONS.has(namesOf(one.node["funcname"]).at(-1) ?? "")) return false;
  }
  return true;
}

/** A literal, perhaps cast; a boolean picks no few rows. */
function isConstant(value: Json | undefined): boolean {
  const constant = unwrap(value, "A_Const");
  if (constant !== undefined) return !("boolval" in constant);
  const cast = unwrap(value, "TypeCast");
  return cast !== undefined && isConstant(cast["arg"]);
}

/**
 * Columns of the target that a WHERE clause holds equal to constants, in all rows that it lets through. `names` are what
 * the target is called there.
 */
export function equalColumns(where: Json | undefined, names: ReadonlySet<string>): readonly string[] {
  const bool = unwrap(where, "BoolExpr");
  if (bool !== undefined) {
    if (bool["boolop"] !== "AND_EXPR") return [];
    return listOf(bool["args"]).flatMap((one) => equalColumns(one, names));
  }
  const comparison = unwrap(where, "A_Expr");
  if (comparison === undefined || namesOf(comparison["name"]).join(".") !== "=") return [];
  const { kind, lexpr, rexpr } = comparison;
  if (kind === "AEXPR_OP") return [...columnEqual(lexpr, rexpr, names), ...columnEqual(rexpr, lexpr, names)];
  const members = kind === "AEXPR_IN" ? unwrap(rexpr, "List")?.["items"] : arrayElements(kind, rexpr);
  const column = columnOf(lexpr, names);
  return column !== null && members !== undefined && listOf(members).every(isConstant) ? [column] : [];
}

function arrayElements(kind: Json | undefined, value: Json | undefined): Json | undefined {
  return kind === "AEXPR_OP_ANY" ? unwrap(value, "A_ArrayExpr")?.["elements"] : undefined;
}

function columnEqual(one: Json | undefined, other: Json | undefined, names: ReadonlySet<string>): readonly string[] {
  const column = columnOf(one, names);
  return column !== null && isConstant(other) ? [column] : [];
}

function columnOf(value: Json | undefined, names: ReadonlySet<string>): string | null {
  const reference = unwrap(value, "ColumnRef");
  if (reference === undefined || listOf(reference["fields"]).some((field) => isObject(field) && "A_Star" in field)) {
    return null;
  }
  const parts = namesOf(reference["fields"]);
  const qualifier = parts.at(-2);
  if (parts.length > 2 || (qualifier !== undefined && !names.has(qualifier))) return null;
  return parts.at(-1) ?? null;
}
