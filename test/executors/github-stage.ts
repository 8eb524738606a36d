// A repository, an executor between, and GitHub's own description of its API to hold both to.

import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { ValidateFunction } from "ajv";
import type { GithubStandIn } from "../../examples/stand-ins/github-shapes.ts";
import { startGithub } from "../../examples/stand-ins/github.ts";
import type { Received, Reply } from "../../examples/stand-ins/stand-in.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import type { Executor, Plan, StepOutcome } from "../../src/wire/contracts/executor.ts";
import { executeRequest, never, planRequest, TestClock, type Stage } from "./contract.ts";
import { buildExecutor } from "./fixture.ts";

export const TOKEN = "github_pat_secret-TOKEN-0123456789";
const PAIR = generateKeyPairSync("rsa", { modulusLength: 2048 });
export const APP_KEY = PAIR.privateKey.export({ type: "pkcs1", format: "pem" }).toString();
const APP_ID = "Iv23liHoldpoint";
const FILES = {
  "README.md": "# shop\n",
  "deploy/cart.yaml": "replicas: 2\nimage: cart:1\n",
  "deploy/old.yaml": "old\n",
};

type Operation = {
  readonly parameters: readonly JsonObject[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonObject }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: JsonObject }>> }>
  >;
};
type Description = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly parameters: Readonly<Record<string, JsonObject>> };
};

const published = JSON.parse(readFileSync(new URL("github-openapi.json", import.meta.url), "utf8")) as JsonObject;
const description = published as unknown as Description;
const templates = Object.keys(description.paths).map((path) => ({
  path,
  pattern: new RegExp(`^${path.replaceAll(/\{(ref|path)\}/g, ".+").replaceAll(/\{\w+\}/g, "[^/]+")}$`),
}));

/** A stand-in leaves most of an answer out; what it gives has to be as GitHub gives it, and nothing else. */
function withoutRequired(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutRequired);
  if (typeof value !== "object" || value === null) return value;
  const { required: _required, ...rest } = value as JsonObject;
  const members = Object.fromEntries(Object.entries(rest).map(([key, one]) => [key, withoutRequired(one)]));
  return "properties" in members && !("allOf" in members) ? { ...members, additionalProperties: false } : members;
}

const requests = new Ajv2020({ strict: false, validateFormats: false });
requests.addSchema({ $id: "github", ...description });
const answers = new Ajv2020({ strict: false, validateFormats: false });
const lenient = withoutRequired(published) as JsonObject;
answers.addSchema({ $id: "github", ...lenient });
const compiled = new Map<string, ValidateFunction>();

function validator(ajv: Ajv2020, parts: readonly string[]): ValidateFunction {
  const pointer = parts.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/");
  const key = `${ajv === answers} ${pointer}`;
  const known = compiled.get(key) ?? ajv.compile({ $ref: `github#/${pointer}` });
  compiled.set(key, known);
  return known;
}

function problems(of: ValidateFunction, value: unknown, what: string): readonly string[] {
  if (of(value)) return [];
  return (of.errors ?? []).map(
    (error) => `${what} ${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`,
  );
}

/** What GitHub's description says is wrong with a request or with its answer. */
export function checkByDescription(request: Received, reply: Reply): readonly string[] {
  const found = templates.filter(({ pattern }) => pattern.test(decodeURIComponent(request.path)));
  const template = found.sort((a, b) => a.path.split("{").length - b.path.split("{").length)[0];
  const method = request.method.toLowerCase();
  const operation = template === undefined ? undefined : description.paths[template.path]?.[method];
  if (template === undefined || operation === undefined) return [`no such operation: ${method} ${request.path}`];
  const at = ["paths", template.path, method];
  const what = `${method} ${template.path}`;
  const known = new Set(operation.parameters.map((one) => nameOf(one)));
  const unknown = [...request.query.keys()].filter((name) => !known.has(name));
  const body = operation.requestBody === undefined ? undefined : (JSON.parse(request.body || "null") as unknown);
  const sent =
    body === undefined ? [] : validator(requests, [...at, "requestBody", "content", "application/json", "schema"]);
  const isListed = operation.responses[String(reply.status)]?.content?.["application/json"] !== undefined;
  const given = [...at, "responses", String(reply.status), "content", "application/json", "schema"];
  return [
    ...unknown.map((name) => `${what}: no query parameter ${name}`),
    ...(typeof sent === "function" ? problems(sent, body, `${what} request`) : []),
    ...(isListed ? problems(validator(answers, given), reply.json, `${what} answer`) : []),
    ...(reply.status < 300 && operation.responses[String(reply.status)] === undefined
      ? [`${what}: ${reply.status}`]
      : []),
  ];
}

function nameOf(parameter: JsonObject): string {
  const ref = parameter["$ref"];
  const named = typeof ref === "string" ? description.components.parameters[ref.split("/").at(-1) ?? ""] : parameter;
  return String((named as { readonly name?: string } | undefined)?.name);
}

