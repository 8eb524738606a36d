// The feed of a folder of manifests: what they declare, read again when one of their files changes.

import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { Json, JsonObject } from "../../core/json.ts";
import { listAt, textAt } from "../../core/json-members.ts";
import type { ClusterSink } from "../../wire/contracts/feed.ts";
import type { Digest } from "./cluster-objects.ts";
import { ObjectStore } from "./object-store.ts";

const FILES_MAX = 2_000;
const FILE_BYTES_MAX = 1024 * 1024;
const ALL_BYTES_MAX = 64 * 1024 * 1024;
const DOCUMENTS_MAX = 20_000;
const LOOK_EVERY_MS = 10_000;
const SHELF = "files";

export interface ManifestsFeedParts {
  readonly folder: string;
  readonly sink: ClusterSink;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly nowMs: () => number;
  readonly digest: Digest;
}

/** Runs until `signal` is aborted. A file that cannot be read leaves everything as it was, and is told. */
export async function runManifestsFeed(parts: ManifestsFeedParts, signal: AbortSignal): Promise<void> {
  const { folder, sink, sleep } = parts;
  const store = new ObjectStore(parts, [SHELF]);
  let seen = "";
  while (!signal.aborted) {
    try {
      const files = await filesOf(folder);
      const looks = files.map(({ path, size, mtimeMs }) => `${path} ${size} ${mtimeMs}`).join("\n");
      if (looks !== seen) {
        store.fill(SHELF, await readAll(files));
        seen = looks;
      }
      await store.flush();
      sink.status(null);
    } catch (error) {
      sink.status(error instanceof Unreadable ? error.message : "folder-unreadable");
    }
    await sleep(LOOK_EVERY_MS, signal);
  }
}

/** What is wrong, as a code. */
class Unreadable extends Error {
  override name = "Unreadable";
}

type File = { readonly path: string; readonly size: number; readonly mtimeMs: number };

async function filesOf(folder: string): Promise<readonly File[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const named = entries.filter((entry) => entry.isFile() && /\.(ya?ml|json)$/.test(entry.name));
  if (named.length > FILES_MAX) throw new Unreadable("too-many-files");
  const paths = named.map(({ parentPath, name }) => join(parentPath, name)).toSorted();
  const files = await Promise.all(paths.map(async (path) => ({ path, ...sizeOf(await stat(path)) })));
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (bytes > ALL_BYTES_MAX || files.some(({ size }) => size > FILE_BYTES_MAX)) throw new Unreadable("files-too-large");
  return files;
}

function sizeOf({ size, mtimeMs }: { readonly size: number; readonly mtimeMs: number }) {
  return { size, mtimeMs };
}

async function readAll(files: readonly File[]): Promise<readonly JsonObject[]> {
  const objects: JsonObject[] = [];
  for (const { path, mtimeMs } of files) {
    for (const document of documentsOf(await readFile(path, "utf8"))) {
      // `kind: List` holds others.
      const items = textAt(document, "kind") === "List" ? listAt(document, "items") : [document];
      for (const item of items) objects.push(written(item as JsonObject, mtimeMs));
    }
    if (objects.length > DOCUMENTS_MAX) throw new Unreadable("too-many-objects");
  }
  return objects;
}

function documentsOf(text: string): readonly JsonObject[] {
  return parseAllDocuments(text, { uniqueKeys: true }).flatMap((document): JsonObject[] => {
    if (document.errors.length > 0) throw new Unreadable("manifest-malformed");
    const value: unknown = document.toJS({ maxAliasCount: 10 });
    return typeof value === "object" && value !== null && !Array.isArray(value) ? [value as JsonObject] : [];
  });
}

/** When its file was written stands for when the object was. */
function written(object: JsonObject, mtimeMs: number): JsonObject {
  const time = new Date(Math.floor(mtimeMs)).toISOString();
  const metadata = typeof object["metadata"] === "object" ? (object["metadata"] as JsonObject) : {};
  const version = String(Math.floor(mtimeMs));
  return { ...object, metadata: { ...metadata, resourceVersion: version, managedFields: [{ time }] as Json } };
}
