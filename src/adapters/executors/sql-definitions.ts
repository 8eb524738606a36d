// Statements that define things: which add, which alter, which destroy. What is not named here is opaque.

import type { Json, JsonObject } from "../../core/json.ts";
import { isSameForAllRows } from "./sql-expressions.ts";
import type { SqlClass, SqlFinding, SqlLock } from "./sql-findings.ts";
import { referencesIn, sourcesIn, subjectsOf } from "./sql-relations.ts";
import { isObject, listOf, namesOf, nodesWithin, textOf, unwrap } from "./sql-tree.ts";

type Judgement = { readonly class: SqlClass; readonly code: string; readonly lock: SqlLock | null };

const judged = (of: SqlClass, code: string, lock: SqlLock | null = null): Judgement => ({ class: of, code, lock });

/** Statements that are one thing whatever they say. */
const FIXED: Readonly<Record<string, Judgement>> = {
  ExplainStmt: judged("reads", "explains"),
  CreateTableAsStmt: judged("additive", "creates-table"),
  CreateSchemaStmt: judged("additive", "creates-schema"),
  CreateSeqStmt: judged("additive", "creates-sequence"),
  CreateEnumStmt: judged("additive", "creates-type"),
  CompositeTypeStmt: judged("additive", "creates-type"),
  CreateDomainStmt: judged("additive", "creates-domain"),
  CreateStatsStmt: judged("additive", "creates-statistics", "SHARE UPDATE EXCLUSIVE"),
  CommentStmt: judged("altering", "comments"),
  AlterSeqStmt: judged("altering", "alters-sequence"),
  RefreshMatViewStmt: judged("altering", "refreshes", "ACCESS EXCLUSIVE"),
  ClusterStmt: judged("altering", "rewrites", "ACCESS EXCLUSIVE"),
  ReindexStmt: judged("altering", "reindexes", "ACCESS EXCLUSIVE"),
  TruncateStmt: judged("destructive", "truncates", "ACCESS EXCLUSIVE"),
  DropStmt: judged("destructive", "drops", "ACCESS EXCLUSIVE"),
  DropOwnedStmt: judged("destructive", "drops"),
  DropdbStmt: judged("destructive", "drops"),
  DropRoleStmt: judged("destructive", "drops"),
  DropTableSpaceStmt: judged("destructive", "drops"),
  DropSubscriptionStmt: judged("destructive", "drops"),
  DropUserMappingStmt: judged("destructive", "drops"),
  RenameStmt: judged("destructive", "renames", "ACCESS EXCLUSIVE"),
  AlterObjectSchemaStmt: judged("destructive", "renames", "ACCESS EXCLUSIVE"),
  AlterDefaultPrivilegesStmt: judged("privilege", "grants"),
  AlterOwnerStmt: judged("privilege", "changes-owner"),
  ReassignOwnedStmt: judged("privilege", "changes-owner"),
  CreateRoleStmt: judged("privilege", "changes-roles"),
  AlterRoleStmt: judged("privilege", "changes-roles"),
  AlterRoleSetStmt: judged("privilege", "changes-roles"),
  AlterPolicyStmt: judged("privilege", "opens-row-security", "ACCESS EXCLUSIVE"),
};