export type GithubStage = Stage & { readonly github: GithubStandIn };

export const PULL_ARGS: JsonObject = {
  repository: "shop",
  title: "Give cart more room",
  body: "Memory is short, says @everyone; see #12.",
  files: [
    { path: "deploy/cart.yaml", content: "replicas: 4\nimage: cart:1\n" },
    { path: "deploy/new.yaml", content: "new\n" },
    { path: "deploy/old.yaml", content: null },
  ],
  labels: ["remediation"],
  reviewers: ["grace"],
};

/** What an App was given at its installation, where it can do all that the executor does. */
const GRANTED = { metadata: "read", contents: "write", pull_requests: "write", actions: "write" };

export interface GithubSetup {
  /** By an App at an Enterprise Server, or by a token at github.com. */
  readonly login: "app" | "token";
  readonly granted?: Readonly<Record<string, string>>;
  readonly installation?: "none" | "suspended";
  readonly key?: string;
  /** What the repository holds, and which of it may be changed. */
  readonly files?: Readonly<Record<string, string>>;
  readonly paths?: readonly string[];
  /** The repository holds another service's files too. */
  readonly isShared?: boolean;
  /** Who reviews. */
  readonly people?: Readonly<Record<string, string>>;
}

export async function githubStage(
  kind = "github.pull-request",
  {
    login,
    granted = GRANTED,
    installation,
    key = APP_KEY,
    files = FILES,
    paths = ["deploy/"],
    isShared = false,
    people,
  }: GithubSetup = {
    login: "token",
  },
): Promise<GithubStage> {
  const clock = new TestClock();
  const publicKey = PAIR.publicKey.export({ type: "spki", format: "pem" }).toString();
  const ofApp = { permissions: granted, ...(installation === undefined ? {} : { installation }) };
  const app = { id: APP_ID, publicKey, ...ofApp, nowMs: () => clock.nowMs() };
  const isApp = login === "app";
  const prefix = isApp ? "/api/v3" : "";
  const options = { files, collaborators: ["grace", "ada"], check: checkByDescription };
  const github = await startGithub(isApp ? { ...options, app, prefix } : { ...options, token: TOKEN });
  const place = { name: "shop", environment: "production", service: "cart", repository: "acme/shop" };
  const asks = { paths, labels: ["holdpoint"], reviewers: ["ada"] };
  const deploy = { name: "deploy", file: "deploy.yaml", inputs: ["version", "reason"], undo: "roll-back" };
  const workflows = [deploy, { name: "roll-back", file: "roll-back.yaml", inputs: ["version"] }];
  const other = { ...place, name: "billing", service: "billing", paths: ["billing/"] };
  const repositories = [...(isShared ? [other] : []), { ...place, ...asks, workflows }];
  const baseUrl = `${github.url}${prefix}`;
  const configFor = (owner: object) => {
    const given = repositories.map((one) => ({ ...one, ...owner }));
    return { github: { baseUrl, repositories: given, ...(isApp ? { app: { id: APP_ID } } : {}), people } };
  };
  const config = configFor({});
  const secrets = isApp ? { "github/app-key": key } : { "github/token": TOKEN };
  const number = kind === "github.merge" ? openByHand(github) : 0;
  return {
    clock,
    kind,
    args: kind === "github.merge" ? { repository: "shop", number } : PULL_ARGS,
    build: () => buildExecutor({ kind, config, clock, secrets }),
    buildFor: (target) => buildExecutor({ kind, config: configFor(target), clock, secrets }),
    buildWithoutSecrets: () => buildExecutor({ kind, config, clock, secrets: {} }),
    effects: () =>
      (kind === "github.merge" ? github.pulls.filter(({ mergedAt }) => mergedAt !== null) : github.pulls).length,
    complaints: () => github.complaints,
    standIn: github,
    write:
      kind === "github.merge"
        ? { method: "PUT", path: `${prefix}/repos` }
        : { method: "POST", path: `${prefix}/repos/acme/shop/pulls` },
    probe: { method: "GET", path: `${prefix}/repos/acme/shop` },
    secrets: isApp ? ["ghs_stand-in-secret", ...APP_KEY.split("\n").slice(1, 20)] : [TOKEN],
    github,
    close: () => github.close(),
  };
}

export function planOf(executor: Executor, kind: string, args: JsonObject, actionId?: string): Promise<Plan> {
  return executor.plan(planRequest({ kind, args }, actionId), never);
}

export function runPlan(executor: Executor, plan: Plan): Promise<StepOutcome> {
  return executor.execute(executeRequest(plan, 30_000), never);
}

/** The code of what did not succeed, or the status. */
export const codeOf = (outcome: StepOutcome): string => ("code" in outcome ? outcome.code : outcome.status);

/** A pull request of somebody's, approved by somebody else. */
function openByHand(github: GithubStandIn): number {
  github.propose("change", { title: "More replicas", files: { "deploy/cart.yaml": "replicas: 8\n" } });
  github.review(1, "grace");
  return 1;
}
