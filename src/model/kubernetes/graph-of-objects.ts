// What the objects of a cluster say of the graph: services and where they run, what configures them, what they belong to.

import { listAt, memberAt, pairsAt, textAt } from "../../core/json-members.ts";
import { isPlainName, plainName } from "../../core/names.ts";
import { isNodeName, nodeText } from "../../wire/schemas/model.ts";
import type { ClusterObject } from "../../wire/types/cluster-object.ts";
import type { Contract, EdgeKind, NodeKind, NodeRef } from "../../wire/types/model.ts";
import type { Declared, DeclaredEdge, DeclaredNode } from "../declare.ts";
import { isSelected } from "./cluster.ts";
import { contractsOf } from "./contracts.ts";

export interface ClusterTerms {
  readonly environment: string;
  /** The first of these labels that a workload has is its service's name. */
  readonly serviceLabels: readonly string[];
}

const WORKLOADS: ReadonlySet<string> = new Set(["Deployment", "StatefulSet", "DaemonSet"]);
/** Beyond, the ConfigMap is one node: thousands of keys are a file that somebody cut into pieces. */
const KEYS_MAX = 64;
/** Of a workload or its pods, or of its namespace: the trust zone that it stands in. */
const TRUST_ZONE = "holdpoint.dev/trust-zone";
const CONTRACTS_MAX = 16;
const ATTRIBUTE = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/;

export function isWorkload({ kind }: ClusterObject): boolean {
  return WORKLOADS.has(kind);
}

/** The service that a workload is; undefined where its name can be none. */
export function serviceOf(object: ClusterObject, { environment, serviceLabels }: ClusterTerms): NodeRef | undefined {
  const labels = [pairsAt(object.body, "metadata", "labels"), podLabelsOf(object)];
  const names = serviceLabels.flatMap((label) => labels.flatMap((all) => all[label] ?? []));
  const name = plainName(names[0] ?? object.name);
  return name === undefined ? undefined : { kind: "service", environment, name };
}

const podLabelsOf = ({ body }: ClusterObject): Readonly<Record<string, string>> =>
  pairsAt(body, "spec", "template", "metadata", "labels");

/** Nodes of a ConfigMap's keys; of it as a whole where they are too many. */
export function configKeysOf(object: ClusterObject, { environment }: ClusterTerms, keys: readonly string[]): NodeRef[] {
  const all = Object.keys(pairsAt(object.body, "digests")).length;
  const named = all > KEYS_MAX ? [""] : keys;
  return named.flatMap((key) => {
    const name = `${object.namespace}/${object.name}${key === "" ? "" : `/${key}`}`.toLowerCase();
    return isNodeName("config-key", name) ? [{ kind: "config-key" as const, environment, name }] : [];
  });
}

/** All that the objects declare. */
export function graphOfObjects(
  objects: readonly ClusterObject[],
  terms: ClusterTerms,
): Pick<Declared, "nodes" | "edges"> {
  const drawing = new Drawing(terms);
  for (const object of objects) drawing.add(object);
  drawing.place(objects);
  return drawing.drawn();
}

class Drawing {
  readonly #terms: ClusterTerms;
  readonly #nodes = new Map<string, DeclaredNode>();
  readonly #edges = new Map<string, DeclaredEdge>();
  /** Services by their workload's kind, namespace and name. */
  readonly #services = new Map<string, NodeRef>();
  readonly #configs = new Map<string, ClusterObject>();
  /** Services of the cluster by namespace and name, and workloads by namespace: who answers under a name. */
  readonly #fronts = new Map<string, ClusterObject>();
  readonly #workloads = new Map<string, ClusterObject[]>();

  constructor(terms: ClusterTerms) {
    this.#terms = terms;
  }

