// The objects of one namespace as the rules of mismatches read them, and which service each workload is.

import { listAt, memberAt, pairsAt, textAt } from "../../core/json-members.ts";
import type { Json } from "../../core/json.ts";
import { nodeText } from "../../wire/schemas/model.ts";
import type { ClusterObject } from "../../wire/types/cluster-object.ts";
import { emptyCluster, isSelected, type ClusterState, type Pod } from "./cluster.ts";
import { findMismatches } from "./find-mismatches.ts";
import { isWorkload, serviceOf, workloadOf, type ClusterTerms } from "./graph-of-objects.ts";
import { readDocument } from "./read-manifests.ts";

const EVENTS_OF_POD_MAX = 20;
const NAMESPACES_MAX = 50;

/** A mismatch of something that a service of the graph is, or runs on. */
interface ServiceMismatch {
  readonly node: string;
  readonly object: string;
  readonly cause: string;
  readonly weight: number;
  readonly evidence: string;
}

/** The mismatches of all namespaces in which one of the services is. */
export function mismatchesOf(
  objects: readonly ClusterObject[],
  terms: ClusterTerms,
  services: ReadonlySet<string>,
): ServiceMismatch[] {
  const owners = new Map<string, string>();
  for (const object of objects) {
    const service = isWorkload(object) ? serviceOf(object, terms) : undefined;
    if (service !== undefined) owners.set(`${object.namespace} ${object.name}`, nodeText(service));
  }
  const namespaces = [
    ...new Set([...owners].flatMap(([place, node]) => (services.has(node) ? [place.split(" ")[0] ?? ""] : []))),
  ];
  return namespaces.slice(0, NAMESPACES_MAX).flatMap((namespace) => {
    const state = stateOf(objects, namespace);
    return findMismatches(state).flatMap((found): ServiceMismatch[] => {
      const { object, cause, weight, evidence } = found;
      return servicesOf(state, object)
        .map((workload) => owners.get(`${namespace} ${workload}`) ?? "")
        .filter((node) => services.has(node))
        .map((node) => ({ node, object: `${namespace}/${object}`, cause, weight, evidence }));
    });
  });
}

/** Workloads that an object of a finding concerns: itself, those with pods on a node, all of a namespace. */
function servicesOf({ pods, workloads }: ClusterState, object: string): string[] {
  const [kind, name = ""] = object.split("/");
  if (kind === "app") return [name];
  if (kind === "node") return [...new Set(pods.filter(({ node }) => node === name).map(({ workload }) => workload))];
  return workloads.map((workload) => workload.name);
}

function stateOf(objects: readonly ClusterObject[], namespace: string): ClusterState {
  const state = emptyCluster(namespace);
  const events = new Map<string, ClusterObject[]>();
  const pods: ClusterObject[] = [];
  for (const object of objects) {
    if (object.kind === "Node") state.nodes.push(nodeOf(object));
    if (object.namespace !== namespace) continue;
    if (object.kind === "Pod") pods.push(object);
    else if (object.kind === "Event") keep(events, object);
    else addDeclared(state, object);
  }
  for (const pod of pods) state.pods.push(podOf(pod, events.get(pod.name) ?? []));
  for (const workload of state.workloads) {
    workload.ready = state.pods.filter((pod) => pod.workload === workload.name && pod.ready).length;
  }
  for (const service of state.services) {
    const ready = state.pods.filter((pod) => pod.ready && isSelected(pod.labels, service.selector));
    service.endpoints.push(...ready.map(({ name }) => `${name}:${service.ports[0]?.port ?? 0}`));
  }
  return state;
}

function addDeclared(state: ClusterState, object: ClusterObject): void {
  const { kind, name, body } = object;
  const document = { ...body, kind, metadata: { ...(memberAt(body, "metadata") as object), name } };
  const { workloads, services } = readDocument(document);
  state.workloads.push(...workloads);
  state.services.push(...services);
}

function keep(events: Map<string, ClusterObject[]>, event: ClusterObject): void {
  const name = textAt(event.body, "involvedObject", "name");
  const known = events.get(name) ?? [];
  if (known.length < EVENTS_OF_POD_MAX) events.set(name, [...known, event]);
}

function podOf(pod: ClusterObject, events: readonly ClusterObject[]): Pod {
  const containers = [
    ...listAt(pod.body, "status", "containerStatuses"),
    ...listAt(pod.body, "status", "initContainerStatuses"),
  ];
  return {
    name: pod.name,
    workload: workloadOf(pod)?.split(" ").at(-1) ?? pod.name,
    node: textAt(pod.body, "spec", "nodeName"),
    status: textAt(pod.body, "status", "reason") || textAt(pod.body, "status", "phase"),
    ready: conditionOf(pod.body, "Ready") === "True",
    restarts: Math.max(0, ...containers.map((one) => Number(textAt(one, "restartCount")) || 0)),
    labels: { ...pairsAt(pod.body, "metadata", "labels") },
    reasons: containers.flatMap((one) =>
      [
        textAt(one, "state", "waiting", "reason"),
        textAt(one, "state", "terminated", "reason"),
        textAt(one, "lastState", "terminated", "reason"),
      ].filter((reason) => reason !== "" && reason !== "Completed"),
    ),
    events: events.map(({ body }) => ({
      type: textAt(body, "type"),
      reason: textAt(body, "reason"),
      message: textAt(body, "message"),
      count: Number(textAt(body, "count")) || 1,
    })),
  };
}

function nodeOf({ name, body }: ClusterObject): ClusterState["nodes"][number] {
  const labels = { ...pairsAt(body, "metadata", "labels") };
  return {
    name,
    // A node that nobody reports on yet is not one that is down.
    ready: conditionOf(body, "Ready") !== "False" && conditionOf(body, "Ready") !== "Unknown",
    schedulable: memberAt(body, "spec", "unschedulable") !== true,
    controlPlane: Object.keys(labels).some((label) => /node-role.kubernetes.io\/(master|control-plane)/.test(label)),
    labels,
  };
}

function conditionOf(body: Json, type: string): string {
  return textAt(
    listAt(body, "status", "conditions").find((one) => textAt(one, "type") === type),
    "status",
  );
}
