// The Argo CD executor: which applications may be synchronized for whom, and the arguments of its action kinds.

import { z } from "zod";
import { secretRefSchema } from "./credentials-config.ts";
import { imageBundlesSchema } from "./image-bundles.ts";

const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);
const kubernetesName = z.string().regex(/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/, "a Kubernetes name");

const applicationSchema = z.strictObject({
  name: nameSchema,
  /** The one target that it is offered for. */
  environment: z.string().min(1).max(128),
  service: z.string().min(1).max(128),
  /** Its name at Argo CD, where that is another. */
  application: kubernetesName.optional(),
  project: kubernetesName.default("default"),
  /** Where the Application object is, if not in Argo CD's own namespace. */
  namespace: kubernetesName.optional(),
  /** Whether a proposal may ask for what is no longer in Git to be deleted. */
  prune: z.boolean().default(false),
});
export type ArgocdApplication = z.output<typeof applicationSchema>;

export const argocdConfigSchema = z.strictObject({
  /** https://argocd.example.com, with the path where it has one (`--rootpath`). */
  baseUrl: z.string().max(256),
  /** Of a role in the project, or an account with `apiKey`: get, sync. */
  tokenRef: secretRefSchema.default("argocd/token"),
  applications: z
    .array(applicationSchema)
    .min(1)
    .max(500)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, "an application is named twice"),
  /** How long a request that nobody saw the end of may still begin an operation. */
  settleMs: z.int().min(0).max(600_000).default(65_000),
});
export type ArgocdConfig = z.output<typeof argocdConfigSchema>;

/** More objects than these an operation may create, but what takes it back then deletes none of them. */
export const ARGOCD_ONLY_MAX = 50;

const named = nameSchema.describe("A configured application of the target");
const pruneSchema = z.boolean().default(false).describe("Delete what the revision does not hold any more");

export const argocdSyncArguments = z.strictObject({
  application: named,
  revision: z
    .string()
    .regex(/^(?!-)[A-Za-z0-9][A-Za-z0-9._/+-]{0,127}$/, "a commit, tag, branch or chart version")
    .optional()
    .describe("What to synchronize to; what it stands for when planned is what is applied. Else the application's own"),
  prune: pruneSchema,
  bundles: imageBundlesSchema.optional(),
});

export const argocdRollbackArguments = z.strictObject({
  application: named,
  id: z.int().min(0).max(999_999_999).optional().describe("Of the application's history; else the one before the last"),
  prune: pruneSchema,
  only: z
    .array(z.string().min(1).max(600))
    .max(ARGOCD_ONLY_MAX)
    .optional()
    .describe("Objects, as a plan shows them: where pruning would delete any other, nothing is pruned"),
});
