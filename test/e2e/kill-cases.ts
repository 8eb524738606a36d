// Every executor before its stand-in, each with actions of its kinds and what of them is to be found at the target.

import { startArgocd } from "../../examples/stand-ins/argocd.ts";
import { startGithub } from "../../examples/stand-ins/github.ts";
import { startOperations } from "../../examples/stand-ins/operations.ts";
import { startPagerduty } from "../../examples/stand-ins/pagerduty.ts";
import { startServicenow } from "../../examples/stand-ins/servicenow.ts";
import { startSlack } from "../../examples/stand-ins/slack.ts";
import { startPostgresServer } from "../stores/postgres-server.ts";
import { startFront, startTcpFront, type Front } from "./kill-fronts.ts";

const TOKEN = "stand-in-TOKEN-0123456789";
const ROUTING_KEY = "0123456789abcdef0123456789abcdef";
const PASSWORD = "stand-in-password";
export const TARGET = { environment: "staging", service: "web" };
const COMMITS = ["a", "b", "c"].map((letter) => letter.repeat(40));

/** One action for one round: what is proposed, and how often it took effect, which is asked at the end. */
export interface Prepared {
  readonly args: Readonly<Record<string, unknown>>;
  effects(): number | Promise<number>;
}

export interface Case {
  readonly kind: string;
  /** `neither`: what nobody can tell is left to people. */
  readonly repeat: "settled" | "neither";
  readonly fronts: readonly Front[];
  /** The message that changes something. */
  readonly write: RegExp;
  prepare(name: string): Prepared | Promise<Prepared>;
}

export interface Targets {
  readonly executors: object;
  readonly secrets: Readonly<Record<string, string>>;
  /** What runs at one time: no two of them share a target. */
  readonly waves: readonly (readonly Case[])[];
  complaints(): readonly string[];
  close(): Promise<void>;
}

type Part = { readonly cases: readonly Case[]; readonly complaints: () => readonly string[]; close(): Promise<void> };

async function pagerdutyPart() {
  const pagerduty = await startPagerduty();
  const front = await startFront(pagerduty.url);
  const trigger: Case = {
    kind: "pagerduty.trigger",
    write: /^POST /,
    repeat: "settled",
    fronts: [front],
    prepare: (name) => ({
      args: { dedupKey: name, summary: "web is down", severity: "high" },
      effects: () => pagerduty.incidents.filter(({ dedupKey }) => dedupKey === name).length,
    }),
  };
  const resolve: Case = {
    kind: "pagerduty.resolve",
    write: /^POST /,
    repeat: "settled",
    fronts: [front],
    prepare: (name) => ({
      args: { dedupKey: name },
      effects: () => Math.min(1, pagerduty.events.filter(({ dedup_key: key }) => key === name).length),
    }),
  };
  const config = { baseUrl: front.url, integrations: ["default"] };
  return {
    config,
    cases: [trigger, resolve],
    complaints: () => pagerduty.refusals,
    close: () => pagerduty.close(),
    front,
  };
}

async function servicenowPart() {
  const servicenow = await startServicenow({ password: PASSWORD });
  const front = await startFront(servicenow.url);
  const records = servicenow.incidents as Record<string, string>[];
  const create: Case = {
    kind: "servicenow.incident.create",
    write: /^POST /,
    repeat: "settled",
    fronts: [front],
    prepare: (name) => ({
      args: { shortDescription: name, urgency: 2, impact: 3 },
      effects: () => records.filter((one) => one["short_description"] === name).length,
    }),
  };
  const update: Case = {
    kind: "servicenow.incident.update",
    write: /^PATCH /,
    repeat: "settled",
    fronts: [front],
    prepare: (name) => {
      const sysId = records.length.toString(16).padStart(32, "0");
      const record: Record<string, string> = {
        sys_id: sysId,
        number: `INC${records.length}`,
        short_description: "by hand",
      };
      const empty = ["close_code", "close_notes", "description", "assignment_group", "work_notes", "correlation_id"];
      for (const field of empty) record[field] = "";
      Object.assign(record, { state: "1", urgency: "3", impact: "3" });
      Object.assign(record, { sys_mod_count: "0", sys_updated_on: "2026-09-21 10:00:00" });
      records.push(record);
      const args = { sysId, fields: { shortDescription: name } };
      return { args, effects: () => Number(record["sys_mod_count"]) };
    },
  };
  const config = { baseUrl: front.url, auth: { kind: "basic", user: "holdpoint" }, settleMs: 100 };
  return {
    config,
    cases: [create, update],
    complaints: () => servicenow.complaints,
    close: () => servicenow.close(),
    front,
    records,
  };
}

