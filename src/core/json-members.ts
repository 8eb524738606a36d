// Members of JSON that somebody else wrote: what is not there, or is something else, is nothing.

import type { Json, JsonObject } from "./json.ts";

/** What stands at a path below; undefined where nothing does. */
export function memberAt(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let here = value;
  for (const key of path) {
    if (typeof here !== "object" || here === null || Array.isArray(here)) return undefined;
    here = Object.hasOwn(here, key) ? (here as JsonObject)[key] : undefined;
  }
  return here;
}

/** The text there, or the number as text; else empty. */
export function textAt(value: Json | undefined, ...path: readonly string[]): string {
  const found = memberAt(value, ...path);
  return typeof found === "string" || typeof found === "number" ? String(found) : "";
}

export function listAt(value: Json | undefined, ...path: readonly string[]): readonly Json[] {
  const found = memberAt(value, ...path);
  return Array.isArray(found) ? (found as readonly Json[]) : [];
}

/** Names and texts there: labels, a selector. */
export function pairsAt(value: Json | undefined, ...path: readonly string[]): Readonly<Record<string, string>> {
  const found = memberAt(value, ...path);
  if (typeof found !== "object" || found === null || Array.isArray(found)) return {};
  return Object.fromEntries(
    Object.entries(found).flatMap(([name, text]) => (typeof text === "string" ? [[name, text] as const] : [])),
  );
}
