// Configuration of the GitHub executor: which repositories it may change for whom, where in them, and with what.

import { z } from "zod";
import { secretRefSchema } from "./credentials-config.ts";
import { identitiesBy } from "./people-config.ts";

export const inputNameSchema = z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]{0,99}$/, "an input's name");
const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);
export const loginSchema = z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?$/, "a GitHub login");
export const labelSchema = z
  .string()
  .regex(/^[^\p{C}\s](?:[^\p{C}]{0,48}[^\p{C}\s])?$/u, "a label of at most 50 characters");
const branchSchema = z
  .string()
  .max(128)
  .regex(/^(?!.*(?:\.\.|\/\/|@\{|\.lock(?:\/|$)))[A-Za-z0-9_][A-Za-z0-9._/-]*(?<![./])$/, "a branch's name");
const prefixSchema = z
  .string()
  .max(256)
  .regex(
    /^(?:[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*\/)*(?:[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*)?$/,
    "a path",
  );

const workflowSchema = z.strictObject({
  name: nameSchema,
  /** Below `.github/workflows/`; it has the trigger `workflow_dispatch`. */
  file: z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}\.ya?ml$/, "a workflow's file"),
  /** The inputs that proposals may give. */
  inputs: z.array(inputNameSchema).max(25).default([]),
  /** The listed workflow that takes it back: naming it says that it may be run for that, also where nothing takes it back. */
  undo: nameSchema.optional(),
});

const githubRepositorySchema = z.strictObject({
  name: nameSchema,
  /** The one target whose changes go there. */
  environment: z.string().min(1).max(128),
  service: z.string().min(1).max(128),
  repository: z.string().regex(/^[A-Za-z0-9-]{1,39}\/[A-Za-z0-9_.-]{1,100}$/, "owner/name"),
  base: branchSchema.default("main"),
  /** Where files may be changed: folders with `/` at their end, or single files. */
  paths: z.array(prefixSchema.min(1)).min(1).max(64),
  labels: z.array(labelSchema).max(10).default([]),
  reviewers: z.array(loginSchema).max(10).default([]),
  teamReviewers: z
    .array(z.string().regex(/^[a-z0-9_-]{1,100}$/, "a team's slug"))
    .max(10)
    .default([]),
  workflows: z
    .array(workflowSchema)
    .max(64)
    .default([])
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, "a workflow is named twice")
    .refine(
      (all) => all.every(({ undo }) => undo === undefined || all.some(({ name }) => name === undo)),
      "undo is not listed",
    ),
});
export type GithubRepository = z.output<typeof githubRepositorySchema>;

const appSchema = z.strictObject({
  /** The App's client id, or its number. */
  id: z.union([z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, "a client id"), z.int().min(1)]).transform(String),
  /** One of the App's private keys, as GitHub gave it: PEM. */
  privateKeyRef: secretRefSchema.default("github/app-key"),
});

export const githubConfigSchema = z.strictObject({
  /** An Enterprise Server: `https://HOST/api/v3`. */
  baseUrl: z.string().max(256).default("https://api.github.com"),
  /** A fine-grained token for these repositories: contents and pull requests, read and write. Not used where there is `app`. */
  tokenRef: secretRefSchema.default("github/token"),
  /** An App that is installed on these repositories: each step has a token for its own and for what it does alone. */
  app: appSchema.optional(),
  /**
   * Who reviews: the identity of each GitHub login. With it a merge needs the review of one of them who is behind neither
   * the merge nor the pull request; without it nobody can tell, and any login but the author's is enough.
   */
  people: identitiesBy(loginSchema)
    .refine(
      (people) => new Set(Object.keys(people).map((login) => login.toLowerCase())).size === Object.keys(people).length,
      "a login is named twice",
    )
    .optional(),
  repositories: z
    .array(githubRepositorySchema)
    .min(1)
    .max(200)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, "a repository is named twice"),
});
export type GithubConfig = z.output<typeof githubConfigSchema>;
