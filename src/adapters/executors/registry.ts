// Which executor runs which action kind: built once from configuration.

import { hash } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { DiffReader } from "../../wire/contracts/diffs.ts";
import type { Egress } from "../../wire/contracts/egress.ts";
import type { Executor } from "../../wire/contracts/executor.ts";
import type { PinImage } from "../../wire/contracts/images.ts";
import type { ArgocdConfig } from "../../wire/schemas/argocd-executor.ts";
import type {
  ExecutorsConfig,
  MajorIncidentConfig,
  PagerdutyApiConfig,
  SlackConfig,
} from "../../wire/schemas/executors-config.ts";
import type { GithubConfig } from "../../wire/schemas/github-config.ts";
import { parseAddress, parseOrigin } from "../../wire/schemas/origin.ts";
import { ARGOCD_ANSWER_BYTES_MAX } from "./argocd-api.ts";
import { createArgocdExecutor } from "./argocd.ts";
import { createGithubDiffs } from "./github-compare.ts";
import { ANSWER_BYTES_MAX } from "./github-wire.ts";
import { createGithubExecutor } from "./github.ts";
import { createHttpExecutor } from "./http-call.ts";
import { createKubernetesExecutor } from "./kubernetes.ts";
import { createMajorIncidentExecutor } from "./major-incident.ts";
import { PAGERDUTY_ANSWER_BYTES_MAX } from "./pagerduty-api.ts";
import { createPagerdutyIncidentExecutor } from "./pagerduty-incidents.ts";
import { createPagerdutyExecutor } from "./pagerduty.ts";
import { createRecordingExecutor } from "./recording.ts";
import { createRunbookDocuments } from "./runbook-document.ts";
import { createRunbookExecutor } from "./runbook-command.ts";
import { underChange } from "./servicenow-change.ts";
import { createServicenowExecutor, type ServicenowParts } from "./servicenow.ts";
import { INCIDENTS, RecordTable } from "./servicenow-table.ts";
import { createSqlExecutor } from "./sql-migrate.ts";
import { createSlackBridge } from "./slack-bridge.ts";
import { createSlackExecutor } from "./slack-post.ts";
import { createTerraformExecutor } from "./terraform.ts";
import { UnsettledWrites } from "./unsettled-writes.ts";

/** docs.github.com/enterprise-server/rest: where every Enterprise Server has its API. */
const GITHUB_ENTERPRISE_PATH = "/api/v3";
/** Fits a correlation id with an action id behind it, and means nothing to a ServiceNow query. */
const PLAIN_ORIGIN = /^(?!javascript:)[a-z0-9][a-z0-9._:/@+-]{0,63}$/i;

export interface RegistryParts {
  readonly config: ExecutorsConfig;
  readonly credentials: Credentials;
  readonly egress: Egress;
  readonly clock: Clock;
  /** The log's origin: keeps this log's actions apart at systems that several installations share. */
  readonly installation: string;
  /** What kind of secret a text looks like, or null. */
  readonly findSecret: (text: string) => string | null;
  readonly pinImage: PinImage;
  /** Folders that no program may see: where keys, secrets and the ledger are. */
  readonly hidden: readonly string[];
  /** A folder of Holdpoint's own, for what programs said while they ran. */
  readonly records: string;
}

/**
 * Executors by action kind; `record.note` is always there, the rest as configured. Each may reach its own configured
 * origin and nothing else. Throws `config-invalid` for an unusable address.
 */
export function createExecutors(parts: RegistryParts): ReadonlyMap<string, Executor> {
  const { config, clock, credentials } = parts;
  const executors = [createRecordingExecutor(), createRunbookDocuments()];
  if (config.pagerduty !== undefined) {
    const origin = parseOrigin(config.pagerduty.baseUrl);
    const egress = parts.egress.callTo(origin);
    executors.push(createPagerdutyExecutor({ config: config.pagerduty, origin, egress, credentials, clock }));
    if (config.pagerduty.api !== undefined) executors.push(pagerdutyIncidents(parts, config.pagerduty.api));
  }
  if (config.servicenow !== undefined) {
    const origin = parseOrigin(config.servicenow.baseUrl);
    const egress = parts.egress.callTo(origin);
    const installation = correlationPrefix(parts.installation);
    const room = { config: config.servicenow, origin, egress, credentials, clock, installation };
    executors.push(createServicenowExecutor(room));
    if (config.majorIncident !== undefined) executors.push(majorIncidents(parts, config.majorIncident, room));
  }
  if (config.http !== undefined) {
    const installation = correlationPrefix(parts.installation);
    executors.push(createHttpExecutor({ config: config.http, egress: parts.egress, credentials, clock, installation }));
  }
  if (config.sql !== undefined) {
    const installation = correlationPrefix(parts.installation);
    executors.push(createSqlExecutor({ config: config.sql, egress: parts.egress, credentials, installation }));
  }
  if (config.kubernetes !== undefined) {
    const { egress, findSecret, pinImage } = parts;
    const installation = correlationPrefix(parts.installation);
    const room = { egress, credentials, clock, installation, findSecret, pinImage };
    executors.push(createKubernetesExecutor({ config: config.kubernetes, ...room }));
  }
  if (config.runbook !== undefined) {
    const { findSecret, hidden } = parts;
    const installation = correlationPrefix(parts.installation);
    executors.push(createRunbookExecutor({ config: config.runbook, credentials, hidden, installation, findSecret }));
  }
  if (config.terraform !== undefined) {
    const { findSecret, hidden, records } = parts;
    const installation = correlationPrefix(parts.installation);
    const { terraform } = config;
    executors.push(
      createTerraformExecutor({ config: terraform, credentials, hidden, records, installation, findSecret }),
    );
  }
  if (config.slack !== undefined) executors.push(slackMessages(parts, config.slack));
  if (config.github !== undefined) executors.push(githubRepositories(parts, config.github));
  if (config.argocd !== undefined) executors.push(argocdApplications(parts, config.argocd));
  return indexExecutors(controlled(parts, executors));
}