  add(object: ClusterObject): void {
    if (object.kind === "ConfigMap") this.#addConfig(object);
    if (object.kind === "Node") this.#node(this.#ref("node", object.name), zoneOf(object));
    if (object.kind === "Service") this.#fronts.set(`${object.namespace} ${object.name}`, object);
    if (!isWorkload(object)) return;
    const beside = this.#workloads.get(object.namespace);
    if (beside === undefined) this.#workloads.set(object.namespace, [object]);
    else beside.push(object);
    const service = serviceOf(object, this.#terms);
    if (service === undefined) return;
    this.#services.set(`${object.kind} ${object.namespace} ${object.name}`, service);
    const template = textAt(object.body, "digest");
    this.#node(service, { workload: object.kind.toLowerCase(), ...(template === "" ? {} : { template }) });
    this.#edge("member-of", service, this.#addNamespace(object));
    this.#zone(service, trustZoneOf(object) ?? plainName(podLabelsOf(object)[TRUST_ZONE] ?? ""));
  }

  #addNamespace({ namespace: name }: ClusterObject): NodeRef {
    const namespace = this.#ref("namespace", name);
    const environment = this.#ref("environment", this.#terms.environment);
    for (const node of [namespace, environment]) this.#node(node, {});
    if (isNodeName("namespace", namespace.name)) this.#edge("member-of", namespace, environment);
    return namespace;
  }

  /** One that no workload is in is none of the model's. */
  #zoneNamespace(object: ClusterObject): void {
    const namespace = this.#ref("namespace", object.name);
    if (this.#nodes.has(nodeText(namespace))) this.#zone(namespace, trustZoneOf(object));
  }

