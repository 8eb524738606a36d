// All objects that a feed knows, by where they come from: what changed among them is told at once, all of them together
// when they have been still for a moment.

import type { JsonObject } from "../../core/json.ts";
import { listAt, textAt } from "../../core/json-members.ts";
import { instantFromRfc3339 } from "../../core/rfc3339.ts";
import type { ClusterSink } from "../../wire/contracts/feed.ts";
import type { ClusterKind, ClusterObject } from "../../wire/types/cluster-object.ts";
import { keepObject, type Digest, type Kept } from "./cluster-objects.ts";
import { diffOf } from "./object-diff.ts";

/** Of values that are only kept to be compared. Beyond, that something changed is told and not what. */
const VALUES_BYTES_MAX = 64 * 1024 * 1024;
const DIFF_KEYS_MAX = 64;
const DIFF_CHARS_MAX = 262_144;

export interface StoreParts {
  readonly sink: ClusterSink;
  readonly nowMs: () => number;
  readonly digest: Digest;
}

export class ObjectStore {
  readonly #parts: StoreParts;
  /** By kind and place: shelves of one watch are replaced together. */
  readonly #shelves = new Map<string, Map<string, Kept>>();
  /** Shelves that must have been filled before anything is told: what is not listed yet is not gone. */
  readonly #needed: ReadonlySet<string>;
  #valuesBytes = 0;
  #isDirty = false;
  #told: Promise<void> = Promise.resolve();

  constructor(parts: StoreParts, needed: readonly string[]) {
    this.#parts = parts;
    this.#needed = new Set(needed);
  }

  /** All that stands on one shelf now. */
  fill(shelf: string, objects: readonly JsonObject[], kind?: ClusterKind): void {
    const before = this.#shelves.get(shelf);
    const now = new Map<string, Kept>();
    this.#shelves.set(shelf, now);
    for (const kept of before?.values() ?? []) this.#valuesBytes -= bytesOf(kept);
    for (const raw of objects) this.#put(now, raw, kind, before);
    this.#isDirty = true;
  }

  /** Beyond the bound nothing new is kept; what is known goes on being followed. */
  put(shelf: string, raw: JsonObject, { kind, objectsMax }: { kind: ClusterKind; objectsMax: number }): void {
    const objects = this.#shelves.get(shelf);
    if (objects === undefined) return;
    const key = keyOf({ kind, namespace: textAt(raw, "metadata", "namespace"), name: textAt(raw, "metadata", "name") });
    if (objects.size >= objectsMax && !objects.has(key)) return;
    this.#put(objects, raw, kind, objects);
    this.#isDirty = true;
  }

  remove(shelf: string, raw: JsonObject, kind: ClusterKind): void {
    const kept = keepObject(raw, this.#parts.digest, kind);
    const objects = this.#shelves.get(shelf);
    const known = kept === undefined ? undefined : objects?.get(keyOf(kept.object));
    if (kept === undefined || known === undefined) return;
    this.#valuesBytes -= bytesOf(known);
    objects?.delete(keyOf(kept.object));
    this.#isDirty = true;
  }

  /** Tells all of it where something is different since the last time, and everything needed is there. */
  async flush(): Promise<void> {
    if (!this.#isDirty || [...this.#needed].some((shelf) => !this.#shelves.has(shelf))) return this.#told;
    this.#isDirty = false;
    const all = [...this.#shelves.values()].flatMap((objects) => [...objects.values()].map(({ object }) => object));
    const { sink } = this.#parts;
    this.#told = this.#told.then(() => sink.objects(all)).catch(() => void (this.#isDirty = true));
    return this.#told;
  }

  #put(into: Map<string, Kept>, raw: JsonObject, kind: ClusterKind | undefined, before: Map<string, Kept> | undefined) {
    const kept = keepObject(raw, this.#parts.digest, kind);
    if (kept === undefined) return;
    const key = keyOf(kept.object);
    const known = before?.get(key);
    if (known !== undefined && before === into) this.#valuesBytes -= bytesOf(known);
    const hasRoom = this.#valuesBytes + bytesOf(kept) <= VALUES_BYTES_MAX;
    const stored = hasRoom ? kept : { ...kept, values: NO_VALUES };
    this.#valuesBytes += bytesOf(stored);
    into.set(key, stored);
    if (known !== undefined) this.#compare(known, stored, raw);
  }

  #compare(before: Kept, after: Kept, raw: JsonObject): void {
    if (before.values.size === 0 || after.values.size === 0) return;
    const { keys, diff } = diffOf(before, after);
    if (keys.length === 0 || isScaling(keys, before, after)) return;
    const { sink, nowMs } = this.#parts;
    const change = {
      object: after.object,
      version: textAt(raw, "metadata", "resourceVersion"),
      at: changedAt(raw, nowMs()),
      keys: keys.slice(0, DIFF_KEYS_MAX),
      diff: diff.slice(0, DIFF_CHARS_MAX),
    };
    this.#told = this.#told.then(() => sink.changed(change)).catch(() => undefined);
  }
}

const NO_VALUES: ReadonlyMap<string, string> = new Map();

function keyOf({ kind, namespace, name }: Pick<ClusterObject, "kind" | "namespace" | "name">): string {
  return `${kind} ${namespace} ${name}`;
}

function bytesOf({ values }: Kept): number {
  let bytes = 0;
  for (const [key, value] of values) bytes += key.length + value.length;
  return bytes;
}

/** One or two instances more or less are an autoscaler's work all day; half of them gone, or all, is a change. */
function isScaling(keys: readonly string[], before: Kept, after: Kept): boolean {
  if (keys.length !== 1 || keys[0] !== "replicas") return false;
  const [was, is] = [Number(before.values.get("replicas")), Number(after.values.get("replicas"))];
  return is > 0 && Math.max(was, is) < 2 * Math.min(was, is);
}

/** When somebody last wrote it, as the API remembers; now where it does not. */
function changedAt(raw: JsonObject, nowMs: number): number {
  const times = listAt(raw, "metadata", "managedFields").flatMap((one) => {
    const at = instantFromRfc3339(textAt(one, "time"));
    return at === undefined || at > nowMs || textAt(one, "subresource") !== "" ? [] : [at];
  });
  return times.length === 0 ? nowMs : Math.max(...times);
}
