// An object of a cluster as its API has it, or as a manifest declares it, with what the model has no use for left out.

import type { JsonObject } from "../../core/json.ts";

/** Kinds that are read; `Event` are warnings alone. */
export const CLUSTER_KINDS = [
  "Deployment",
  "StatefulSet",
  "DaemonSet",
  "Service",
  "Pod",
  "Node",
  "ConfigMap",
  "Event",
  "Namespace",
  "ResourceQuota",
  "VirtualService",
  "DestinationRule",
  "PrometheusServiceLevel",
] as const;
export type ClusterKind = (typeof CLUSTER_KINDS)[number];

export interface ClusterObject {
  readonly kind: ClusterKind;
  /** Empty for what stands in no namespace. */
  readonly namespace: string;
  readonly name: string;
  /** `metadata`, `spec`, `status` … as the API writes them; of a ConfigMap `digests` by key instead of data. */
  readonly body: JsonObject;
}
