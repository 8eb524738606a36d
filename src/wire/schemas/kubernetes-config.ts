// Configuration of the Kubernetes executor: which clusters it reaches, as whom, and what of each belongs to which target.

import { z } from "zod";
import { secretRefSchema } from "./credentials-config.ts";

const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);
const namespaceSchema = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, "a namespace");
const serverSchema = z.string().max(512);

export const kubernetesConnectionSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("kubeconfig"),
    /** The server that the file names too: what may be reached stands in this configuration alone. */
    server: serverSchema,
    /** The secret that holds the kubeconfig, everything in it (`kubectl config view --raw --flatten`). */
    secretRef: secretRefSchema,
    /** By default the file's current one. */
    context: z.string().min(1).max(256).optional(),
  }),
  z.strictObject({
    kind: z.literal("in-cluster"),
    server: serverSchema.default("https://kubernetes.default.svc"),
    /** Where the service account's `token` and `ca.crt` are; read for each call, since the token is replaced. */
    path: z.string().max(512).regex(/^\//, "an absolute path").default("/var/run/secrets/kubernetes.io/serviceaccount"),
  }),
  z.strictObject({
    kind: z.literal("token"),
    server: serverSchema,
    tokenRef: secretRefSchema,
    /** PEM of what signs the server's certificate, where it is not among the system's roots. */
    certificateAuthority: z
      .string()
      .max(65_536)
      .regex(/^-----BEGIN CERTIFICATE-----/, "a certificate in PEM")
      .optional(),
  }),
]);
export type KubernetesConnection = z.infer<typeof kubernetesConnectionSchema>;

const KINDS = "deployment|statefulset|daemonset|configmap|autoscaler|pod|node";
const resourceSchema = z
  .string()
  .max(300)
  .regex(
    new RegExp(`^(?:${KINDS})/(?:\\*|[a-z0-9](?:[a-z0-9.-]*\\*?)?)$`),
    `kind/name or kind/beginning*; kinds are ${KINDS.replaceAll("|", ", ")}`,
  );

const targetSchema = z
  .strictObject({
    environment: z.string().min(1).max(128),
    service: z.string().min(1).max(128),
    /** Absent for nodes, which have none. */
    namespace: namespaceSchema.optional(),
    /** `deployment/cart`, `pod/cart-*`: what is proposed for this target touches nothing else. */
    resources: z.array(resourceSchema).min(1).max(100),
  })
  .refine(
    ({ namespace, resources }) => resources.every((one) => one.startsWith("node/") === (namespace === undefined)),
    "nodes have no namespace, everything else has one",
  );

export const kubernetesClusterSchema = z.strictObject({
  name: nameSchema,
  connection: kubernetesConnectionSchema,
  targets: z.array(targetSchema).min(1).max(1_000),
  /**
   * Field managers whose fields may be taken over by server-side apply (`helm`, `kubectl-client-side-apply`); `*` at
   * the end stands for whatever follows. None by default: whoever owns a field writes it back.
   */
  takeOverFrom: z.array(z.string().min(1).max(128)).max(32).default([]),
  /**
   * A folder of manifests as they are applied (rendered, where Git holds templates), which somebody else keeps up to date:
   * a plan shows where the cluster would differ from it.
   */
  manifests: z.string().max(1_024).regex(/^\//, "an absolute path").optional(),
  /** How long a write that nobody saw the end of may still take effect: the API server's --request-timeout, and a little. */
  settleMs: z.int().min(0).max(600_000).default(65_000),
});
export type KubernetesCluster = z.infer<typeof kubernetesClusterSchema>;

const namesOnce = (clusters: readonly { readonly name: string }[]): boolean =>
  new Set(clusters.map(({ name }) => name)).size === clusters.length;

export const kubernetesConfigSchema = z.strictObject({
  clusters: z.array(kubernetesClusterSchema).min(1).max(100).refine(namesOnce, "a cluster is named twice"),
});
export type KubernetesConfig = z.infer<typeof kubernetesConfigSchema>;
