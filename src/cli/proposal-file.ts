// A file of proposals, as JSON or as YAML: a list of them, one alone, or one in each document.

import { parseAllDocuments } from "yaml";
import type { Json } from "../core/json.ts";
import { parseStrictJson } from "../core/strict-json.ts";
import { usageError } from "./cli-error.ts";

/** The list. What JSON could not carry exactly, and whatever could be read in two ways, is a usage error. */
export function readProposalFile(text: string, path: string): readonly Json[] {
  const values = /^\s*[[{]/.test(text) ? [readJson(text, path)] : readYaml(text, path);
  const [only] = values;
  return values.length === 1 && Array.isArray(only) ? (only as readonly Json[]) : values;
}

function readJson(text: string, path: string): Json {
  try {
    return parseStrictJson(text);
  } catch (error) {
    throw usageError(`${path} is not JSON: ${reasonOf(error)}`);
  }
}

function readYaml(text: string, path: string): readonly Json[] {
  try {
    // As big integers, else one that a number cannot hold would become another.
    const parsed = parseAllDocuments(text, { uniqueKeys: true, intAsBigInt: true });
    const documents = "empty" in parsed ? [] : parsed;
    return documents.flatMap((one) => {
      const [problem] = [...one.errors, ...one.warnings];
      if (problem !== undefined) throw problem;
      const value: unknown = one.toJS({ maxAliasCount: 0 });
      return value === null ? [] : [jsonOf(value)];
    });
  } catch (error) {
    throw usageError(`${path} is no YAML that can be proposed: ${reasonOf(error)}`);
  }
}

function jsonOf(value: unknown): Json {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (Array.isArray(value)) return value.map(jsonOf);
  if (typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, jsonOf(of)]));
  const number = Number(value);
  const isExact = typeof value === "bigint" ? Number.isSafeInteger(number) : Number.isFinite(number);
  if (isExact) return number;
  throw new Error(
    `${typeof value === "bigint" ? value : number} is no number that JSON holds: put it in quotes if it is text`,
  );
}

/** The first line: the parser draws the place below it. */
function reasonOf(error: unknown): string {
  const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
  return line.replace(/:$/, "");
}
