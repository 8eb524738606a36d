// The feed of one cluster: its workloads, pods, services, nodes and ConfigMaps, watched; warnings of the last hour beside.

import type { JsonObject } from "../../core/json.ts";
import type { Egress } from "../../wire/contracts/egress.ts";
import type { ClusterSink } from "../../wire/contracts/feed.ts";
import type { KubernetesFeed } from "../../wire/schemas/feeds-config.ts";
import { parseAddress } from "../../wire/schemas/origin.ts";
import type { ClusterKind } from "../../wire/types/cluster-object.ts";
import type { Digest } from "./cluster-objects.ts";
import { watchObjects, type ClusterCalls } from "./kubernetes-watch.ts";
import { ObjectStore } from "./object-store.ts";

const ANSWER_BYTES_MAX = 32 * 1024 * 1024;
const LINE_BYTES_MAX = 4 * 1024 * 1024;
/** Changes come in bursts; all objects are told when they have been collected for so long. */
const SETTLE_MS = 2_000;

interface Resource {
  readonly kind: ClusterKind;
  readonly api: string;
  readonly plural: string;
  readonly objectsMax: number;
  /** Without it the graph is still true, if less complete: an account may see its namespaces alone. */
  readonly isOptional?: true;
  readonly isOfCluster?: true;
  readonly fieldSelector?: string;
}

const ISTIO = "/apis/networking.istio.io/v1";

const RESOURCES: readonly Resource[] = [
  { kind: "Deployment", api: "/apis/apps/v1", plural: "deployments", objectsMax: 10_000 },
  { kind: "StatefulSet", api: "/apis/apps/v1", plural: "statefulsets", objectsMax: 10_000 },
  { kind: "DaemonSet", api: "/apis/apps/v1", plural: "daemonsets", objectsMax: 10_000 },
  { kind: "Service", api: "/api/v1", plural: "services", objectsMax: 10_000 },
  { kind: "Pod", api: "/api/v1", plural: "pods", objectsMax: 30_000 },
  { kind: "ConfigMap", api: "/api/v1", plural: "configmaps", objectsMax: 10_000 },
  { kind: "Node", api: "/api/v1", plural: "nodes", objectsMax: 10_000, isOptional: true, isOfCluster: true },
  { kind: "Namespace", api: "/api/v1", plural: "namespaces", objectsMax: 10_000, isOptional: true, isOfCluster: true },
  { kind: "ResourceQuota", api: "/api/v1", plural: "resourcequotas", objectsMax: 10_000, isOptional: true },
  { kind: "VirtualService", api: ISTIO, plural: "virtualservices", objectsMax: 5_000, isOptional: true },
  { kind: "DestinationRule", api: ISTIO, plural: "destinationrules", objectsMax: 5_000, isOptional: true },
  {
    kind: "PrometheusServiceLevel",
    api: "/apis/sloth.slok.dev/v1",
    plural: "prometheusservicelevels",
    objectsMax: 5_000,
    isOptional: true,
  },
  {
    kind: "Event",
    api: "/api/v1",
    plural: "events",
    objectsMax: 5_000,
    isOptional: true,
    fieldSelector: "type=Warning",
  },
];

export interface KubernetesFeedParts extends Pick<ClusterCalls, "access" | "sleep" | "nowMs"> {
  readonly feed: KubernetesFeed;
  readonly egress: Egress;
  readonly sink: ClusterSink;
  readonly digest: Digest;
}

/** Runs until `signal` is aborted. Throws `config-invalid` for an address that may not leave this machine. */
export async function runKubernetesFeed(parts: KubernetesFeedParts, signal: AbortSignal): Promise<void> {
  const { feed, egress, sink, sleep } = parts;
  const address = parseAddress(feed.connection.server);
  const calls: ClusterCalls = {
    ...parts,
    origin: address.origin,
    prefix: address.pathname.replace(/\/$/, ""),
    call: egress.callTo(address.origin, { answerBytesMax: ANSWER_BYTES_MAX }),
    stream: egress.streamTo(address.origin, { lineBytesMax: LINE_BYTES_MAX }),
  };
  const places = RESOURCES.flatMap((resource) => placesOf(resource, feed.namespaces));
  const store = new ObjectStore(
    parts,
    places.filter(({ isOptional }) => isOptional !== true).map(({ path }) => path),
  );
  const failing = new Map<string, string>();
  const watching = places.map(({ path, kind, plural, objectsMax, fieldSelector, isOptional }) => {
    const shelf = {
      fill: (objects: readonly JsonObject[]) => store.fill(path, objects, kind),
      put: (object: JsonObject) => store.put(path, object, { kind, objectsMax }),
      remove: (object: JsonObject) => store.remove(path, object, kind),
      failing: (code: string | null) => {
        if (code === null) failing.delete(path);
        else if (isOptional !== true) failing.set(path, `${plural}-${code}`);
        sink.status([...failing.values()][0] ?? null);
      },
    };
    return watchObjects({ calls, watched: { path, objectsMax, fieldSelector }, shelf }, signal);
  });
  const telling = (async () => {
    while (!signal.aborted) {
      await sleep(SETTLE_MS, signal);
      await store.flush();
    }
  })();
  await Promise.all([...watching, telling]);
}

function placesOf(
  resource: Resource,
  namespaces: readonly string[],
): readonly (Resource & { readonly path: string })[] {
  const { api, plural, isOfCluster } = resource;
  if (isOfCluster === true || namespaces.length === 0) return [{ ...resource, path: `${api}/${plural}` }];
  return namespaces.map((namespace) => ({ ...resource, path: `${api}/namespaces/${namespace}/${plural}` }));
}
