// GitHub: deployments and finished workflow runs, which are changes and no alerts.

import {
  githubDeploymentSchema,
  githubDeploymentStatusSchema,
  githubWorkflowRunSchema,
} from "../../wire/schemas/github.ts";
import { parsePayload } from "../../wire/schemas/payload.ts";
import type { RawAlert } from "../raw-alert.ts";
import { headerOf, type SourceDelivery } from "./delivery.ts";
import { labelsOf } from "./tags.ts";

/** By `X-GitHub-Event`; none for events that are no change, such as `ping`. */
export function readGithub(delivery: SourceDelivery): readonly RawAlert[] {
  switch (headerOf(delivery, "x-github-event")) {
    case "deployment":
      return [deployment(delivery.body)];
    case "deployment_status":
      return [deploymentStatus(delivery.body)];
    case "workflow_run":
      return workflowRun(delivery.body);
    default:
      return [];
  }
}

type Change = Pick<RawAlert, "name" | "startsAt" | "fingerprint" | "links"> & {
  readonly labels: Readonly<Record<string, string>>;
  readonly description: string;
};

function change({ labels, description, ...rest }: Change): RawAlert {
  return {
    ...rest,
    detectorKind: "github",
    status: "firing",
    labels: labelsOf(labels),
    annotations: new Map([["description", description]]),
    endsAt: "",
    occurrence: "change",
    isChange: true,
  };
}

function deployment(body: unknown): RawAlert {
  const { deployment: of, repository } = parsePayload(githubDeploymentSchema, body, "GitHub's event deployment");
  return change({
    name: "deployment",
    labels: {
      environment: of.environment,
      service: repository.name,
      version: of.sha,
      phase: "created",
      repository: repository.full_name,
    },
    description: `${repository.full_name} ${of.ref} to ${of.environment}`,
    startsAt: of.created_at,
    fingerprint: `deployment ${of.id}`,
    links: [repository.html_url],
  });
}

function deploymentStatus(body: unknown): RawAlert {
  const what = "GitHub's event deployment_status";
  const {
    deployment: of,
    deployment_status: status,
    repository,
  } = parsePayload(githubDeploymentStatusSchema, body, what);
  const environment = status.environment === "" ? of.environment : status.environment;
  return change({
    name: `deployment ${status.state}`,
    labels: {
      environment,
      service: repository.name,
      version: of.sha,
      phase: status.state,
      repository: repository.full_name,
    },
    description: `${repository.full_name} ${of.ref} to ${environment}: ${status.state}`,
    startsAt: status.created_at,
    fingerprint: `deployment_status ${status.id}`,
    links: [status.log_url, status.target_url],
  });
}

/** A workflow names no environment: configure one for the source, or such runs are quarantined. */
function workflowRun(body: unknown): readonly RawAlert[] {
  const payload = parsePayload(githubWorkflowRunSchema, body, "GitHub's event workflow_run");
  if (payload.action !== "completed") return [];
  const { workflow_run: run, repository } = payload;
  return [
    change({
      name: `workflow ${run.name}`,
      labels: { service: repository.name, version: run.head_sha, phase: run.conclusion },
      description: `${repository.full_name} ${run.head_branch}: ${run.name} ${run.conclusion}`,
      startsAt: run.updated_at,
      fingerprint: `workflow_run ${run.id} ${run.run_attempt ?? 1}`,
      links: [run.html_url],
    }),
  ];
}
