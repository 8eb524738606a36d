// A Kubernetes Event (core/v1), as event exporters post it to a webhook.

import { z } from "zod";
import { looseText, optionalText } from "./payload.ts";

const labels = z.record(z.string().max(317), z.string().max(1024)).nullish();

// https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
export const kubernetesEventSchema = z.object({
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

export type KubernetesEvent = z.infer<typeof kubernetesEventSchema>;