/** Of ALTER TABLE, by PostgreSQL's own names for its parts. */
const ALTERATIONS: Readonly<Record<string, Judgement>> = {
  AT_ColumnDefault: judged("altering", "changes-default", "ACCESS EXCLUSIVE"),
  AT_SetNotNull: judged("altering", "scans", "ACCESS EXCLUSIVE"),
  AT_DropNotNull: judged("altering", "drops-not-null", "ACCESS EXCLUSIVE"),
  AT_ValidateConstraint: judged("altering", "scans", "SHARE UPDATE EXCLUSIVE"),
  AT_SetStatistics: judged("altering", "tunes", "SHARE UPDATE EXCLUSIVE"),
  AT_SetOptions: judged("altering", "tunes", "SHARE UPDATE EXCLUSIVE"),
  AT_ResetOptions: judged("altering", "tunes", "SHARE UPDATE EXCLUSIVE"),
  AT_SetRelOptions: judged("altering", "tunes", "SHARE UPDATE EXCLUSIVE"),
  AT_ResetRelOptions: judged("altering", "tunes", "SHARE UPDATE EXCLUSIVE"),
  AT_SetStorage: judged("altering", "tunes", "ACCESS EXCLUSIVE"),
  AT_SetCompression: judged("altering", "tunes", "ACCESS EXCLUSIVE"),
  AT_ClusterOn: judged("altering", "tunes", "SHARE UPDATE EXCLUSIVE"),
  AT_ReplicaIdentity: judged("altering", "tunes", "ACCESS EXCLUSIVE"),
  AT_AttachPartition: judged("altering", "attaches-partition", "SHARE UPDATE EXCLUSIVE"),
  AT_SetTableSpace: judged("altering", "rewrites", "ACCESS EXCLUSIVE"),
  AT_SetLogged: judged("altering", "rewrites", "ACCESS EXCLUSIVE"),
  AT_SetAccessMethod: judged("altering", "rewrites", "ACCESS EXCLUSIVE"),
  AT_EnableRowSecurity: judged("privilege", "closes-row-security", "ACCESS EXCLUSIVE"),
  AT_DisableRowSecurity: judged("privilege", "opens-row-security", "ACCESS EXCLUSIVE"),
  AT_ForceRowSecurity: judged("privilege", "closes-row-security", "ACCESS EXCLUSIVE"),
  AT_NoForceRowSecurity: judged("privilege", "opens-row-security", "ACCESS EXCLUSIVE"),
  AT_ChangeOwner: judged("privilege", "changes-owner", "ACCESS EXCLUSIVE"),
  AT_DropColumn: judged("destructive", "drops-column", "ACCESS EXCLUSIVE"),
  AT_DropConstraint: judged("destructive", "drops-constraint", "ACCESS EXCLUSIVE"),
  AT_DropExpression: judged("destructive", "drops-expression", "ACCESS EXCLUSIVE"),
  AT_DropIdentity: judged("destructive", "drops-identity", "ACCESS EXCLUSIVE"),
  AT_DropInherit: judged("destructive", "detaches", "ACCESS EXCLUSIVE"),
  AT_DetachPartition: judged("destructive", "detaches", "ACCESS EXCLUSIVE"),
  AT_SetUnLogged: judged("destructive", "loses-on-crash", "ACCESS EXCLUSIVE"),
};

/** Nothing here is judged by what it is said to do, only by what PostgreSQL read. */
export function judgeDefinition(type: string, node: JsonObject): readonly SqlFinding[] {
  const relations = subjectsOf(type, node);
  const references = type.endsWith("TableStmt") || type === "CreateStmt" ? referencesIn(node) : [];
  const locked = references.map((relation) => ({ ...judged("reads", "references", "SHARE ROW EXCLUSIVE"), relation }));
  if (type === "AlterTableStmt") {
    const [relation = null] = relations;
    return [...listOf(node["cmds"]).map((command) => judgeAlteration(relation, command)), ...locked];
  }
  const read = sourcesIn(type, node).map((relation) => ({ ...judged("reads", "selects", "ACCESS SHARE"), relation }));
  const found = Object.hasOwn(FIXED, type) ? FIXED[type] : judgeByContent(type, node);
  const opaque = judged("opaque", `unknown-${type.slice(0, 48)}`);
  return [...relations.map((relation) => ({ ...(found ?? opaque), relation })), ...read, ...locked];
}

