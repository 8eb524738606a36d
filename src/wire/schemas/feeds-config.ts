// Configuration of what feeds the runtime model by itself: clusters, folders of manifests, Prometheus servers.

import { z } from "zod";
import { isPlainName } from "../../core/names.ts";
import { secretRefSchema } from "./credentials-config.ts";
import { kubernetesConnectionSchema } from "./kubernetes-config.ts";

const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);
const environmentSchema = z.string().max(128).refine(isPlainName, "a plain name");
const namespaceSchema = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, "a namespace");
/** The first of these labels that a workload has is its service's name; else its own name is. */
const serviceLabels = z.array(z.string().min(1).max(256)).max(16).default(["app.kubernetes.io/name", "app"]);

const kubernetesFeedSchema = z.strictObject({
  name: nameSchema,
  /** The environment that its workloads are. */
  environment: environmentSchema,
  connection: kubernetesConnectionSchema,
  /** All that it may see where there are none. */
  namespaces: z.array(namespaceSchema).max(200).default([]),
  serviceLabels,
});
export type KubernetesFeed = z.infer<typeof kubernetesFeedSchema>;

const manifestsFeedSchema = z.strictObject({
  name: nameSchema,
  environment: environmentSchema,
  /** A folder of YAML or JSON, read again when a file in it changes; below the data folder, or absolute. */
  path: z.string().min(1).max(1_024),
  serviceLabels,
});

const query = z.string().min(1).max(4_096);

const prometheusFeedSchema = z.strictObject({
  name: nameSchema,
  environment: environmentSchema,
  baseUrl: z.string().max(256),
  /** The secret that is sent as a bearer token. */
  tokenRef: secretRefSchema.optional(),
  everySeconds: z.int().min(5).max(3_600).default(60),
  /** The service mesh whose metrics it has: who calls whom. */
  mesh: z.enum(["istio", "linkerd"]).optional(),
  /** Queries that give one number for each `service` label, of requests in a second, their failed part, or milliseconds. */
  services: z
    .strictObject({
      label: z
        .string()
        .max(128)
        .regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/)
        .default("service"),
      perSecond: query,
      errorRatio: query.optional(),
      p50Ms: query.optional(),
      p95Ms: query.optional(),
    })
    .optional(),
});
export type PrometheusFeed = z.infer<typeof prometheusFeedSchema>;

const FEEDS_MAX = 32;

export const feedsConfigSchema = z
  .strictObject({
    kubernetes: z.array(kubernetesFeedSchema).max(FEEDS_MAX).default([]),
    manifests: z.array(manifestsFeedSchema).max(FEEDS_MAX).default([]),
    prometheus: z.array(prometheusFeedSchema).max(FEEDS_MAX).default([]),
  })
  .refine(({ kubernetes, manifests, prometheus }) => {
    const names = [...kubernetes, ...manifests, ...prometheus].map(({ name }) => name);
    return new Set(names).size === names.length;
  }, "a feed is named twice");
export type FeedsConfig = z.infer<typeof feedsConfigSchema>;
