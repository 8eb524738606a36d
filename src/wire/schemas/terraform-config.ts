// Terraform and OpenTofu: which working directories saved plans may be applied in, for whom, and the arguments of that.

import { z } from "zod";
import { secretRefSchema } from "./credentials-config.ts";

const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);
const pathSchema = z
  .string()
  .max(512)
  .regex(/^\/(?!.*(?:^|\/)\.\.(?:\/|$))[\x21-\x7e]+$/, "an absolute path");

const limitsSchema = z.strictObject({
  /** Of one apply; a step ends after `execution.stepTimeoutMs` anyway. */
  seconds: z.int().min(1).max(110).default(110),
  /** From then on it has so long to end by itself: it finishes what it began and writes its state. */
  stopSeconds: z.int().min(1).max(60).default(5),
  memoryMiB: z.int().min(256).max(65_536).default(4_096),
});

const workspaceSchema = z.strictObject({
  name: nameSchema,
  /** The one target that it is offered for. */
  environment: z.string().min(1).max(128),
  service: z.string().min(1).max(128),
  /** Initialized: `init` is never run. */
  directory: pathSchema,
  /** Where the plan files are that proposals may name. */
  plans: pathSchema,
  /** Of Terraform's own, where the directory has several. */
  workspace: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,89}$/)
    .optional(),
  /** Environment variables that hold secrets: of the backend and of providers. */
  secrets: z.record(z.string().regex(/^[A-Z][A-Za-z0-9_]{0,63}$/), secretRefSchema).default({}),
  network: z.enum(["none", "host"]).default("host"),
  limits: limitsSchema.prefault({}),
});
export type TerraformWorkspace = z.output<typeof workspaceSchema>;

export const terraformConfigSchema = z.strictObject({
  /** `tofu` or `terraform`, by its whole path. */
  program: pathSchema,
  /** Whom it runs as where Holdpoint itself is root. */
  user: z
    .strictObject({ uid: z.int().min(1).max(4_294_967_294), gid: z.int().min(1).max(4_294_967_294) })
    .default({ uid: 65_534, gid: 65_534 }),
  workspaces: z
    .array(workspaceSchema)
    .min(1)
    .max(200)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, "a workspace is named twice"),
});
export type TerraformConfig = z.output<typeof terraformConfigSchema>;

export const terraformApplyArguments = z.strictObject({
  workspace: nameSchema.describe("A configured workspace of the target"),
  plan: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/, "a file's name")
    .describe("A saved plan (`plan -out`) in the workspace's folder of plans"),
});
