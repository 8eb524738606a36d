// What a change of a file in a repository puts at risk: manifests, workflows, infrastructure and SQL, as they are written.

import { parseAllDocuments } from "yaml";
import type { Json, JsonObject } from "../../core/json.ts";
import type { PlanRisk } from "../../wire/types/risk.ts";
import { isObject, risksOfObject } from "./object-risks.ts";

export interface FileChange {
  readonly path: string;
  /** Null where it is not there before, or not any more. */
  readonly before: string | null;
  readonly after: string | null;
}

export function risksOfFile({ path, before, after }: FileChange): readonly PlanRisk[] {
  const isYaml = /\.(?:ya?ml|json)$/i.test(path);
  const isWorkflow = path.startsWith(".github/workflows/");
  const lines = isYaml && !isWorkflow ? [] : linesAdded(before, after);
  const written = [...(isWorkflow ? WORKFLOW_LINES : []), ...(LINES[extensionOf(path)] ?? [])];
  const isLong = written.length > 0 && lines.some((line) => line.length > LINE_CHARS_MAX);
  const read = lines.map((line) => line.slice(0, LINE_CHARS_MAX));
  const seen = written.filter(({ line }) => read.some((one) => line.test(one))).map(({ risk }) => risk);
  const inLines: readonly PlanRisk[] = isLong ? [...seen, "unseen"] : seen;
  if (!isYaml) return inLines;
  const [was, becomes] = [documentsIn(before), documentsIn(after)];
  if (was === undefined || becomes === undefined) return [...inLines, "unseen"];
  if (isWorkflow) return [...inLines, ...risksOfWorkflow(was[0] ?? null, becomes[0] ?? null)];
  const names = new Set([...was, ...becomes].map(nameOf));
  const find = (all: readonly JsonObject[], name: string): JsonObject | null =>
    all.find((one) => nameOf(one) === name) ?? null;
  return [...inLines, ...[...names].flatMap((name) => risksOfObject(find(was, name), find(becomes, name)))];
}

function extensionOf(path: string): string {
  return /\.([a-z0-9]+)$/i.exec(path)?.[1]?.toLowerCase() ?? "";
}

type Written = { readonly line: RegExp; readonly risk: PlanRisk };

const WIDENS = "privilege-widening";
const EXPOSES = "data-exposure";

const WORKFLOW_LINES: readonly Written[] = [
  { line: /\becho\b.*\$\{\{\s*secrets\./, risk: EXPOSES },
  { line: /\bpull_request_target\b/, risk: WIDENS },
];

const LINES: Readonly<Record<string, readonly Written[]>> = {
  tf: [
    { line: /\bacl\s*=\s*"public-read/, risk: EXPOSES },
    { line: /\bpublicly_accessible\s*=\s*true/, risk: EXPOSES },
    {
      line: /\b(?:block_public_(?:acls|policy)|restrict_public_buckets|ignore_public_acls)\s*=\s*false/,
      risk: EXPOSES,
    },
    { line: /"(?:0\.0\.0\.0\/0|::\/0)"/, risk: EXPOSES },
    { line: /\b(?:allUsers|allAuthenticatedUsers)\b/, risk: EXPOSES },
    { line: /\bPrincipal"?\s*[:=]\s*\{?\s*(?:AWS"?\s*[:=]\s*)?"\*"/, risk: EXPOSES },
    { line: /\b[Aa]ctions?"?\s*[:=]\s*\[?\s*"\*"/, risk: WIDENS },
    { line: /\bAdministratorAccess\b|"roles\/(?:owner|editor)"/, risk: WIDENS },
  ],
  sql: [
    { line: /\bgrant\b.*\bto\b|\bowner\s+to\b|\bsecurity\s+definer\b/i, risk: WIDENS },
    { line: /\bto\s+public\b|\b(?:disable|no\s+force)\s+row\s+level\s+security\b/i, risk: EXPOSES },
  ],
};

const LINES_MAX = 20_000;
/** Nobody reads a longer one, and neither do the patterns. */
const LINE_CHARS_MAX = 1_000;

function linesAdded(before: string | null, after: string | null): readonly string[] {
  const known = new Set((before ?? "").split("\n").map((line) => line.trim()));
  const lines = (after ?? "").split("\n").slice(0, LINES_MAX);
  return lines.filter((line) => !known.has(line.trim()) && !/^\s*(?:#|--|\/\/)/.test(line));
}

const DOCUMENTS_MAX = 200;

/** Undefined for what cannot be read; what are no objects are left out. */
function documentsIn(text: string | null): readonly JsonObject[] | undefined {
  if (text === null) return [];
  if (isNestedWithoutEnd(text)) return undefined;
  try {
    const documents = parseAllDocuments(text, { uniqueKeys: true });
    if (!Array.isArray(documents) || documents.length > DOCUMENTS_MAX) return [];
    if (documents.some(({ errors }) => errors.length > 0)) return undefined;
    return documents.map((one) => one.toJS({ maxAliasCount: 0 }) as Json).filter(isObject);
  } catch {
    return undefined;
  }
}

const NESTING_MAX = 64;

/** The parser takes time with the square of the depth: what nobody writes is not given to it. */
function isNestedWithoutEnd(text: string): boolean {
  if (/(?:[-?:][ \t]+){32}/.test(text)) return true;
  let depth = 0;
  for (const char of text) {
    if (char === "[" || char === "{") depth += 1;
    else if (char === "]" || char === "}") depth = Math.max(0, depth - 1);
    if (depth > NESTING_MAX) return true;
  }
  return false;
}

function nameOf(object: JsonObject): string {
  const { kind, metadata } = object;
  const { namespace = null, name = null } = isObject(metadata) ? metadata : {};
  return JSON.stringify([kind ?? null, namespace, name]);
}

/** Of a GitHub workflow: what its token may write. Nothing said is whatever the repository gives. */
function risksOfWorkflow(before: JsonObject | null, after: JsonObject | null): readonly PlanRisk[] {
  const was = writesOf(before);
  return [...writesOf(after)].some((one) => !was.has(one)) ? [WIDENS] : [];
}

function writesOf(workflow: JsonObject | null): ReadonlySet<string> {
  if (workflow === null) return new Set();
  const jobs = isObject(workflow["jobs"]) ? Object.entries(workflow["jobs"]) : [];
  const own = jobs.flatMap(([name, job]) =>
    isObject(job) && job["permissions"] !== undefined ? writesIn(name, job["permissions"]) : [],
  );
  const all = workflow["permissions"] === undefined ? ["*: not said"] : writesIn("*", workflow["permissions"]);
  return new Set([...all, ...own]);
}

function writesIn(where: string, permissions: Json): readonly string[] {
  if (permissions === "write-all") return [`${where}: write-all`];
  if (!isObject(permissions)) return [];
  return Object.entries(permissions).flatMap(([scope, access]) => (access === "write" ? [`${where}: ${scope}`] : []));
}
