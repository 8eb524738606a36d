// Whether a statement touches the schema in which Holdpoint writes down what ran: nobody else's statement forges, erases or
// shuts what proves that a migration happened.

import type { Json, JsonObject } from "../../core/json.ts";
import { worstClass, type SqlFinding } from "./sql-findings.ts";
import { isObject, listOf, namesOf, textOf, unwrap } from "./sql-tree.ts";

/** Of Holdpoint's own, in every database that it migrates. */
export const OWN_SCHEMA = "holdpoint";

/** Codes of findings: what touches it is refused when it is planned; text that only names it is for people, who are told. */
export const TOUCHES_OWN = "touches-journal";
export const NAMES_OWN = "names-journal";

const OWN_OBJECT = new RegExp(`^[a-z ]+ ${OWN_SCHEMA}\\.`);

/** Whether an object, as `pg_identify_object` writes it, lies in that schema or on a table there. */
export function isOwn(object: string): boolean {
  return OWN_OBJECT.test(object);
}

/** What one statement does to it, by its text alone. Whoever only reads may. */
export function ownFindings(statement: Json, findings: readonly SqlFinding[]): readonly SqlFinding[] {
  const worst = worstClass(findings.map((one) => one.class));
  const found = (code: string): SqlFinding => ({ class: worst, code, relation: null, lock: null });
  if (worst === "reads") return [];
  let isNamed = false;
  for (const [key, value] of membersWithin(statement)) {
    if (touchesOwn(key, value)) return [found(TOUCHES_OWN)];
    isNamed ||= textOf(value).toLowerCase().includes(OWN_SCHEMA);
  }
  return isNamed && worst === "opaque" ? [found(NAMES_OWN)] : [];
}

/** Every member below, whatever its type and however deep. */
function* membersWithin(tree: Json): Generator<readonly [key: string, value: Json]> {
  const waiting: (readonly [string, Json])[] = [["", tree]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    yield next;
    const [, value] = next;
    if (typeof value !== "object" || value === null) continue;
    for (const member of Object.entries(value as JsonObject)) waiting.push(member);
  }
}

/** Members that hold the name of a schema. */
const SCHEMA_NAMES: ReadonlySet<string> = new Set(["schemaname", "newschema", "local_schema"]);
/** Lists of several names that are no name in several parts: columns, values, what a table is called within a query. */
const NAMES_APART: ReadonlySet<string> = new Set([
  ...["cols", "colnames", "fields", "fk_attrs", "including", "keys", "pk_attrs", "vals"],
]);
/** They reach whatever a role has, which need not be named. */
const BY_ROLE: ReadonlySet<string> = new Set(["DropOwnedStmt", "ReassignOwnedStmt"]);

function touchesOwn(key: string, value: Json): boolean {
  if (BY_ROLE.has(key)) return true;
  if (SCHEMA_NAMES.has(key)) return value === OWN_SCHEMA;
  if (isObject(value)) return schemasMeant(value).includes(OWN_SCHEMA);
  return !NAMES_APART.has(key) && namesOf(value).slice(0, -1).includes(OWN_SCHEMA);
}

/** Schemas that a node is about as a whole, or puts something into. */
function schemasMeant(node: JsonObject): readonly string[] {
  const { defname, arg = null, objtype, objectType, removeType, renameType, targtype } = node;
  if (defname === "schema" || defname === "schemas") return namesOf(unwrap(arg, "List")?.["items"] ?? [arg]);
  const isWhole =
    [objtype, objectType, removeType, renameType].includes("OBJECT_SCHEMA") || targtype === "ACL_TARGET_ALL_IN_SCHEMA";
  if (!isWhole) return [];
  const names = namesOf([...listOf(node["objects"]), node["object"] ?? null]);
  return [...names, textOf(node["subname"]), textOf(node["newname"])];
}
