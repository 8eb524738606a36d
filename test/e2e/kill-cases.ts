// Every executor before its stand-in, each with actions of its kinds and what of them is to be found at the target.

import { startArgocd } from "../../examples/stand-ins/argocd.ts";
import { startOperations } from "../../examples/stand-ins/operations.ts";
import { startPostgresServer } from "../stores/postgres-server.ts";
import { TARGET, PASSWORD, TOKEN, type Case, type Part } from "./kill-case.ts";
import { startFront, startTcpFront } from "./kill-fronts.ts";
import { absent, kubernetesPart } from "./kill-cluster.ts";
import { runbookPart, STATE_KEY, terraformPart } from "./kill-programs.ts";
import { githubPart, pagerdutyPart, servicenowPart, slackPart } from "./kill-vendors.ts";

const ROUTING_KEY = "0123456789abcdef0123456789abcdef";
const COMMITS = ["a", "b", "c"].map((letter) => letter.repeat(40));

export interface Targets {
  readonly executors: object;
  readonly secrets: Readonly<Record<string, string>>;
  /** What runs at one time: no two of them share a target. */
  readonly waves: readonly (readonly Case[])[];
  complaints(): readonly string[];
  close(): Promise<void>;
}

async function httpPart(): Promise<Part> {
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
  const close = (): Promise<void> => operations.close();
  return { config: { http: config }, cases, fronts: [front], complaints: () => operations.complaints, close };
}

async function argocdPart(): Promise<Part> {
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
  const close = (): Promise<void> => argocd.close();
  return { config: { argocd: config }, cases, fronts: [front], complaints: () => argocd.complaints, close };
}

function deploymentOf(replicas: number): Record<string, unknown> {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "shop" },
    spec: { replicas },
  };
}

async function sqlPart(): Promise<Part> {
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
  const close = (): Promise<void> => postgres.stop();
  return { config: { sql: config }, cases: [migrate], fronts: [front], complaints: () => [], close };
}

type Vendors = {
  readonly servicenow: Awaited<ReturnType<typeof servicenowPart>>;
  readonly slack: Awaited<ReturnType<typeof slackPart>>;
};

/** Of both at once: declared, and taken back. */
function majorCases({ servicenow, slack }: Vendors): readonly Case[] {
  const fronts = [servicenow.front, slack.front];
  let majors = 0;
  const begin = (title: string) => {
    const incident = `inc_${String(++majors).padStart(9, "0")}`;
    return {
      args: { incident, title, severity: "sev1", summary: "Two sources say so." },
      records: () => servicenow.records.filter((one) => one["correlation_id"]?.endsWith(`${incident}:major`) === true),
      channels: () => slack.slack.channels.filter((one) => one.topic.endsWith(` ${title}`)),
    };
  };
  const declare: Case = {
    kind: "incident.declare-major",
    write: /conversations\.create/,
    repeat: "settled",
    fronts,
    prepare(name) {
      const { args, records, channels } = begin(name);
      return { args, effects: () => Math.max(records().length, channels().length) };
    },
  };
  const retract: Case = {
    kind: "incident.retract-major",
    write: /^PATCH /,
    repeat: "settled",
    fronts,
    prepare(name) {
      const { args, records, channels } = begin(name);
      // Both parts, and the record changed no more than once.
      const effects = (): number =>
        channels().every(({ isArchived }) => isArchived) ? Number(records()[0]?.["sys_mod_count"]) : 0;
      return { first: { kind: declare.kind, args }, args: { incident: args.incident }, effects };
    },
  };
  return [declare, retract];
}

export async function openTargets(): Promise<Targets> {
  const sql = await sqlPart(); // first: the one that may not start, and then nothing else is open
  const [servicenow, slack, ...others] = await Promise.all([
    servicenowPart(),
    slackPart(),
    pagerdutyPart(),
    githubPart(),
    httpPart(),
    argocdPart(),
    terraformPart(),
    runbookPart(),
    ...(absent === false ? [kubernetesPart()] : []),
  ]);
  const responders = { default: { users: ["U0DEFAULT"] } };
  const bridge = { kind: "slack", baseUrl: slack.front.url, settleMs: 100 };
  const parts: readonly Part[] = [servicenow, slack, sql, ...others];
  const named = parts.map(({ config }) => config);
  return {
    executors: Object.assign({ majorIncident: { bridge, responders } }, ...named) as object,
    secrets: {
      ...Object.fromEntries(parts.flatMap(({ secrets = {} }) => Object.entries(secrets))),
      "pagerduty/default": ROUTING_KEY,
      "pagerduty/api-token": TOKEN,
      "servicenow/password": PASSWORD,
      "slack/token": TOKEN,
      "github/token": TOKEN,
      "argocd/token": TOKEN,
      "http/web": TOKEN,
      "sql/web": "test",
      "tofu/state": STATE_KEY,
    },
    waves: wavesOf([...parts.flatMap(({ cases }) => cases), ...majorCases({ servicenow, slack })]),
    complaints: () => parts.flatMap((part) => part.complaints()),
    close: async () => {
      for (const front of parts.flatMap(({ fronts }) => fronts)) front.close();
      await Promise.all(parts.map((part) => part.close()));
    },
  };
}

/** As few as can be: each case goes into the first one in which nobody uses its way. */
function wavesOf(cases: readonly Case[]): readonly (readonly Case[])[] {
  const waves: Case[][] = [];
  for (const one of cases) {
    const isFree = (wave: readonly Case[]): boolean =>
      wave.every(({ fronts }) => fronts.every((front) => !one.fronts.includes(front)));
    const wave = waves.find(isFree);
    if (wave === undefined) waves.push([one]);
    else wave.push(one);
  }
  return waves;
}