function judgeByContent(type: string, node: JsonObject): Judgement | undefined {
  switch (type) {
    case "SelectStmt":
      return judgeSelect(node);
    case "CreateStmt": {
      const joins = listOf(node["inhRelations"]).length > 0;
      return joins ? judged("altering", "attaches-partition", "ACCESS EXCLUSIVE") : judged("additive", "creates-table");
    }
    case "ViewStmt":
      return node["replace"] === true
        ? judged("altering", "replaces-view", "ACCESS EXCLUSIVE")
        : judged("additive", "creates-view");
    case "IndexStmt":
      return node["concurrent"] === true
        ? judged("opaque", "outside-transaction", "SHARE UPDATE EXCLUSIVE")
        : judged("additive", "creates-index", "SHARE");
    case "AlterEnumStmt":
      return node["oldVal"] === undefined ? judged("additive", "adds-value") : judged("destructive", "renames");
    case "GrantStmt":
    case "GrantRoleStmt":
      if (node["is_grant"] !== true) return judged("privilege", "revokes");
      return judged("privilege", isToAll(node) ? "grants-to-all" : "grants");
    case "CreatePolicyStmt":
      // One that is not permissive only takes away.
      return judged(
        "privilege",
        `${node["permissive"] === true ? "opens" : "closes"}-row-security`,
        "ACCESS EXCLUSIVE",
      );
    case "CreateFunctionStmt":
    case "AlterFunctionStmt":
      return runsAsOwner(node) ? judged("opaque", "runs-as-owner") : undefined;
    default:
      return undefined;
  }
}

/** Numbers that are drawn stay drawn: a row each can use a sequence up. Of literals each is written out. */
function judgeSelect(node: JsonObject): Judgement {
  if (node["intoClause"] !== undefined) return judged("additive", "creates-table");
  if (node["valuesLists"] === undefined && callsNextval(node)) return judged("opaque", "function-call");
  return judged("reads", "selects", node["lockingClause"] === undefined ? "ACCESS SHARE" : "ROW SHARE");
}

function callsNextval(node: JsonObject): boolean {
  for (const one of nodesWithin(node)) {
    if (one?.type === "FuncCall" && namesOf(one.node["funcname"]).at(-1) === "nextval") return true;
  }
  return false;
}

/** Whether a view reads with the rights of who asks, or of its owner. */
const VIEW_SECURITY: ReadonlySet<string> = new Set(["security_invoker", "security_barrier"]);

function setsViewSecurity(node: JsonObject): boolean {
  const options = unwrap(node["def"], "List")?.["items"];
  return listOf(options).some((one) => VIEW_SECURITY.has(textOf(unwrap(one, "DefElem")?.["defname"])));
}

function isToAll(node: JsonObject): boolean {
  return listOf(node["grantees"]).some((one) => unwrap(one, "RoleSpec")?.["roletype"] === "ROLESPEC_PUBLIC");
}

/** SECURITY DEFINER: whoever may call it does what its owner may. */
function runsAsOwner(node: JsonObject): boolean {
  return [...listOf(node["options"]), ...listOf(node["actions"])].some((one) => {
    const option = unwrap(one, "DefElem");
    return textOf(option?.["defname"]) === "security" && unwrap(option?.["arg"], "Boolean")?.["boolval"] === true;
  });
}

function judgeAlteration(relation: string | null, command: Json): SqlFinding {
  const node = unwrap(command, "AlterTableCmd") ?? {};
  const subtype = textOf(node["subtype"]);
  if (subtype === "AT_AddColumn") return { ...judgeColumn(unwrap(node["def"], "ColumnDef")), relation };
  if (subtype === "AT_AddConstraint") return { ...judgeConstraint(unwrap(node["def"], "Constraint")), relation };
  if (subtype === "AT_AlterColumnType") {
    const to = typeWithoutConversion(unwrap(node["def"], "ColumnDef"));
    const change = { column: textOf(node["name"]), to };
    return { ...judged("destructive", "changes-type", "ACCESS EXCLUSIVE"), relation, change };
  }
  if (setsViewSecurity(node)) return { ...judged("privilege", "opens-row-security", "ACCESS EXCLUSIVE"), relation };
  const found = Object.hasOwn(ALTERATIONS, subtype) ? ALTERATIONS[subtype] : undefined;
  return { ...(found ?? judged("opaque", `unknown-${subtype.slice(0, 48)}`)), relation };
}

const FORMATTED: Readonly<Record<string, string>> = {
  int2: "smallint",
  int4: "integer",
  int8: "bigint",
  float4: "real",
  float8: "double precision",
  varchar: "character varying",
  numeric: "numeric",
  text: "text",
};