/** Each as it is, or under the change control of the configured ServiceNow. */
function controlled(parts: RegistryParts, executors: readonly Executor[]): readonly Executor[] {
  const { servicenow: config } = parts.config;
  const control = config?.changeControl;
  if (config === undefined || control === undefined) return executors;
  const origin = parseOrigin(config.baseUrl);
  const { credentials, clock } = parts;
  const room = { config, control, origin, egress: parts.egress.callTo(origin), credentials, clock };
  return executors.map((executor) => underChange(executor, room));
}

type Ways = Pick<RegistryParts, "credentials" | "clock" | "egress">;

/** Diffs of the repositories that are configured; null where none are. */
export function createDiffReader({ config, ...ways }: Ways & Pick<RegistryParts, "config">): DiffReader | null {
  return config.github === undefined ? null : createGithubDiffs(config.github, githubRoom(ways, config.github));
}

function githubRepositories(parts: RegistryParts, config: GithubConfig): Executor {
  const installation = correlationPrefix(parts.installation);
  return createGithubExecutor({ ...githubRoom(parts, config), installation, findSecret: parts.findSecret });
}

function githubRoom({ credentials, clock, egress }: Ways, config: GithubConfig) {
  const { origin, pathname } = parseAddress(config.baseUrl);
  const prefix = pathname.replace(/\/$/, "");
  if (prefix !== "" && prefix !== GITHUB_ENTERPRISE_PATH) {
    throw new AppError("config-invalid", `${origin}: an Enterprise Server's API is at ${GITHUB_ENTERPRISE_PATH}`);
  }
  const fetch = egress.fetchTo(origin, { answerBytesMax: ANSWER_BYTES_MAX });
  return { config, origin, prefix, fetch, credentials, clock };
}

function argocdApplications(
  { credentials, clock, egress, installation, findSecret }: RegistryParts,
  config: ArgocdConfig,
): Executor {
  const { origin, pathname } = parseAddress(config.baseUrl);
  const call = egress.callTo(origin, { answerBytesMax: ARGOCD_ANSWER_BYTES_MAX });
  const place = { origin, prefix: pathname.replace(/\/$/, ""), tokenRef: config.tokenRef };
  const room = { config, ...place, call, credentials, clock, findSecret };
  return createArgocdExecutor({ ...room, installation: correlationPrefix(installation) });
}

function slackMessages({ credentials, clock, egress, installation }: RegistryParts, config: SlackConfig): Executor {
  const origin = parseOrigin(config.baseUrl);
  const room = { config, origin, tokenRef: config.tokenRef, egress: egress.callTo(origin), credentials, clock };
  return createSlackExecutor({ ...room, installation: correlationPrefix(installation) });
}

function pagerdutyIncidents(
  { credentials, clock, egress, installation }: RegistryParts,
  config: PagerdutyApiConfig,
): Executor {
  const origin = parseOrigin(config.baseUrl);
  const call = egress.callTo(origin, { answerBytesMax: PAGERDUTY_ANSWER_BYTES_MAX });
  const room = { config, origin, egress: call, credentials, clock };
  return createPagerdutyIncidentExecutor({ ...room, installation: correlationPrefix(installation) });
}

function majorIncidents(parts: RegistryParts, config: MajorIncidentConfig, room: ServicenowParts): Executor {
  const { credentials, clock } = parts;
  const { bridge: bridgeConfig, responders } = config;
  const origin = parseOrigin(bridgeConfig.baseUrl);
  const egress = parts.egress.callTo(origin);
  const { tokenRef } = bridgeConfig;
  const bridge = createSlackBridge({ config: bridgeConfig, responders, origin, tokenRef, egress, credentials, clock });
  const own: Record<string, string> = {};
  for (const field of Object.keys(config.record.retractFields)) own[field] = field;
  const table = new RecordTable(room, { ...INCIDENTS, values: { ...INCIDENTS.values, ...own } });
  const writes = new UnsettledWrites({ clock, settleMs: room.config.settleMs });
  const { installation } = room;
  return createMajorIncidentExecutor({
    config,
    servicenow: room.config,
    bridge,
    origin: room.origin,
    installation,
    table,
    writes,
  });
}

/** The origin itself where a correlation id can carry it, else a digest of it: equal for one log, always. */
export function correlationPrefix(origin: string): string {
  return PLAIN_ORIGIN.test(origin) ? origin : hash("sha256", origin).slice(0, 32);
}

/** Throws `config-invalid` when two executors offer the same action kind. */
export function indexExecutors(executors: readonly Executor[]): ReadonlyMap<string, Executor> {
  const byKind = new Map<string, Executor>();
  for (const executor of executors) {
    for (const { kind } of executor.kinds) {
      if (byKind.has(kind)) throw new AppError("config-invalid", `two executors offer ${kind}`, { kind });
      byKind.set(kind, executor);
    }
  }
  return byKind;
}
