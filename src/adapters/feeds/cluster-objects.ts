// Objects as their API or a manifest has them, cut down to what the model reads.

import type { Json, JsonObject } from "../../core/json.ts";
import { memberAt, pairsAt, textAt } from "../../core/json-members.ts";
import { CLUSTER_KINDS, type ClusterKind, type ClusterObject } from "../../wire/types/cluster-object.ts";

const KINDS: ReadonlySet<string> = new Set(CLUSTER_KINDS);
const KEYS_MAX = 256;
const VALUES_MAX = 2_000;
/** A value of a ConfigMap that is longer is known by its digest alone. */
const VALUE_CHARS_MAX = 32_768;
const MESSAGE_CHARS_MAX = 1_000;

/** An object, and beside it the values that are compared with the next state of it and never handed on. */
export interface Kept {
  readonly object: ClusterObject;
  readonly values: ReadonlyMap<string, string>;
}

/** What stands for a text, and tells nobody what it was who has not the key to it. */
export type Digest = (text: string) => string;

/** Undefined for what is of no kind that is read. Items of a list do not say their kind: `kindOfList` does. */
export function keepObject(raw: JsonObject, digest: Digest, kindOfList?: ClusterKind): Kept | undefined {
  const kind = kindOfList ?? textAt(raw, "kind");
  const name = textAt(raw, "metadata", "name");
  if (!KINDS.has(kind) || name === "") return undefined;
  const namespace = textAt(raw, "metadata", "namespace");
  const { body, values = NO_VALUES } = CUTS[kind as ClusterKind](raw, digest);
  return { object: { kind: kind as ClusterKind, namespace, name, body }, values };
}

const NO_VALUES: ReadonlyMap<string, string> = new Map();

type Cut = { readonly body: JsonObject; readonly values?: ReadonlyMap<string, string> };

const CUTS: Readonly<Record<ClusterKind, (raw: JsonObject, digest: Digest) => Cut>> = {
  Deployment: cutWorkload,
  StatefulSet: cutWorkload,
  DaemonSet: cutWorkload,
  ConfigMap: cutConfigMap,
  Service: (raw) => ({ body: pick(raw, "spec.selector", "spec.ports") }),
  Pod: (raw) => ({
    body: pick(
      raw,
      "metadata.ownerReferences",
      "metadata.deletionTimestamp",
      "spec.nodeName",
      "status.phase",
      "status.reason",
      "status.containerStatuses",
      "status.initContainerStatuses",
      "status.conditions",
    ),
  }),
  Namespace: (raw) => ({ body: pick(raw) }),
  ResourceQuota: (raw) => ({ body: pick(raw, "spec.hard") }),
  VirtualService: (raw) => ({ body: pick(raw, "spec.http") }),
  DestinationRule: (raw) => ({ body: pick(raw, "spec.host", "spec.trafficPolicy.connectionPool") }),
  PrometheusServiceLevel: (raw) => ({ body: pick(raw, "spec.service", "spec.slos") }),
  Node: (raw) => ({ body: pick(raw, "spec.unschedulable", "spec.taints", "status.conditions") }),
  Event: (raw) => ({
    body: {
      ...pick(raw, "involvedObject", "reason", "type", "count", "lastTimestamp", "eventTime"),
      message: textAt(raw, "message").slice(0, MESSAGE_CHARS_MAX),
    },
  }),
};

function cutWorkload(raw: JsonObject, digestOf: Digest): Cut {
  const values = new Map<string, string>();
  flatten(memberAt(raw, "spec", "template", "spec") ?? null, "", values);
  const digest = digestOf(JSON.stringify([...values]));
  const replicas = textAt(raw, "spec", "replicas");
  if (replicas !== "") values.set("replicas", replicas);
  const body = pick(raw, "metadata.generation", "spec.replicas", "spec.template", "status");
  return { body: { ...body, digest }, values };
}

/** Values of a ConfigMap stay here; what is handed on is their digests. */
function cutConfigMap(raw: JsonObject, digestOf: Digest): Cut {
  const values = new Map<string, string>();
  const digests: Record<string, string> = {};
  const entries = { ...pairsAt(raw, "data"), ...pairsAt(raw, "binaryData") };
  for (const [key, value] of Object.entries(entries).slice(0, KEYS_MAX)) {
    const digest = digestOf(value);
    digests[key] = digest;
    values.set(key, value.length <= VALUE_CHARS_MAX ? value : `digest-${digest}`);
  }
  return { body: { ...pick(raw), digests }, values };
}

/** The labels, and what stands at these places. */
function pick(raw: JsonObject, ...places: readonly string[]): JsonObject {
  const body: Record<string, Json> = { metadata: { labels: { ...pairsAt(raw, "metadata", "labels") } } };
  for (const place of places) {
    const path = place.split(".");
    const found = memberAt(raw, ...path);
    if (found === undefined) continue;
    let here = body;
    for (const key of path.slice(0, -1)) here = (here[key] ??= {}) as Record<string, Json>;
    here[path.at(-1) ?? ""] = found;
  }
  return body;
}

/** What a template says, each value with its place; elements of lists by their own name, as containers and variables have. */
function flatten(value: Json, path: string, into: Map<string, string>): void {
  if (into.size >= VALUES_MAX) return;
  const below = (key: string | number): string => (path === "" ? String(key) : `${path}.${key}`);
  if (typeof value !== "object" || value === null) {
    into.set(path, String(value));
  } else if (!Array.isArray(value)) {
    for (const [key, member] of Object.entries(value)) flatten(member, below(key), into);
  } else {
    for (const [index, element] of (value as readonly Json[]).entries()) {
      const place = below(textAt(element, "name") || index);
      const variable = memberAt(element, "value");
      if (variable === undefined) flatten(element, place, into);
      else into.set(place, textAt(element, "value"));
    }
  }
}
