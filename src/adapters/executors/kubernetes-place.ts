// Where an object of Kubernetes is: its path at the API server, its words for people, and whose it is.

import type { KubernetesCluster } from "../../wire/schemas/kubernetes-config.ts";
import { isFor, type BoundTarget } from "./bound-target.ts";

/** The words of configuration and arguments, and what the API calls the same. */
const RESOURCES = {
  deployment: { group: "apps", version: "v1", resource: "deployments", kind: "Deployment" },
  statefulset: { group: "apps", version: "v1", resource: "statefulsets", kind: "StatefulSet" },
  daemonset: { group: "apps", version: "v1", resource: "daemonsets", kind: "DaemonSet" },
  replicaset: { group: "apps", version: "v1", resource: "replicasets", kind: "ReplicaSet" },
  controllerrevision: { group: "apps", version: "v1", resource: "controllerrevisions", kind: "ControllerRevision" },
  configmap: { group: "", version: "v1", resource: "configmaps", kind: "ConfigMap" },
  autoscaler: {
    group: "autoscaling",
    version: "v1",
    resource: "horizontalpodautoscalers",
    kind: "HorizontalPodAutoscaler",
  },
  pod: { group: "", version: "v1", resource: "pods", kind: "Pod" },
  node: { group: "", version: "v1", resource: "nodes", kind: "Node" },
} as const;

type Word = keyof typeof RESOURCES;

export interface Place {
  readonly word: Word;
  /** Null for nodes. */
  readonly namespace: string | null;
  readonly name: string;
}

/** `deployment/cart`, as arguments name workloads, in a namespace. */
export function placeOf(workload: string, namespace: string): Place {
  const [word = "", name = ""] = workload.split("/");
  return { word: word as Word, namespace, name };
}

export function pathOf({ word, namespace, name }: Place): string {
  return `${collectionPath(word, namespace)}/${encodeURIComponent(name)}`;
}

/** Where all objects of one kind in a namespace are. */
export function collectionPath(word: Word, namespace: string | null): string {
  const { group, version, resource } = RESOURCES[word];
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${root}${namespace === null ? "" : `/namespaces/${encodeURIComponent(namespace)}`}/${resource}`;
}

/** `shop/deployment/cart`: for people and references. */
export function nameOf({ word, namespace, name }: Place): string {
  return `${namespace === null ? "" : `${namespace}/`}${word}/${name}`;
}

export function typeOf(word: Word): { readonly apiVersion: string; readonly kind: string } {
  const { group, version, kind } = RESOURCES[word];
  return { apiVersion: group === "" ? version : `${group}/${version}`, kind };
}

/** As RBAC names it. */
export function permissionOf({ word, namespace, name }: Place, verb: string): Record<string, string> {
  const { group, resource } = RESOURCES[word];
  return { verb, group, resource, ...(namespace === null ? {} : { namespace }), name };
}

/** Whether configuration gives the object to this target. */
export function isOf(
  cluster: KubernetesCluster,
  target: BoundTarget | undefined,
  { word, namespace, name }: Place,
): boolean {
  return cluster.targets.some(
    (one) =>
      isFor(one, target) &&
      (one.namespace ?? null) === namespace &&
      one.resources.some((given) => matches(given, word, name)),
  );
}

function matches(given: string, word: Word, name: string): boolean {
  const [kind, pattern = ""] = given.split("/");
  if (kind !== word) return false;
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}