async function slackPart() {
  const slack = await startSlack({ token: TOKEN });
  const channel = slack.makeChannel("ops", true);
  const front = await startFront(slack.url);
  const message: Case = {
    kind: "slack.message",
    write: /chat\.postMessage/,
    repeat: "settled",
    fronts: [front],
    prepare: (name) => ({
      args: { channel: "ops", text: name },
      effects: () => channel.messages.filter(({ text }) => text.includes(`\n${name}\n`)).length,
    }),
  };
  const config = { baseUrl: front.url, channels: { ops: channel.id }, settleMs: 100 };
  return { config, cases: [message], complaints: () => slack.complaints, close: () => slack.close(), front, slack };
}

async function githubPart() {
  const files = { "README.md": "# web\n", "deploy/web.yaml": "replicas: 2\n" };
  const github = await startGithub({ token: TOKEN, files, collaborators: ["grace"] });
  const front = await startFront(github.url);
  const open: Case = {
    kind: "github.pull-request",
    write: /^POST .*\/pulls$/,
    repeat: "settled",
    fronts: [front],
    prepare: (name) => ({
      args: {
        repository: "web",
        title: name,
        files: [{ path: `deploy/${name}.yaml`, content: "new\n" }],
        reviewers: ["grace"],
      },
      effects: () => github.pulls.filter(({ title }) => title === name).length,
    }),
  };
  const merge: Case = {
    kind: "github.merge",
    write: /^PUT /,
    repeat: "settled",
    fronts: [front],
    prepare: (name) => {
      const pull = github.propose(name, { title: name, files: { [`deploy/${name}.yaml`]: "by hand\n" } });
      github.review(pull.number, "grace");
      return { args: { repository: "web", number: pull.number }, effects: () => (pull.mergedAt === null ? 0 : 1) };
    },
  };
  const dispatch: Case = {
    kind: "github.dispatch",
    write: /^POST .*dispatches$/,
    repeat: "neither",
    fronts: [front],
    prepare: (name) => ({
      args: { repository: "web", workflow: "deploy", inputs: { version: name } },
      effects: () => github.runs.filter(({ inputs }) => inputs["version"] === name).length,
    }),
  };
  const deploy = { name: "deploy", file: "deploy.yaml", inputs: ["version"], undo: "back" };
  const workflows = [deploy, { name: "back", file: "back.yaml", inputs: ["version"] }];
  const repository = { ...TARGET, name: "web", repository: "acme/shop", paths: ["deploy/"], workflows };
  const config = { baseUrl: front.url, repositories: [repository] };
  return {
    config,
    cases: [open, merge, dispatch],
    complaints: () => github.complaints,
    close: () => github.close(),
    front,
  };
}

async function httpPart() {
  const operations = await startOperations({ token: TOKEN });
  const front = await startFront(operations.url);
  const callOf = (kind: string, repeat: Case["repeat"], operation: string): Case => ({
    kind,
    repeat,
    write: /^POST /,
    fronts: [front],
    prepare: (name) => ({
      args: { operation, body: { name } },
      effects: () => operations.done.filter(({ body }) => body.includes(`"${name}"`)).length,
    }),
  });
  const shared = { ...TARGET, baseUrl: front.url, tokenRef: "http/web", undo: "back" };
  const config = {
    operations: [
      { ...shared, name: "drain", path: "/drain", repeat: "idempotent" },
      { ...shared, name: "fail-over", path: "/fail-over" },
      { ...shared, name: "back", path: "/back", repeat: "idempotent", undo: "drain" },
    ],
  };
  const cases = [callOf("http.call", "settled", "drain"), callOf("http.call-once", "neither", "fail-over")];
  return { config, cases, complaints: () => operations.complaints, close: () => operations.close(), front };
}

