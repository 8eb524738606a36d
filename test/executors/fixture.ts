// Stages for the executor contract: each executor before its stand-in, with secrets to look out for.

import { startOperations } from "../../examples/stand-ins/operations.ts";
import type { WorkedOn } from "../../examples/stand-ins/pagerduty-rest.ts";
import { startPagerduty, type PagerdutyStandIn } from "../../examples/stand-ins/pagerduty.ts";
import {
  startServicenow,
  type ServicenowOptions,
  type ServicenowStandIn,
} from "../../examples/stand-ins/servicenow.ts";
import { startSlack, type SlackStandIn } from "../../examples/stand-ins/slack.ts";
import { createEgress } from "../../src/adapters/egress/egress.ts";
import { findSecret } from "../../src/signals/redact.ts";
import { NO_REGISTRIES } from "../../src/adapters/images/image-registries.ts";
import { createExecutors } from "../../src/adapters/executors/registry.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Credentials } from "../../src/wire/contracts/credentials.ts";
import type { Executor } from "../../src/wire/contracts/executor.ts";
import { executorsConfigSchema } from "../../src/wire/schemas/executors-config.ts";
import { TestClock, type Stage } from "./contract.ts";

export const ROUTING_KEY = "0123456789abcdef-ROUTING-KEY-fed";
export const OPERATIONS_TOKEN = "operations-token-fedcba";
export const SLACK_TOKEN = "xoxb-plain-TOKEN-0123456789";
export const PASSWORD = 'Pa55 "word" with spaces';
export const CLIENT_SECRET = "client+secret/with=signs&more";

export const PAGERDUTY_TOKEN = "u+pagerduty-REST-token-01";

const SECRETS: Readonly<Record<string, string>> = {
  "pagerduty/default": ROUTING_KEY,
  "pagerduty/api-token": PAGERDUTY_TOKEN,
  "servicenow/password": PASSWORD,
  "servicenow/client-secret": CLIENT_SECRET,
  "http/cart": OPERATIONS_TOKEN,
  "slack/token": SLACK_TOKEN,
};

export function credentialsFrom(secrets: Readonly<Record<string, string>>): Credentials {
  return {
    get: (ref) => {
      const secret = secrets[ref];
      return secret === undefined ? Promise.reject(new Error(`no secret ${ref}`)) : Promise.resolve(secret);
    },
  };
}

export interface Wanted {
  readonly kind: string;
  readonly config: unknown;
  readonly clock: TestClock;
  readonly secrets?: Readonly<Record<string, string>>;
}

export function buildExecutor({ kind, config, clock, secrets = SECRETS }: Wanted): Executor {
  const parsed = executorsConfigSchema.parse(config);
  const credentials = credentialsFrom(secrets);
  const urls = [
    parsed.pagerduty?.baseUrl,
    parsed.pagerduty?.api?.baseUrl,
    parsed.servicenow?.baseUrl,
    parsed.majorIncident?.bridge.baseUrl,
    parsed.slack?.baseUrl,
    parsed.github?.baseUrl,
    parsed.argocd?.baseUrl,
  ];
  const operations = parsed.http?.operations.map(({ baseUrl }) => baseUrl) ?? [];
  const allow = [...urls, ...operations].filter((url) => url !== undefined).map((url) => new URL(url).origin);
  const parts = { config: parsed, credentials, egress: createEgress({ allow }), clock };
  const executor = createExecutors({
    ...parts,
    installation: "holdpoint.test/log",
    findSecret,
    pinImage: NO_REGISTRIES.pin,
    hidden: [],
    records: "",
  }).get(kind);
  if (executor === undefined) throw new Error(`no executor for ${kind}`);
  return executor;
}

export const TRIGGER_ARGS: JsonObject = {
  dedupKey: "holdpoint.test/log:inc_000000002",
  summary: "cart: error rate above 5 %",
  severity: "high",
  component: "checkout",
  details: { signals: ["sig_000000001"], classification: { severity: "high", confidencePpm: 910_000 } },
};

export const CREATE_ARGS: JsonObject = {
  shortDescription: "cart: error rate above 5 %",
  description: "Alertmanager says so.\nTwice.",
  urgency: 2,
  impact: 3,
  team: "payments",
};

export type PagerdutyStage = Stage & { readonly pagerduty: PagerdutyStandIn };

