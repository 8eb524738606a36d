// Arguments of the GitHub action kinds.

import { z } from "zod";
import { proseOf, lineOfText } from "./executor-arguments.ts";
import { inputNameSchema, labelSchema, loginSchema } from "./github-config.ts";

const repositorySchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,63}$/)
  .describe("A configured repository of the target");
const numberSchema = z.int().min(1).max(999_999_999).describe("The number of the pull request");
/** Plain segments: none that Git or a file system reads as something else. */
const pathSchema = z
  .string()
  .max(512)
  .regex(
    /^(?!.*(?:^|\/)(?:\.{1,2}|\.git)(?:\/|$))[A-Za-z0-9_.@+ -]+(?:\/[A-Za-z0-9_.@+ -]+)*$/i,
    "a path of plain segments",
  );

const CHANGE_CHARS_MAX = 262_144;

const fileSchema = z.strictObject({
  path: pathSchema,
  content: z.string().max(CHANGE_CHARS_MAX).nullable().describe("The whole file as it is to be; null deletes it"),
});

export const githubPullRequestArguments = z
  .strictObject({
    repository: repositorySchema,
    title: lineOfText(200),
    body: proseOf(20_000).optional().describe("Markdown; nobody is mentioned by it"),
    files: z.array(fileSchema).min(1).max(50),
    labels: z.array(labelSchema).max(10).optional(),
    reviewers: z.array(loginSchema).max(10).optional(),
  })
  .refine(({ files }) => new Set(files.map(({ path }) => path)).size === files.length, "a file is named twice")
  .refine(
    ({ files }) => files.reduce((sum, { content }) => sum + (content?.length ?? 0), 0) <= CHANGE_CHARS_MAX,
    `more than ${CHANGE_CHARS_MAX} characters in all`,
  );

export const githubMergeArguments = z.strictObject({
  repository: repositorySchema,
  number: numberSchema,
  method: z.enum(["squash", "merge"]).default("squash"),
});

export const githubDispatchArguments = z.strictObject({
  repository: repositorySchema,
  workflow: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,63}$/)
    .describe("A configured workflow of the repository"),
  inputs: z
    .record(inputNameSchema, lineOfText(1_000).or(z.literal("")))
    .refine((inputs) => Object.keys(inputs).length <= 25, "more than 25 inputs")
    .optional(),
});

export const githubRevertArguments = z.strictObject({ repository: repositorySchema, number: numberSchema });

export const githubCloseArguments = z.strictObject({
  repository: repositorySchema,
  branch: z
    .string()
    .regex(/^holdpoint\/[0-9a-f]{8}\/act_[0-9a-z]{9}$/)
    .describe("A branch that Holdpoint made"),
});
