// What Git declares of an object of a cluster: its manifest, looked for in a folder that somebody else keeps up to date.

import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseAllDocuments } from "yaml";
import type { JsonObject } from "../../core/json.ts";
import { listAt, textAt } from "../../core/json-members.ts";
import { typeOf, type Place } from "./kubernetes-place.ts";

const FILES_MAX = 2_000;
const FILE_BYTES_MAX = 1_048_576;

/** A manifest, where it stands, and the id that Git gives a file of these bytes (`git cat-file -p`). */
export interface Manifest {
  readonly file: string;
  readonly blob: string;
  readonly object: JsonObject;
}

/** `none`: nothing declares it. The others are why nobody can tell what does. */
export type NoManifest =
  | "none"
  | "declared-twice"
  | "folder-unreadable"
  | "manifest-malformed"
  | "manifest-too-large"
  | "too-many-files";

/** What makes a folder no answer, as its code. */
class Unreadable extends Error {
  readonly code: NoManifest;

  constructor(code: NoManifest) {
    super(code);
    this.code = code;
  }
}

/** Read anew each time: what was pulled a moment ago counts. */
export async function findManifest(folder: string, place: Place): Promise<Manifest | NoManifest> {
  try {
    const found: Manifest[] = [];
    for (const path of await filesOf(folder)) found.push(...(await manifestsIn(path, { folder, place })));
    const [manifest, ...others] = found;
    if (others.length > 0) return "declared-twice";
    return manifest ?? "none";
  } catch (error) {
    return error instanceof Unreadable ? error.code : "folder-unreadable";
  }
}

async function filesOf(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const named = entries.filter((entry) => entry.isFile() && /\.(?:ya?ml|json)$/.test(entry.name));
  if (named.length > FILES_MAX) throw new Unreadable("too-many-files");
  return named.map(({ parentPath, name }) => join(parentPath, name)).toSorted();
}

async function manifestsIn(
  path: string,
  { folder, place }: { readonly folder: string; readonly place: Place },
): Promise<readonly Manifest[]> {
  const { size } = await stat(path);
  if (size > FILE_BYTES_MAX) throw new Unreadable("manifest-too-large");
  const bytes = await readFile(path);
  const text = bytes.toString("utf8");
  // Most files are about something else: those are not worth parsing.
  if (!text.includes(place.name)) return [];
  const objects = documentsIn(text).flatMap((one) => (textAt(one, "kind") === "List" ? listAt(one, "items") : [one]));
  const about = objects.filter((one): one is JsonObject => isAbout(one as JsonObject, place));
  return about.map((object) => ({ file: relative(folder, path).slice(0, 512), blob: blobOf(bytes), object }));
}

function documentsIn(text: string): readonly JsonObject[] {
  return parseAllDocuments(text, { uniqueKeys: true }).flatMap((document): JsonObject[] => {
    if (document.errors.length > 0) throw new Unreadable("manifest-malformed");
    const value: unknown = document.toJS({ maxAliasCount: 10 });
    return typeof value === "object" && value !== null && !Array.isArray(value) ? [value as JsonObject] : [];
  });
}

/** Of whatever version of its kind; a manifest without a namespace goes wherever it is applied. */
function isAbout(object: JsonObject, { word, namespace, name }: Place): boolean {
  if (textAt(object, "kind") !== typeOf(word).kind || textAt(object, "metadata", "name") !== name) return false;
  const said = textAt(object, "metadata", "namespace");
  return said === "" || said === (namespace ?? "");
}

function blobOf(bytes: Buffer): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}