/** The new type of a column as `format_type` writes it; null where an expression converts, or the type is another. */
function typeWithoutConversion(column: JsonObject | undefined): string | null {
  const type = column?.["typeName"];
  if (column === undefined || column["raw_default"] !== undefined || !isObject(type)) return null;
  const name = namesOf(type["names"]);
  const formatted = FORMATTED[name.at(-1) ?? ""];
  const isBuiltIn = name[0] === "pg_catalog" || (name.length === 1 && name[0] === "text");
  if (!isBuiltIn || formatted === undefined || type["arrayBounds"] !== undefined) return null;
  const numbers = listOf(type["typmods"]).map(wholeNumber);
  if (numbers.length === 0) return formatted;
  const padded = formatted === "numeric" && numbers.length === 1 ? [...numbers, 0] : numbers;
  return padded.some((size) => size === null) ? null : `${formatted}(${padded.join(",")})`;
}

/** PostgreSQL leaves a zero out of the tree. */
function wholeNumber(value: Json): number | null {
  const constant = unwrap(value, "A_Const");
  const inner = constant?.["ival"];
  if (!isObject(inner)) return null;
  const size = inner["ival"] ?? 0;
  return typeof size === "number" ? size : null;
}

/** Names of types, as they are written, that PostgreSQL brings along and that fill no rows by themselves. */
const BUILT_IN_TYPES: ReadonlySet<string> = new Set([
  ...["bytea", "cidr", "date", "inet", "json", "jsonb", "macaddr", "money", "name", "oid", "point", "text"],
  ...["tsquery", "tsvector", "uuid", "xml", "timestamptz", "timetz", "int2", "int4", "int8", "float4", "float8"],
]);
const FILLS_ROWS: ReadonlySet<string> = new Set([
  "CONSTR_IDENTITY",
  "CONSTR_PRIMARY",
  "CONSTR_UNIQUE",
  "CONSTR_FOREIGN",
]);

/** A new column is free unless every row must get a value of its own, or be looked at. */
function judgeColumn(column: JsonObject | undefined): Judgement {
  const rewrites = judged("altering", "rewrites", "ACCESS EXCLUSIVE");
  if (column === undefined || !hasBuiltInType(column)) return rewrites;
  for (const one of listOf(column["constraints"])) {
    const constraint = unwrap(one, "Constraint") ?? {};
    const type = textOf(constraint["contype"]);
    if (FILLS_ROWS.has(type) || type === "CONSTR_CHECK" || type === "CONSTR_EXCLUSION") return rewrites;
    if (type === "CONSTR_GENERATED" && constraint["generated_kind"] !== "v") return rewrites;
    if (type === "CONSTR_DEFAULT" && !isSameForAllRows(nodesWithin(constraint["raw_expr"] ?? null))) return rewrites;
  }
  return judged("additive", "adds-column", "ACCESS EXCLUSIVE");
}

function hasBuiltInType(column: JsonObject): boolean {
  const type = column["typeName"];
  if (!isObject(type)) return false;
  const name = namesOf(type["names"]);
  if (name.length === 2) return name[0] === "pg_catalog";
  return name.length === 1 && BUILT_IN_TYPES.has(name[0] ?? "");
}

function judgeConstraint(constraint: JsonObject | undefined): Judgement {
  const type = textOf(constraint?.["contype"]);
  const lock = type === "CONSTR_FOREIGN" ? "SHARE ROW EXCLUSIVE" : "ACCESS EXCLUSIVE";
  if (constraint?.["skip_validation"] === true) return judged("additive", "adds-constraint", lock);
  const known = [
    "CONSTR_CHECK",
    "CONSTR_FOREIGN",
    "CONSTR_NOTNULL",
    "CONSTR_PRIMARY",
    "CONSTR_UNIQUE",
    "CONSTR_EXCLUSION",
  ];
  return known.includes(type) ? judged("altering", "scans", lock) : judged("opaque", "unknown-constraint");
}
