// A Kubernetes Event (core/v1 or events.k8s.io/v1), as event exporters post it to a webhook.

import { z } from "zod";
import { looseText, optionalText } from "./payload.ts";

const labels = z.record(z.string().max(317), z.string().max(1024)).nullish();

const coreEvent = z.object({
  metadata: z.object({
    uid: optionalText,
    name: optionalText,
    namespace: optionalText,
    creationTimestamp: optionalText,
  }),
  type: z.string().max(64),
  reason: z.string().max(256),
  message: optionalText,
  count: z.int().nullish(),
  firstTimestamp: optionalText,
  lastTimestamp: optionalText,
  eventTime: optionalText,
  clusterName: looseText,
  involvedObject: z.object({
    kind: optionalText,
    namespace: optionalText,
    name: optionalText,
    uid: optionalText,
    /** Event exporters add the labels of the object. */
    labels,
  }),
  source: z.object({ component: optionalText, host: optionalText }).nullish(),
});

const renamed: readonly (readonly [string, string])[] = [
  ["regarding", "involvedObject"],
  ["note", "message"],
  ["deprecatedFirstTimestamp", "firstTimestamp"],
  ["deprecatedLastTimestamp", "lastTimestamp"],
  ["deprecatedSource", "source"],
];

/** events.k8s.io/v1 has other names for five members of core/v1. */
function withCoreNames(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("regarding" in value)) return value;
  const given = new Map(Object.entries(value));
  return { ...value, ...Object.fromEntries(renamed.map(([name, core]) => [core, given.get(name)])) };
}

// https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
export const kubernetesEventSchema = z.preprocess(withCoreNames, coreEvent);

export type KubernetesEvent = z.infer<typeof kubernetesEventSchema>;