  #zone(node: NodeRef, zone: string | undefined): void {
    if (zone === undefined) return;
    const to: NodeRef = { kind: "trust-zone", environment: null, name: zone };
    this.#node(to, {});
    this.#edge("member-of", node, to);
  }

  #addConfig(object: ClusterObject): void {
    const digests = pairsAt(object.body, "digests");
    const keys = configKeysOf(object, this.#terms, Object.keys(digests));
    this.#configs.set(`${object.namespace} ${object.name}`, object);
    for (const key of keys) {
      const digest = digests[Object.keys(digests).find((one) => key.name.endsWith(`/${one.toLowerCase()}`)) ?? ""];
      this.#node(key, digest === undefined ? {} : { digest });
    }
  }

  /** Where pods run, and what their workloads are configured by: when all of both are known. */
  place(objects: readonly ClusterObject[]): void {
    const running = new Map<string, Map<string, number>>();
    for (const object of objects) {
      if (object.kind === "Pod") this.#count(object, running);
      if (isWorkload(object)) this.#configure(object);
      if (object.kind === "Namespace") this.#zoneNamespace(object);
      for (const { host, contract } of contractsOf(object)) this.#promise(object.namespace, host, contract);
    }
    for (const [workload, nodes] of running) {
      const service = this.#services.get(workload);
      if (service === undefined) continue;
      const all = [...nodes.values()].reduce((sum, pods) => sum + pods, 0);
      for (const [name, pods] of nodes) {
        // In tenths: an instance more or less elsewhere is no news of this node.
        const part = Math.max(0.1, Math.round((10 * pods) / all) / 10);
        this.#edge("runs-on", service, this.#ref("node", name), { part: String(part) });
      }
    }
  }

  #count(pod: ClusterObject, running: Map<string, Map<string, number>>): void {
    const node = textAt(pod.body, "spec", "nodeName");
    const isGone = textAt(pod.body, "metadata", "deletionTimestamp") !== "";
    const workload = workloadOf(pod);
    if (node === "" || isGone || workload === undefined || textAt(pod.body, "status", "phase") !== "Running") return;
    const nodes = running.get(workload) ?? new Map<string, number>();
    nodes.set(node, (nodes.get(node) ?? 0) + 1);
    running.set(workload, nodes);
  }

  #configure(workload: ClusterObject): void {
    const service = this.#services.get(`${workload.kind} ${workload.namespace} ${workload.name}`);
    if (service === undefined) return;
    for (const { name, key } of configsUsedBy(workload)) {
      const config = this.#configs.get(`${workload.namespace} ${name}`);
      if (config === undefined) continue;
      const keys = key === "" ? Object.keys(pairsAt(config.body, "digests")) : [key];
      for (const one of configKeysOf(config, this.#terms, keys)) this.#edge("configured-by", service, one);
    }
  }

  /** Of one sort the first counts, as between feeds. */
  #promise(namespace: string, host: string, contract: Contract): void {
    const node = host === "" ? this.#ref("namespace", namespace) : this.#serviceBehind(namespace, host);
    const known = node === undefined ? undefined : this.#nodes.get(nodeText(node));
    if (node === undefined || known === undefined || known.contracts.length >= CONTRACTS_MAX) return;
    const isKnown = known.contracts.some((one) => one.kind === contract.kind && contract.kind !== "quota");
    if (!isKnown) this.#nodes.set(nodeText(node), { ...known, contracts: [...known.contracts, contract] });
  }

  /** `cart`, `cart.shop` or `cart.shop.svc.cluster.local`; a name that no Service has may be the service's own. */
  #serviceBehind(namespace: string, host: string): NodeRef | undefined {
    const [name = "", of = namespace] = host.split(".");
    const front = this.#fronts.get(`${of} ${name}`);
    const selector = pairsAt(front?.body, "spec", "selector");
    const behind = this.#workloads.get(of)?.find((workload) => isSelected(podLabelsOf(workload), selector));
    const service = behind === undefined ? this.#ref("service", name) : serviceOf(behind, this.#terms);
    return service !== undefined && this.#nodes.has(nodeText(service)) ? service : undefined;
  }

  #ref(kind: NodeKind, name: string): NodeRef {
    return { kind, environment: this.#terms.environment, name: name.toLowerCase() };
  }

  #node(node: NodeRef, attributes: Readonly<Record<string, string>>): void {
    if (!isNodeName(node.kind, node.name)) return;
    const kept = Object.entries(attributes).filter(([, value]) => ATTRIBUTE.test(value));
    const name = nodeText(node);
    const known = this.#nodes.get(name);
    // Two workloads of one service: the first by name, as they are listed.
    if (known === undefined || known.attributes["template"] === undefined) {
      this.#nodes.set(name, { node, attributes: { ...Object.fromEntries(kept), ...known?.attributes }, contracts: [] });
    }
  }

  #edge(kind: EdgeKind, from: NodeRef, to: NodeRef, attributes: Readonly<Record<string, string>> = {}): void {
    if (!isNodeName(to.kind, to.name)) return;
    this.#edges.set(`${kind} ${nodeText(from)} ${nodeText(to)}`, {
      edge: { kind, from, to },
      attributes,
      contracts: [],
    });
  }

  drawn(): Pick<Declared, "nodes" | "edges"> {
    return { nodes: [...this.#nodes.values()], edges: [...this.#edges.values()] };
  }
}

function zoneOf(node: ClusterObject): Readonly<Record<string, string>> {
  const zone = pairsAt(node.body, "metadata", "labels")["topology.kubernetes.io/zone"] ?? "";
  return isPlainName(zone) ? { "availability-zone": zone } : {};
}

function trustZoneOf({ body }: ClusterObject): string | undefined {
  return plainName(pairsAt(body, "metadata", "labels")[TRUST_ZONE] ?? "");
}

/** The workload that made a pod, by its owner: a replica set is called after its deployment and the template's hash. */
export function workloadOf(pod: ClusterObject): string | undefined {
  const [owner] = listAt(pod.body, "metadata", "ownerReferences");
  const [kind, name] = [textAt(owner, "kind"), textAt(owner, "name")];
  if (WORKLOADS.has(kind)) return `${kind} ${pod.namespace} ${name}`;
  const hash = pairsAt(pod.body, "metadata", "labels")["pod-template-hash"] ?? "";
  if (kind !== "ReplicaSet" || hash === "" || !name.endsWith(`-${hash}`)) return undefined;
  return `Deployment ${pod.namespace} ${name.slice(0, -hash.length - 1)}`;
}

/** ConfigMaps that a workload's pods mount or take variables from; without a key, all of one. */
function* configsUsedBy({ body }: ClusterObject): Generator<{ readonly name: string; readonly key: string }> {
  const spec = memberAt(body, "spec", "template", "spec");
  for (const volume of listAt(spec, "volumes")) yield { name: textAt(volume, "configMap", "name"), key: "" };
  for (const container of [...listAt(spec, "containers"), ...listAt(spec, "initContainers")]) {
    for (const from of listAt(container, "envFrom")) yield { name: textAt(from, "configMapRef", "name"), key: "" };
    for (const variable of listAt(container, "env")) {
      const name = textAt(variable, "valueFrom", "configMapKeyRef", "name");
      yield { name, key: textAt(variable, "valueFrom", "configMapKeyRef", "key") };
    }
  }
}
