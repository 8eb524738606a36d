// GitHub's webhooks that tell of a change: deployment, deployment_status, workflow_run.

import { z } from "zod";
import { optionalText } from "./payload.ts";

const repository = z.object({ name: z.string().max(256), full_name: z.string().max(512), html_url: optionalText });

const deployment = z.object({
  id: z.int(),
  sha: z.string().max(128),
  ref: optionalText,
  task: optionalText,
  environment: z.string().max(256),
  created_at: z.string().max(64),
});

// https://docs.github.com/en/webhooks/webhook-events-and-payloads
export const githubDeploymentSchema = z.object({ action: optionalText, deployment, repository });

export const githubDeploymentStatusSchema = z.object({
  action: optionalText,
  deployment,
  deployment_status: z.object({
    id: z.int(),
    state: z.string().max(64),
    environment: optionalText,
    target_url: optionalText,
    log_url: optionalText,
    created_at: z.string().max(64),
  }),
  repository,
});

export const githubWorkflowRunSchema = z.object({
  action: z.string().max(64),
  workflow_run: z.object({
    id: z.int(),
    name: optionalText,
    head_sha: z.string().max(128),
    head_branch: optionalText,
    run_attempt: z.int().nullish(),
    conclusion: optionalText,
    html_url: optionalText,
    updated_at: z.string().max(64),
  }),
  repository,
});
