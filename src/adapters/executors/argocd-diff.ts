// What synchronizing an application to a revision changes: the objects of the revision against those that run now.

import type { Json, JsonObject } from "../../core/json.ts";
import type { Live } from "./argocd-api.ts";
import { diffOf, type Change } from "./kubernetes-diff.ts";

const RESOURCES_SHOWN_MAX = 200;
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";
const TRACKING = "argocd.argoproj.io/tracking-id";
const HOOK = "argocd.argoproj.io/hook";

/** With these goes what no manifest holds: data, or everything that is in them. */
const HOLDS_DATA: ReadonlySet<string> = new Set([
  "CustomResourceDefinition",
  "Namespace",
  "PersistentVolume",
  "PersistentVolumeClaim",
]);

export interface ResourceChange {
  /** `apps/Deployment shop/cart`. */
  readonly object: string;
  readonly change: "creates" | "updates" | "deletes" | "runs";
  readonly fields: readonly Change[];
}

export interface SyncDiff {
  /** Every one that changes, and how many more there are than are listed. */
  readonly changes: readonly ResourceChange[];
  readonly unlisted: number;
  /** Running, no longer in the revision, and left as they are. */
  readonly left: readonly string[];
  readonly counts: {
    readonly creates: number;
    readonly updates: number;
    readonly deletes: number;
    readonly runs: number;
  };
  /** Deletes what no manifest brings back. */
  readonly losesData: boolean;
}

type Wanted = { readonly prune: boolean; readonly findSecret: (text: string) => string | null };

/** Undefined where what Argo CD gave are not objects. */
export function syncDiff(
  manifests: readonly string[],
  live: readonly Live[],
  { prune, findSecret }: Wanted,
): SyncDiff | undefined {
  const objects = manifests.map(parseObject);
  if (!objects.every((one) => one !== undefined)) return undefined;
  const running = runningIn(live);
  const kept = new Set(objects.map(keyOf));
  const changed = objects.flatMap((object) => changeOf(object, running.get(keyOf(object)), findSecret));
  const gone = [...running].filter(([key]) => !kept.has(key)).map(([, object]) => object);
  const deleted = prune
    ? gone.map((object): ResourceChange => ({ object: labelOf(object), change: "deletes", fields: [] }))
    : [];
  const all = [...deleted, ...changed];
  const count = (change: ResourceChange["change"]): number => all.filter((one) => one.change === change).length;
  return {
    changes: all.slice(0, RESOURCES_SHOWN_MAX),
    unlisted: Math.max(0, all.length - RESOURCES_SHOWN_MAX),
    left: prune ? [] : gone.map(labelOf).slice(0, RESOURCES_SHOWN_MAX),
    counts: { creates: count("creates"), updates: count("updates"), deletes: count("deletes"), runs: count("runs") },
    losesData: prune && gone.some((object) => HOLDS_DATA.has(kindOf(object))),
  };
}

/** As they are shown: what runs and is not in the revision, and what is in the revision and does not run. */
export interface Apart {
  readonly running: ReadonlySet<string>;
  readonly wanted: ReadonlySet<string>;
}

/** Undefined where what Argo CD gave are not objects. */
export function apartOf(manifests: readonly string[], live: readonly Live[]): Apart | undefined {
  const objects = manifests.map(parseObject);
  if (!objects.every((one) => one !== undefined)) return undefined;
  const running = runningIn(live);
  const keys = new Set(objects.map(keyOf));
  const wanted = objects.filter((one) => !running.has(keyOf(one)) && !Object.hasOwn(annotationsOf(one), HOOK));
  const gone = [...running].filter(([key]) => !keys.has(key));
  return { running: new Set(gone.map(([, object]) => labelOf(object))), wanted: new Set(wanted.map(labelOf)) };
}

