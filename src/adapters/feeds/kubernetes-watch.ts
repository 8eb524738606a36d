// One kind of objects of one cluster: listed, then watched from there on, and listed again where the watch cannot go on.
//
// A list says all there is at a resource version; a watch tells what changes after it. A watch ends by itself every few
// minutes and is taken up again at the last version that was seen (bookmarks move it along where nothing changes). 410
// says that this version is too old: then all is listed again, and what is not in the list is gone.

import type { JsonObject } from "../../core/json.ts";
import { listAt, memberAt, textAt } from "../../core/json-members.ts";
import type { OutboundCall, OutboundStream, TlsTerms } from "../../wire/contracts/egress.ts";

const PAGE = 500;
const WATCH_S = 290;
/** A watch that should have ended by itself, and a page of a list that never comes. */
const WATCH_MAX_MS = 320_000;
const LIST_MAX_MS = 60_000;
const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MAX_MS = 60_000;
const GONE = 410;

/** Who is asked, and as whom. */
export interface ClusterCalls {
  readonly origin: string;
  /** What stands before every path. */
  readonly prefix: string;
  readonly call: OutboundCall;
  readonly stream: OutboundStream;
  /** The access of this moment; rejects where there is none. */
  readonly access: (signal: AbortSignal) => Promise<{ readonly tls: TlsTerms; readonly token: string | null }>;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly nowMs: () => number;
}

/** Told what there is. */
export interface Shelf {
  /** All that there is; replaces what was there. */
  fill(objects: readonly JsonObject[]): void;
  put(object: JsonObject): void;
  remove(object: JsonObject): void;
  /** A code where it cannot be read, null where it can. */
  failing(code: string | null): void;
}

export interface Watched {
  /** `/apis/apps/v1/deployments`. */
  readonly path: string;
  readonly fieldSelector?: string | undefined;
  readonly objectsMax: number;
}

type Asking = { readonly calls: ClusterCalls; readonly watched: Watched; readonly shelf: Shelf };

/** What stands in the way, as a code. */
class Trouble extends Error {
  override name = "Trouble";
}

/** Runs until it is aborted. */
export async function watchObjects(asking: Asking, signal: AbortSignal): Promise<void> {
  const { calls, shelf } = asking;
  let backoffMs = BACKOFF_FIRST_MS;
  let version = "";
  while (!signal.aborted) {
    try {
      if (version === "") version = await list(asking, signal);
      shelf.failing(null);
      const beganMs = calls.nowMs();
      version = await watch(asking, version, signal);
      backoffMs = BACKOFF_FIRST_MS;
      // A server that ends watches at once is not asked in a circle.
      if (calls.nowMs() - beganMs < BACKOFF_FIRST_MS) await calls.sleep(BACKOFF_FIRST_MS, signal);
    } catch (error) {
      if (signal.aborted) return;
      shelf.failing(error instanceof Trouble ? error.message : "internal");
      version = "";
      await calls.sleep(backoffMs, signal);
      backoffMs = Math.min(BACKOFF_MAX_MS, backoffMs * 2);
    }
  }
}

/** The resource version that the list is of. */
async function list(asking: Asking, signal: AbortSignal): Promise<string> {
  const { watched, shelf } = asking;
  const objects: JsonObject[] = [];
  let from = "";
  while (!signal.aborted) {
    const page = await readPage(asking, from, signal);
    if (page === null) {
      objects.length = 0;
      from = "";
      continue;
    }
    for (const item of listAt(page, "items")) objects.push(item as JsonObject);
    if (objects.length > watched.objectsMax) throw new Trouble("too-many-objects");
    from = textAt(page, "metadata", "continue");
    if (from !== "") continue;
    shelf.fill(objects);
    return textAt(page, "metadata", "resourceVersion");
  }
  throw new Trouble("aborted");
}

/** Null where the list has become too old to go on from: it begins again. */
async function readPage({ calls, watched }: Asking, from: string, signal: AbortSignal): Promise<JsonObject | null> {
  const query = queryOf(watched, { limit: String(PAGE), ...(from === "" ? {} : { continue: from }) });
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(LIST_MAX_MS)]);
  const answer = await calls.call(await requestOf(calls, `${watched.path}?${query}`, bounded), bounded);
  if (answer.kind !== "answered") throw new Trouble(answer.code);
  if (answer.status === GONE && from !== "") return null;
  if (answer.status !== 200) throw new Trouble(`answered-${answer.status}`);
  return parseObject(answer.body);
}

/** The version that the next watch begins at; empty where all must be listed again. */
async function watch({ calls, watched, shelf }: Asking, from: string, signal: AbortSignal): Promise<string> {
  let version = from;
  const onLine = (line: string): void => {
    const event = parseObject(line);
    const object = memberAt(event, "object") as JsonObject | undefined;
    const type = textAt(event, "type");
    if (type === "ERROR") {
      version = "";
      if (textAt(object, "code") !== String(GONE)) throw new Trouble(`answered-${textAt(object, "code")}`);
    }
    if (object === undefined || version === "") return;
    if (type === "ADDED" || type === "MODIFIED") shelf.put(object);
    if (type === "DELETED") shelf.remove(object);
    version = textAt(object, "metadata", "resourceVersion") || version;
  };
  const terms = { watch: "true", allowWatchBookmarks: "true", timeoutSeconds: String(WATCH_S) };
  const query = queryOf(watched, { ...terms, resourceVersion: from });
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(WATCH_MAX_MS)]);
  const end = await calls.stream(await requestOf(calls, `${watched.path}?${query}`, bounded), onLine, bounded);
  if (end.kind === "refused") {
    if (end.status === GONE) return "";
    throw new Trouble(`answered-${end.status}`);
  }
  if (end.kind === "unsent" || (end.kind === "lost" && end.code === "answer-too-large")) throw new Trouble(end.code);
  // Connections end; what was not seen is told again from the last version on.
  return version;
}

function queryOf({ fieldSelector }: Watched, more: Readonly<Record<string, string>>): string {
  return new URLSearchParams({ ...more, ...(fieldSelector === undefined ? {} : { fieldSelector }) }).toString();
}

async function requestOf({ access, origin, prefix }: ClusterCalls, path: string, signal: AbortSignal) {
  const { tls, token } = await access(signal).catch(() => {
    throw new Trouble("no-access");
  });
  const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  return { method: "GET", origin, path: `${prefix}${path}`, headers, tls } as const;
}

function parseObject(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // Told below: neither is an answer of an API server.
  }
  throw new Trouble("answer-malformed");
}