export async function pagerdutyStage(
  kind: string,
  check?: (body: unknown) => readonly string[],
): Promise<PagerdutyStage> {
  const pagerduty = await startPagerduty({ routingKeys: [ROUTING_KEY], ...(check === undefined ? {} : { check }) });
  const clock = new TestClock();
  const config = { pagerduty: { baseUrl: pagerduty.url, integrations: ["default"] } };
  const dedupKey = TRIGGER_ARGS["dedupKey"] ?? "";
  return {
    clock,
    kind,
    args: kind === "pagerduty.trigger" ? TRIGGER_ARGS : { dedupKey },
    build: () => buildExecutor({ kind, config, clock }),
    buildWithoutSecrets: () => buildExecutor({ kind, config, clock, secrets: {} }),
    // A resolve without an open alert changes nothing; what counts is that it arrived, however often.
    effects: () => (kind === "pagerduty.trigger" ? pagerduty.incidents.length : Math.min(pagerduty.events.length, 1)),
    complaints: () => pagerduty.refusals,
    standIn: pagerduty,
    pagerduty,
    write: { method: "POST", path: "/v2/enqueue" },
    secrets: [ROUTING_KEY],
    close: () => pagerduty.close(),
  };
}

export const PAGERDUTY_USER = { id: "PHOLDPNT", email: "holdpoint@example.com" };

/** An incident that is open at PagerDuty, and what is done with it over REST. */
export async function pagerdutyIncidentStage(
  kind: string,
  { args, hidesRequests = false }: { readonly args: JsonObject; readonly hidesRequests?: boolean },
): Promise<PagerdutyStage & { readonly work: WorkedOn }> {
  const users = { [PAGERDUTY_USER.id]: PAGERDUTY_USER.email };
  const pagerduty = await startPagerduty({ rest: { token: PAGERDUTY_TOKEN, users, hidesRequests } });
  const work = pagerduty.page("cart-is-slow");
  const clock = new TestClock();
  const responders = { dba: { users: ["PDBA0001"], escalationPolicies: ["PSECOND"] }, legal: { users: ["PLEGAL01"] } };
  const escalationPolicies = { first: "PFIRST0", second: "PSECOND" };
  const api = { baseUrl: pagerduty.url, user: PAGERDUTY_USER, escalationPolicies, responders };
  const config = { pagerduty: { baseUrl: pagerduty.url, integrations: ["default"], api } };
  return {
    clock,
    kind,
    args: { incident: work.id, ...args },
    build: () => buildExecutor({ kind, config, clock }),
    buildWithoutSecrets: () => buildExecutor({ kind, config, clock, secrets: {} }),
    effects: () => [work.notes, work.escalations, work.requests, work.updates, work.snoozed].flat().length,
    complaints: () => pagerduty.refusals,
    standIn: pagerduty,
    pagerduty,
    work,
    write: { method: kind === "pagerduty.escalate" ? "PUT" : "POST", path: `/incidents/${work.id}` },
    probe: { method: "GET", path: "/users" },
    secrets: [PAGERDUTY_TOKEN],
    close: () => pagerduty.close(),
  };
}

export async function operationsStage(): Promise<Stage> {
  const operations = await startOperations({ token: OPERATIONS_TOKEN });
  const clock = new TestClock();
  const target = { environment: "production", service: "cart", baseUrl: operations.url, tokenRef: "http/cart" };
  const drain = { ...target, name: "drain", path: "/drain", repeat: "idempotent", undo: "fill" };
  const fill = { ...target, name: "fill", path: "/fill", repeat: "idempotent", undo: "drain" };
  const configFor = (more: object = {}) => ({
    http: { operations: [drain, fill].map((one) => ({ ...one, ...more })) },
  });
  const config = configFor();
  const kind = "http.call";
  return {
    clock,
    kind,
    args: { operation: "drain", body: { percent: 50 } },
    build: () => buildExecutor({ kind, config, clock }),
    buildFor: (target) => buildExecutor({ kind, config: configFor(target), clock }),
    buildWithoutSecrets: () => buildExecutor({ kind, config, clock, secrets: {} }),
    effects: () => operations.done.filter(({ path }) => path === "/drain").length,
    complaints: () => operations.complaints,
    standIn: operations,
    write: { method: "POST", path: "/drain" },
    secrets: [OPERATIONS_TOKEN],
    close: () => operations.close(),
  };
}