/** By key, without hooks. */
function runningIn(live: readonly Live[]): ReadonlyMap<string, JsonObject> {
  const running = new Map<string, JsonObject>();
  for (const item of live) {
    const object = item.hook === true ? undefined : parseObject(item.liveState ?? "");
    if (object !== undefined) running.set(keyOf(object), object);
  }
  return running;
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

function membersOf(value: Json | undefined): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

/** Without the version: one object may be read by several. */
function keyOf(object: JsonObject): string {
  return JSON.stringify([groupOf(object), object["kind"], nameOf(object)]);
}

function groupOf({ apiVersion }: JsonObject): string {
  const [group = "", version] = typeof apiVersion === "string" ? apiVersion.split("/") : [];
  return version === undefined ? "" : group;
}

function kindOf({ kind }: JsonObject): string {
  return typeof kind === "string" ? kind : "";
}

function nameOf(object: JsonObject): string {
  const { namespace = "", name = "" } = membersOf(object["metadata"]) as { namespace?: string; name?: string };
  return namespace === "" ? name : `${namespace}/${name}`;
}

function labelOf(object: JsonObject): string {
  const group = groupOf(object);
  return `${group === "" ? "" : `${group}/`}${kindOf(object)} ${nameOf(object)}`.slice(0, 600);
}

function changeOf(
  wanted: JsonObject,
  running: JsonObject | undefined,
  findSecret: Wanted["findSecret"],
): readonly ResourceChange[] {
  const object = labelOf(wanted);
  if (Object.hasOwn(annotationsOf(wanted), HOOK)) return [{ object, change: "runs", fields: [] }];
  if (running === undefined) return [{ object, change: "creates", fields: [] }];
  const mine = withoutBookkeeping(wanted);
  const before = kept(withoutBookkeeping(running), [mine, withoutBookkeeping(lastApplied(running))]);
  const fields = diffOf(before, mine, findSecret);
  if (fields.length === 0) return [];
  return [{ object, change: "updates", fields: wanted["kind"] === "Secret" ? [] : fields }];
}

function annotationsOf(object: JsonObject): JsonObject {
  return membersOf(membersOf(object["metadata"])["annotations"]);
}

/** What was declared the last time: what of that is declared no more is taken away. */
function lastApplied(running: JsonObject): JsonObject {
  const text = annotationsOf(running)[LAST_APPLIED];
  return typeof text === "string" ? (parseObject(text) ?? {}) : {};
}

/** Its own annotations of every tool are no change of the object. */
function withoutBookkeeping(object: JsonObject): JsonObject {
  const { metadata, status: _status, ...rest } = object;
  const { annotations, ...others } = membersOf(metadata);
  const said = Object.entries(membersOf(annotations)).filter(([name]) => name !== LAST_APPLIED && name !== TRACKING);
  return { ...rest, metadata: said.length === 0 ? others : { ...others, annotations: Object.fromEntries(said) } };
}

/** Of what runs, the fields that any of the declarations names: the rest was filled in by the cluster. */
function kept(running: Json, declared: readonly Json[]): Json {
  if (Array.isArray(running)) {
    const lists = declared.filter((one) => Array.isArray(one)) as readonly (readonly Json[])[];
    return running.map((member: Json, index) =>
      kept(
        member,
        lists.map((list) => twinOf(list, member, index)),
      ),
    );
  }
  if (typeof running !== "object" || running === null) return running;
  const objects = declared.map(membersOf);
  const names = Object.keys(running).filter((name) => objects.some((one) => Object.hasOwn(one, name)));
  return Object.fromEntries(
    names.map((name) => [
      name,
      kept(
        (running as JsonObject)[name] ?? null,
        objects.map((one) => one[name] ?? null),
      ),
    ]),
  );
}

/** In a list, by its name where it has one. */
function twinOf(list: readonly Json[], member: Json, index: number): Json {
  const { name } = membersOf(member);
  if (typeof name !== "string") return list[index] ?? null;
  return list.find((one) => membersOf(one)["name"] === name) ?? null;
}
