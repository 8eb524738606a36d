// Where a cluster differs from Git after a change: the manifest is tried as a dry run, so that the API server compares.

import type { Json, JsonObject } from "../../core/json.ts";
import { textAt } from "../../core/json-members.ts";
import { objectIn, type KubernetesApi } from "./kubernetes-api.ts";
import { diffOf, reaches, type Change } from "./kubernetes-diff.ts";
import { findManifest, type NoManifest } from "./kubernetes-manifests.ts";
import { partOf, without, type KubernetesObject } from "./kubernetes-object.ts";
import { typeOf, type Place } from "./kubernetes-place.ts";

/** What Git says of an object, and each field in which the change leaves it otherwise; or why nobody can tell. */
export type Declared =
  | { readonly file: string; readonly blob: string; readonly differs: readonly Difference[] }
  | { readonly code: Exclude<NoManifest, "none"> | "other-version" | "dry-run-refused" };

interface Difference {
  readonly path: string;
  readonly declared: Json;
  readonly left: Json;
}

/** Under which name the dry run is made: it never owns anything. */
const MANAGER = "holdpoint-declared";

type Asked = {
  readonly api: KubernetesApi;
  readonly place: Place;
  /** As the change would leave it. */
  readonly after: KubernetesObject;
  /** The fields that it changes, from the top of the object. */
  readonly changed: readonly string[];
  readonly findSecret: (text: string) => string | null;
  readonly signal: AbortSignal;
};

type Compared = {
  /** Null where no folder is configured, or nothing in it declares the object. */
  readonly declared: Declared | null;
  /** Of the changed fields those that become what Git says. */
  readonly agreed: readonly string[];
};

export async function compareDeclared({ api, place, after, changed, findSecret, signal }: Asked): Promise<Compared> {
  const { manifests } = api.cluster;
  const found = manifests === undefined ? "none" : await findManifest(manifests, place);
  if (found === "none") return { declared: null, agreed: [] };
  if (typeof found === "string") return { declared: { code: found }, agreed: [] };
  const { file, blob, object } = found;
  const contents = comparable(object, place);
  if (contents === null) return unclear("other-version");
  const { name, namespace } = place;
  const metadata = { name, ...(namespace === null ? {} : { namespace }) };
  const body = { ...contents, ...typeOf(place.word), metadata };
  const heard = await api.write(place, { verb: "apply", body, manager: MANAGER, force: true, dryRun: true }, signal);
  const declared = objectIn(heard);
  if (declared === undefined) return unclear("dry-run-refused");
  const changes = diffOf(contentsOf(declared), contentsOf(after)).filter(({ path }) => reaches(contents, path));
  const differing = new Set(changes.map(({ path }) => path));
  return {
    declared: { file, blob, differs: changes.map((one) => shownAs(one, findSecret)) },
    agreed: changed.filter((path) => reaches(contents, path) && !differing.has(path)),
  };
}

function unclear(code: Extract<Declared, { code: unknown }>["code"]): Compared {
  return { declared: { code }, agreed: [] };
}

/** Null for another version of its kind; the bounds of an autoscaler are the same in all of them. */
function comparable(object: JsonObject, { word }: Place): JsonObject | null {
  const version = textAt(object, "apiVersion");
  if (version === typeOf(word).apiVersion) return contentsOf(object);
  if (word !== "autoscaler" || !version.startsWith("autoscaling/")) return null;
  const bounds = ["minReplicas", "maxReplicas"].map((name) => [name, partOf(object, "spec", name)] as const);
  return { spec: Object.fromEntries(bounds.filter(([, value]) => value !== null)) };
}

/** Without who it is, what became of it, and what type it is of. */
function contentsOf(object: JsonObject | KubernetesObject): JsonObject {
  return without(object as JsonObject, "apiVersion", "kind", "metadata", "status");
}

function shownAs({ path, from, to }: Change, findSecret: Asked["findSecret"]): Difference {
  const shown = (value: Json): Json =>
    typeof value === "string" && findSecret(`${path}: ${value}`) !== null ? "(not shown)" : value;
  return { path, declared: shown(from), left: shown(to) };
}
