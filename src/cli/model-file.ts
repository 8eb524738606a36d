// Files that declare the model: YAML of our own, or a Backstage catalog; in several documents or one.

import { parseAllDocuments } from "yaml";
import type { JsonObject } from "../core/json.ts";
import { isCatalogEntity, readCatalog } from "../model/backstage.ts";
import { CliError } from "./cli-error.ts";

export type DeclaredFile = {
  /** Null where the file names none. */
  readonly feed: string | null;
  readonly body: JsonObject;
  /** What of a catalog is not part of the model. */
  readonly skipped: readonly string[];
};

/** Throws a `CliError` that names the place for what is no such file. */
export function readModelFile(path: string, text: string, environment: string | null): DeclaredFile {
  const parsed = parseAllDocuments(text, { uniqueKeys: true });
  const documents = "empty" in parsed ? [] : parsed;
  for (const { errors } of documents) {
    const [problem] = errors;
    if (problem !== undefined) throw new CliError(`${path}: ${problem.message}`);
  }
  const values: unknown[] = documents
    .map((one) => one.toJS({ maxAliasCount: 0 }) as unknown)
    .filter((one) => one !== null);
  if (values.length > 0 && values.every(isCatalogEntity)) {
    const { nodes, edges, skipped } = readCatalog(values, environment);
    return { feed: null, body: { nodes: [...nodes], edges: [...edges] } as unknown as JsonObject, skipped };
  }
  const [value] = values;
  if (values.length !== 1 || typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new CliError(`${path} holds neither one declaration (nodes, edges) nor a Backstage catalog`);
  }
  const { feed, ...body } = value as { feed?: unknown } & JsonObject;
  return { feed: typeof feed === "string" ? feed : null, body, skipped: [] };
}