async function argocdPart() {
  const commits = Object.fromEntries(COMMITS.map((commit, n) => [commit, [deploymentOf(n)]]));
  const argocd = await startArgocd({ token: TOKEN, commits });
  argocd.ending.looks = 0;
  for (const commit of COMMITS.slice(0, 2)) argocd.deploy(commit);
  const front = await startFront(argocd.url);
  const caseOf = (kind: string, argsOf: () => object): Case => ({
    kind,
    repeat: "settled",
    write: /^POST /,
    fronts: [front],
    prepare: () => {
      const before = argocd.begun.length;
      return { args: { application: "web", ...argsOf() }, effects: () => argocd.begun.length - before };
    },
  });
  let turns = 0;
  const cases = [
    caseOf("argocd.sync", () => ({ revision: COMMITS[++turns % COMMITS.length] })),
    caseOf("argocd.rollback", () => ({})),
  ];
  const application = { ...TARGET, name: "web", application: "cart", project: "shop" };
  const config = { baseUrl: front.url, applications: [application], settleMs: 100 };
  return { config, cases, complaints: () => argocd.complaints, close: () => argocd.close(), front };
}

function deploymentOf(replicas: number): Record<string, unknown> {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "shop" },
    spec: { replicas },
  };
}

async function sqlPart() {
  const postgres = await startPostgresServer();
  await postgres.query("create table orders (id bigserial primary key)");
  const front = await startTcpFront(postgres.port);
  const migrate: Case = {
    kind: "sql.migrate",
    write: /commit/i,
    repeat: "settled",
    fronts: [front],
    prepare: (name) => {
      const column = name.replaceAll("-", "_");
      const there = `select 1 from information_schema.columns where table_name = 'orders' and column_name = '${column}'`;
      return {
        args: { database: "web", statements: `alter table orders add column ${column} int` },
        effects: async () => (await postgres.query(there)).rows.length,
      };
    },
  };
  const at = { host: "127.0.0.1", port: front.port, tls: "off", passwordRef: "sql/web" };
  const config = { databases: [{ ...TARGET, name: "web", database: "postgres", user: "postgres", ...at }] };
  return { config, cases: [migrate], complaints: () => [], close: () => postgres.stop(), front };
}

export async function openTargets(): Promise<Targets> {
  const [pagerduty, servicenow, slack, github, http, argocd, sql] = await Promise.all([
    pagerdutyPart(),
    servicenowPart(),
    slackPart(),
    githubPart(),
    httpPart(),
    argocdPart(),
    sqlPart(),
  ]);
  let majors = 0;
  const major: Case = {
    kind: "incident.declare-major",
    write: /conversations\.create/,
    repeat: "settled",
    fronts: [servicenow.front, slack.front],
    prepare: (name) => {
      const incident = `inc_${String(++majors).padStart(9, "0")}`;
      const records = (): number =>
        servicenow.records.filter((one) => one["correlation_id"]?.endsWith(`${incident}:major`) === true).length;
      const args = { incident, title: name, severity: "sev1", summary: "Two sources say so." };
      return {
        args,
        effects: () => Math.max(records(), slack.slack.channels.filter((one) => one.topic?.includes(name)).length),
      };
    },
  };
  const responders = { default: { users: ["U0DEFAULT"] } };
  const bridge = { kind: "slack", baseUrl: slack.front.url, settleMs: 100 };
  const parts: readonly (Part & { readonly front: Front })[] = [
    pagerduty,
    servicenow,
    slack,
    github,
    http,
    argocd,
    sql,
  ];
  const waves = [0, 1, 2].map((n) => parts.flatMap(({ cases }) => cases[n] ?? []));
  return {
    executors: {
      pagerduty: pagerduty.config,
      servicenow: servicenow.config,
      slack: slack.config,
      majorIncident: { bridge, responders },
      github: github.config,
      http: http.config,
      argocd: argocd.config,
      sql: sql.config,
    },
    secrets: {
      "pagerduty/default": ROUTING_KEY,
      "servicenow/password": PASSWORD,
      "slack/token": TOKEN,
      "github/token": TOKEN,
      "argocd/token": TOKEN,
      "http/web": TOKEN,
      "sql/web": "test",
    },
    waves: waves.map((wave, n) => (n === 2 ? [...wave, major] : wave)),
    complaints: () => parts.flatMap((part) => part.complaints()),
    close: async () => {
      for (const { front } of parts) front.close();
      await Promise.all(parts.map((part) => part.close()));
    },
  };
}