export async function slackStage(): Promise<Stage & { readonly slack: SlackStandIn }> {
  const slack = await startSlack({ token: SLACK_TOKEN });
  const channel = slack.makeChannel("ops", true);
  const clock = new TestClock();
  const kind = "slack.message";
  const config = { slack: { baseUrl: slack.url, channels: { ops: channel.id } } };
  return {
    clock,
    kind,
    args: { channel: "ops", text: "<!channel> cart is slow & *nobody* knows why\n<https://evil.test|click>" },
    build: () => buildExecutor({ kind, config, clock }),
    buildWithoutSecrets: () => buildExecutor({ kind, config, clock, secrets: {} }),
    effects: () => channel.messages.length,
    complaints: () => slack.complaints,
    standIn: slack,
    slack,
    write: { method: "POST", path: "/api/chat.postMessage" },
    probe: { method: "POST", path: "/api/auth.test" },
    secrets: [SLACK_TOKEN],
    close: () => slack.close(),
  };
}

export const TEMPLATE = "7".repeat(32);
/** A standard change: made elsewhere than other records, and answered otherwise. */
const CHANGE_ARGS: JsonObject = {
  type: "standard",
  template: "restart",
  shortDescription: "Restart cart",
  team: "payments",
  start: "2026-09-21T14:00:00Z",
  end: "2026-09-21T15:00:00Z",
};

export type ServicenowStage = Stage & { readonly servicenow: ServicenowStandIn };

type ServicenowSetup = {
  readonly kind: string;
  readonly login: "basic" | "oauth";
  readonly options?: ServicenowOptions;
};

export async function servicenowStage({ kind, login, options = {} }: ServicenowSetup): Promise<ServicenowStage> {
  const isChange = kind === "servicenow.change.create";
  const secrets = { password: PASSWORD, clientSecret: CLIENT_SECRET };
  const servicenow = await startServicenow({ ...secrets, templates: [TEMPLATE], ...options });
  const clock = new TestClock();
  const auth = login === "basic" ? { kind: "basic", user: "holdpoint" } : { kind: "oauth", clientId: "holdpoint" };
  const assignmentGroups = { payments: "0123456789abcdef0123456789abcdef" };
  const changeTemplates = { restart: TEMPLATE };
  const config = { servicenow: { baseUrl: servicenow.url, auth, assignmentGroups, changeTemplates } };
  const isCreate = kind === "servicenow.incident.create";
  const build = (): Executor => buildExecutor({ kind, config, clock });
  const sysId = isCreate || isChange ? "" : await existingIncident(servicenow);
  return {
    clock,
    kind,
    args: isCreate
      ? CREATE_ARGS
      : isChange
        ? CHANGE_ARGS
        : { sysId, fields: { state: 2, shortDescription: "cart: being looked at" } },
    build,
    buildWithoutSecrets: () => buildExecutor({ kind, config, clock, secrets: {} }),
    effects() {
      if (isChange) return servicenow.changes.length;
      return isCreate ? servicenow.incidents.length : Number(servicenow.incidents[0]?.["sys_mod_count"]);
    },
    complaints: () => servicenow.complaints,
    standIn: servicenow,
    servicenow,
    write: isChange
      ? { method: "POST", path: "/api/sn_chg_rest/change/standard" }
      : { method: isCreate ? "POST" : "PATCH", path: "/api/now/table/incident" },
    probe: { method: "GET", path: "/api/now/table/incident" },
    secrets: [PASSWORD, CLIENT_SECRET],
    close: () => servicenow.close(),
  };
}

/** Opened by somebody by hand, so that there is something to change. */
async function existingIncident(servicenow: ServicenowStandIn): Promise<string> {
  const sysId = "a".repeat(32);
  const fields = {
    state: "1",
    short_description: "cart is slow",
    urgency: "3",
    impact: "3",
    close_code: "",
    description: "",
  };
  const rest = { close_notes: "", assignment_group: "", work_notes: "", correlation_id: "by-hand-1" };
  const system = { sys_id: sysId, number: "INC0010001", sys_mod_count: "0", sys_updated_on: "2026-09-21 10:00:00" };
  (servicenow.incidents as Record<string, string>[]).push({ ...fields, ...rest, ...system });
  return Promise.resolve(sysId);
}
