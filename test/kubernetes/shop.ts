// A small shop in a real cluster: what its controllers would have made, and Holdpoint's account with exactly its rights.

import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import type { JsonObject } from "../../src/core/json.ts";
import type { ApiServer } from "./api-server.ts";

const RBAC = new URL("../../examples/kubernetes/rbac.yaml", import.meta.url);
const PLURALS: Readonly<Record<string, string>> = {
  Role: "roles",
  RoleBinding: "rolebindings",
  ClusterRole: "clusterroles",
  ClusterRoleBinding: "clusterrolebindings",
};

export const ACCOUNT = "system:serviceaccount:shop:holdpoint";
const APPS = "/apis/apps/v1/namespaces/shop";
export const CORE = "/api/v1/namespaces/shop";

/** The namespace, and what examples/kubernetes/rbac.yaml says; answers the account's token. */
export async function openShop(server: ApiServer): Promise<string> {
  await server.must("POST", "/api/v1/namespaces", { metadata: { name: "shop" } });
  for (const document of parseAllDocuments(readFileSync(RBAC, "utf8"))) {
    const object = document.toJS() as { kind: string; metadata: { namespace?: string } };
    await server.must("POST", pathFor(object), object);
  }
  return server.accountToken("shop", "holdpoint");
}

function pathFor({ kind, metadata }: { kind: string; metadata: { namespace?: string } }): string {
  if (kind === "ServiceAccount") return `${CORE}/serviceaccounts`;
  const namespace = metadata.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
  return `/apis/rbac.authorization.k8s.io/v1${namespace}/${PLURALS[kind]}`;
}

function templateOf(name: string, image: string): JsonObject {
  const env = [{ name: "PASSWORD", value: `hunter2-${image}` }];
  return { metadata: { labels: { app: name } }, spec: { containers: [{ name: "app", image, env }] } };
}

/** A Deployment of three that a tool called `creator` made; answers its path. */
export async function deployment(server: ApiServer, name: string, creator = "kubectl"): Promise<string> {
  const spec = { replicas: 3, selector: { matchLabels: { app: name } }, template: templateOf(name, "shop/app:2") };
  await server.must("POST", `${APPS}/deployments?fieldManager=${creator}`, { metadata: { name }, spec });
  return `${APPS}/deployments/${name}`;
}

/** What the Deployment's controller would have left of an earlier image and of the present one. */
export async function revisions(server: ApiServer, name: string): Promise<void> {
  const { metadata, spec } = (await server.get(`${APPS}/deployments/${name}`)) as unknown as {
    metadata: { uid: string };
    spec: { template: { metadata: { labels: JsonObject }; spec: { containers: JsonObject[] } } };
  };
  const owner = { apiVersion: "apps/v1", kind: "Deployment", name, uid: metadata.uid, controller: true };
  for (const [revision, image] of [
    [1, "shop/app:1"],
    [2, "shop/app:2"],
  ] as const) {
    const hash = `hash${revision}`;
    const labels = { ...spec.template.metadata.labels, "pod-template-hash": hash };
    const containers = spec.template.spec.containers.map((one) => ({ ...one, image }));
    const template = { ...spec.template, metadata: { labels }, spec: { ...spec.template.spec, containers } };
    const annotations = { "deployment.kubernetes.io/revision": String(revision) };
    await server.must("POST", `${APPS}/replicasets`, {
      metadata: { name: `${name}-${hash}`, labels, annotations, ownerReferences: [owner] },
      spec: { replicas: 0, selector: { matchLabels: labels }, template },
    });
  }
}

/** A StatefulSet of ten, or a DaemonSet, as `kubectl` makes it; answers its path. */
export async function controlled(server: ApiServer, kind: "StatefulSet" | "DaemonSet", name: string): Promise<string> {
  const plural = `${APPS}/${kind.toLowerCase()}s`;
  const shared = { selector: { matchLabels: { app: name } }, template: templateOf(name, "shop/app:2") };
  const own = kind === "StatefulSet" ? { replicas: 10, serviceName: name } : {};
  await server.must("POST", `${plural}?fieldManager=kubectl`, { metadata: { name }, spec: { ...shared, ...own } });
  return `${plural}/${name}`;
}

/** What its controller keeps of an earlier image and of the present one: patches, in Kubernetes' own form. */
export async function controllerRevisions(server: ApiServer, path: string): Promise<void> {
  const { metadata, spec } = (await server.get(path)) as unknown as {
    metadata: { name: string; uid: string };
    spec: { template: { metadata: { labels: JsonObject }; spec: { containers: JsonObject[] } } };
  };
  const kind = path.includes("/daemonsets/") ? "DaemonSet" : "StatefulSet";
  const { name, uid } = metadata;
  const owner = { apiVersion: "apps/v1", kind, name, uid, controller: true, blockOwnerDeletion: true };
  for (const [revision, image] of [
    [1, "shop/app:1"],
    [2, "shop/app:2"],
  ] as const) {
    const { template } = spec;
    const containers = template.spec.containers.map((one) => ({ ...one, image }));
    await server.must("POST", `${APPS}/controllerrevisions`, {
      metadata: {
        name: `${name}-rev${revision}`,
        labels: { ...template.metadata.labels, "controller-revision-hash": `rev${revision}` },
        ownerReferences: [owner],
      },
      revision,
      data: { spec: { template: { ...template, $patch: "replace", spec: { ...template.spec, containers } } } },
    });
  }
}

export async function configMap(
  server: ApiServer,
  name: string,
  data: JsonObject,
  creator = "kubectl",
): Promise<string> {
  await server.must("POST", `${CORE}/configmaps?fieldManager=${creator}`, { metadata: { name }, data });
  return `${CORE}/configmaps/${name}`;
}

export async function autoscaler(server: ApiServer, name: string, workload: string): Promise<string> {
  const path = "/apis/autoscaling/v1/namespaces/shop/horizontalpodautoscalers";
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: workload };
  await server.must("POST", path, { metadata: { name }, spec: { minReplicas: 2, maxReplicas: 5, scaleTargetRef } });
  return `${path}/${name}`;
}

export async function node(server: ApiServer, name: string): Promise<string> {
  await server.must("POST", "/api/v1/nodes", { metadata: { name } });
  return `/api/v1/nodes/${name}`;
}

/** `owned`: as if a ReplicaSet had made it. */
export async function pod(server: ApiServer, name: string, owned = true): Promise<string> {
  const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-hash1", uid: "0-0-0", controller: true };
  await server.must("POST", `${CORE}/pods`, {
    metadata: { name, ...(owned ? { ownerReferences: [owner] } : {}) },
    spec: { containers: [{ name: "app", image: "shop/app:2" }], terminationGracePeriodSeconds: 0 },
  });
  return `${CORE}/pods/${name}`;
}
