// Walking PostgreSQL's parse tree: nodes by their type, bounded, whatever it holds.

import type { Json, JsonObject } from "../../core/json.ts";

export type SqlNode = { readonly type: string; readonly node: JsonObject };

const NODE_TYPE = /^[A-Z]/;
const DEPTH_MAX = 256;

/** Every typed node below and including `value`, parents first; undefined stands for what lies too deep to be read. */
export function* nodesWithin(value: Json, depth = 0): Generator<SqlNode | undefined> {
  if (typeof value !== "object" || value === null) return;
  if (depth > DEPTH_MAX) return void (yield undefined);
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) yield* nodesWithin(item, depth + 1);
    return;
  }
  for (const [key, member] of Object.entries(value as JsonObject)) {
    if (NODE_TYPE.test(key) && isObject(member)) yield { type: key, node: member };
    yield* nodesWithin(member, depth + 1);
  }
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

export function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

/** The node of that type in a wrapper `{Type: node}`; undefined when it wraps another. */
export function unwrap(value: Json | undefined, type: string): JsonObject | undefined {
  if (!isObject(value)) return undefined;
  const inner = value[type];
  return isObject(inner) ? inner : undefined;
}

/** The texts of a list of String nodes: a qualified name. */
export function namesOf(value: Json | undefined): readonly string[] {
  return listOf(value).map((item) => textOf(unwrap(item, "String")?.["sval"]));
}

/** `schema.name`; in double quotes what would else be read as more parts. */
export function joinedName(parts: readonly string[]): string {
  return parts.map((part) => (/[."]/.test(part) ? `"${part.replaceAll('"', '""')}"` : part)).join(".");
}

/** `schema.name` of a RangeVar. */
export function relationName(rangeVar: Json | undefined): string | null {
  if (!isObject(rangeVar)) return null;
  const name = textOf(rangeVar["relname"]);
  if (name === "") return null;
  const schema = textOf(rangeVar["schemaname"]);
  return joinedName(schema === "" ? [name] : [schema, name]);
}

/** Tables and views named anywhere below. */
export function rangesWithin(value: Json | undefined): readonly (string | null)[] {
  return [...nodesWithin(value ?? null)].flatMap((one) => (one?.type === "RangeVar" ? [relationName(one.node)] : []));
}
