// A secret for every place of the configuration that can name one, and systems that repeat each as soon as they hear it.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { startStandIn, type Received, type Reply } from "../../examples/stand-ins/stand-in.ts";

const TOFU = new URL("../../examples/stand-ins/tofu.sh", import.meta.url);
const LINEAGE = "3f1d0a52-aaaa-bbbb-cccc-000000000001";

const plain = (prefix: string): string => `${prefix}-${randomBytes(12).toString("hex")}`;
const upper = (prefix: string): string => `${prefix}${randomBytes(8).toString("hex").toUpperCase()}`;
const keyOf = (): string =>
  generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const lineOf = (pem: string, line: number): string => pem.split("\n")[line] ?? "";

const VERTEX_KEY = keyOf();
const CERTIFICATE = generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }).toString();

/** Of those that a system is told, which repeats them. */
export const SAID = {
  argocd: plain("argo"),
  cluster: plain("k8s"),
  kubeconfig: plain("kubeconfig"),
  github: plain("github_pat"),
  routing: randomBytes(16).toString("hex"),
  pagerduty: `u+${plain("rest")}`,
  servicenow: `sn/${plain("client")}=`,
  slack: plain("xoxb"),
  bridge: plain("xoxb-bridge"),
  probe: plain("probe"),
  registry: plain("registry"),
  issuer: plain("oidc"),
  splunk: plain("splunk"),
  otlp: plain("otlp"),
  ocsf: plain("ocsf"),
  notifier: plain("xoxb-notifier"),
  feed: plain("prometheus"),
  fedCluster: plain("fed-k8s"),
  fedKubeconfig: plain("fed-kubeconfig"),
  pod: plain("service-account"),
  anthropic: plain("sk-ant"),
  session: plain("aws-session"),
  accessKey: upper("AKIA"),
  azure: plain("azure"),
  vllm: plain("vllm"),
  bedrockToken: plain("bedrock"),
  azureToken: plain("entra"),
  vertexToken: plain("ya29"),
  orders: plain("orders"),
  reader: plain("reader"),
  mail: plain("mail"),
  tofu: plain("tofu"),
  runbook: plain("runbook"),
} as const;

/** Of those that nobody is told: they sign, or stand in what a program reads. */
const UNSAID = {
  secretKey: upper("wJalr"),
  awsSecretKey: upper("kMdEn"),
  vertexKeyBegins: lineOf(VERTEX_KEY, 1),
  vertexKeyGoesOn: lineOf(VERTEX_KEY, 2),
  webhook: randomBytes(32).toString("base64"),
  signing: plain("slack-signing"),
  state: plain("in-the-state"),
  sensitive: plain("in-the-plan"),
} as const;

export const PLANTED = { ...SAID, ...UNSAID } as const;

const kubeconfig = (server: string, token: string): string =>
  JSON.stringify({
    "current-context": "main",
    contexts: [{ name: "main", context: { cluster: "main", user: "main" } }],
    clusters: [{ name: "main", cluster: { server } }],
    users: [{ name: "main", user: { token } }],
  });

/** What the secret of each reference is. */
export function secretsOf(url: string): Readonly<Record<string, string>> {
  const { accessKey, session } = SAID;
  const account = { type: "service_account", client_email: "holdpoint@project.iam.gserviceaccount.com" };
  const aws = { accessKeyId: accessKey, secretAccessKey: UNSAID.awsSecretKey, sessionToken: session };
  return {
    "argocd/token": SAID.argocd,
    "kubernetes/main": SAID.cluster,
    "kubernetes/file": kubeconfig(url, SAID.kubeconfig),
    "github/token": SAID.github,
    "pagerduty/leaky": SAID.routing,
    "pagerduty/leaky-api": SAID.pagerduty,
    "servicenow/client-secret": SAID.servicenow,
    "slack/leaky": SAID.slack,
    "slack/bridge": SAID.bridge,
    "health/probe": SAID.probe,
    "health/reader": SAID.reader,
    "sql/leaky": SAID.orders,
    "images/registry": SAID.registry,
    "oidc/corp": SAID.issuer,
    "splunk/hec-token": SAID.splunk,
    "otlp/header": `Bearer ${SAID.otlp}`,
    "ocsf/header": `Bearer ${SAID.ocsf}`,
    "aws/credentials": JSON.stringify(aws),
    "slack/notifier": SAID.notifier,
    "slack/signing": UNSAID.signing,
    "webhook/secret": `whsec_${UNSAID.webhook}`,
    "mail/password": SAID.mail,
    "feeds/prometheus": SAID.feed,
    "feeds/cluster": SAID.fedCluster,
    "feeds/file": kubeconfig(url, SAID.fedKubeconfig),
    "anthropic/api-key": SAID.anthropic,
    "bedrock/access-key-id": accessKey,
    "bedrock/secret-access-key": UNSAID.secretKey,
    "bedrock/session-token": session,
    "bedrock/token": SAID.bedrockToken,
    "azure/api-key": SAID.azure,
    "azure/token": SAID.azureToken,
    "vertex/service-account": JSON.stringify({ ...account, private_key: VERTEX_KEY, private_key_id: "key-1" }),
    "vertex/token": SAID.vertexToken,
    "vllm/api-key": SAID.vllm,
    "tofu/state": SAID.tofu,
    "runbook/secret": SAID.runbook,
  };
}

export interface LeakyPlaces {
  readonly url: string;
  readonly postgresPort: number;
  readonly mailPort: number;
  readonly folder: string;
}

export interface Leaky extends LeakyPlaces {
  readonly received: readonly Received[];
  /** All that was said to it. */
  heard(): string;
  close(): Promise<void>;
}

/** Says back all that it was told, in every form, and that it will not do it; as the systems it stands for say so. */
export async function startLeaky(): Promise<Leaky> {
  const http = await startStandIn({ act: refuse, report: () => null });
  const heard: string[] = [];
  const postgres = await startTcp(heard, postgresReplies);
  const mail = await startTcp(heard, mailReplies, "220 leaky ESMTP\r\n");
  const folder = makePrograms();
  return {
    url: http.url,
    received: http.received,
    postgresPort: postgres.port,
    mailPort: mail.port,
    folder,
    heard: () =>
      http.received.map(({ path, headers, body }) => `${path} ${said({ headers, body })}`).join("\n") + heard,
    close: async () => {
      await http.close();
      for (const one of [postgres, mail]) one.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function said({ headers, body }: Pick<Received, "headers" | "body">): string {
  const basic = /^Basic (.*)/.exec(headers.authorization ?? "")?.[1] ?? "";
  return [
    ...Object.values(headers),
    Buffer.from(basic, "base64").toString(),
    decodeURIComponent(body.replace(/%(?![0-9A-F]{2})/g, "%25")),
    body,
  ].join(" ");
}

function refuse(request: Received): Reply {
  const { path, headers } = request;
  const own = `http://${headers.host}/idp`;
  if (path.startsWith("/idp/.well-known")) {
    const places = { authorization_endpoint: `${own}/in`, token_endpoint: `${own}/token`, jwks_uri: `${own}/keys` };
    return { status: 200, json: { issuer: own, ...places, response_types_supported: ["code"] } };
  }
  const all = said(request);
  const token = /(?:Bearer|Splunk|Basic) (.*)/.exec(headers.authorization ?? "")?.[1] ?? "";
  const forms = [all, encodeURIComponent(all), Buffer.from(token).toString("base64")];
  const flat = { message: all, errors: forms, error_description: all, reason: all, errorType: all, detail: all };
  // Slack answers with success, and Kubernetes with a Status.
  if (/^\/api\/[a-z]+\./.test(path)) return { status: 200, json: { ...flat, ok: false, error: all, needed: all } };
  const isFlat = /^\/(?:api|apis|idp|token|oauth_token\.do)\b/.test(path);
  const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code: 400 };
  return { status: 400, json: { ...flat, ...status, error: isFlat ? all : { message: all, detail: forms.join(" ") } } };
}

type Answering = (said: Buffer) => string | Buffer | null;

async function startTcp(heard: string[], reply: Answering, greeting = ""): Promise<{ port: number; close(): void }> {
  const server = createServer((socket) => {
    if (greeting !== "") socket.write(greeting);
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      const basic = / ([A-Za-z0-9+/=]{8,})\r?\n$/.exec(chunk.toString("latin1"))?.[1] ?? "";
      heard.push(chunk.toString("latin1"), Buffer.from(basic, "base64").toString("latin1"));
      const answer = reply(chunk);
      if (answer !== null) socket.write(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}

/** Asks for the password as it is, and repeats it (PostgreSQL's protocol 3.0, messages R and E). */
function postgresReplies(chunk: Buffer): Buffer {
  const message = (type: string, body: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(body.length + 4);
    return Buffer.concat([Buffer.from(type), length, body]);
  };
  if (chunk[0] !== "p".charCodeAt(0)) return message("R", Buffer.from([0, 0, 0, 3]));
  const password = chunk.subarray(5, -1).toString();
  const fields = ["SFATAL", "VFATAL", "CXX000", `Mno: ${password}`, `Dfor ${password}`].map((field) => `${field}\0`);
  return message("E", Buffer.from(`${fields.join("")}\0`));
}

function mailReplies(chunk: Buffer): string {
  const line = chunk.toString().trim();
  if (/^EHLO/i.test(line)) return "250-leaky\r\n250 AUTH PLAIN LOGIN\r\n";
  const word = line.split(" ").at(-1) ?? "";
  return `554 5.7.0 you said ${line}: ${Buffer.from(word, "base64").toString().replaceAll("\0", " ")}\r\n`;
}

/** Programs that repeat their secrets; not below /tmp, since a program has one of its own. */
function makePrograms(): string {
  const folder = mkdtempSync("/var/tmp/holdpoint-leaky-");
  chmodSync(folder, 0o755);
  const write = (name: string, text: string, mode: number): void => {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), mode);
  };
  const all = '$SECRET $(printf %s "$SECRET" | base64)';
  write("repeat", `#!/bin/bash\necho "${all}"\necho "${all}" >&2\nexit "$1"\n`, 0o755);
  const tofu = readFileSync(TOFU, "utf8").replaceAll("k3y-of-the-state", SAID.tofu);
  write("tofu", tofu.replaceAll("hunter2-of-the-state", UNSAID.state), 0o755);
  mkdirSync(join(folder, "work"));
  mkdirSync(join(folder, "plans"));
  mkdirSync(join(folder, "pod"));
  chmodSync(join(folder, "work"), 0o777);
  const outputs = { password: { value: UNSAID.state } };
  write("work/terraform.tfstate", JSON.stringify({ version: 4, serial: 7, lineage: LINEAGE, outputs }), 0o666);
  const sensitive = { before_sensitive: { key: true }, after_sensitive: { key: true }, after_unknown: {} };
  const change = { actions: ["update"], before: { key: "old", a: 1 }, after: { key: UNSAID.sensitive, a: 2 } };
  const resources = [{ address: "aws_lb.cart", change: { ...change, ...sensitive } }];
  const plan = { format_version: "1.2", terraform_version: "1.10.0", timestamp: "2026-09-21T10:00:00Z" };
  const text = JSON.stringify({ ...plan, resource_changes: resources });
  write("plans/fails.tfplan", `${LINEAGE}:7\n${text}\n!aws_lb.cart 0\n`, 0o644);
  write("pod/token", SAID.pod, 0o644);
  write("pod/ca.crt", CERTIFICATE, 0o644);
  return folder;
}

export const PLACE = { environment: "production", service: "cart" };

/** Every part of the configuration that names secrets, at the leaky ones. */
export function leakySettings({ url, postgresPort, mailPort, folder }: LeakyPlaces, way: "first" | "second") {
  const at = { baseUrl: url };
  const database = { host: "127.0.0.1", port: postgresPort, tls: "off", database: "x", user: "x" };
  const targets = [
    { ...PLACE, namespace: "shop", resources: ["deployment/*", "configmap/*", "autoscaler/*", "pod/*"] },
    { ...PLACE, resources: ["node/*"] },
  ];
  const token = { kind: "token", server: url, tokenRef: "kubernetes/main" };
  const file = { kind: "kubeconfig", server: url, secretRef: "kubernetes/file" };
  const fed = [
    { kind: "token", server: url, tokenRef: "feeds/cluster" },
    { kind: "kubeconfig", server: url, secretRef: "feeds/file" },
    { kind: "in-cluster", server: url, path: join(folder, "pod") },
  ];
  const workspace = { ...PLACE, name: "cart", directory: join(folder, "work"), plans: join(folder, "plans") };
  const command = { ...PLACE, program: join(folder, "repeat"), secrets: { SECRET: "runbook/secret" } };
  return {
    executors: {
      argocd: { ...at, tokenRef: "argocd/token", applications: [{ ...PLACE, name: "cart" }] },
      kubernetes: { clusters: [token, file].map((connection) => ({ name: connection.kind, connection, targets })) },
      terraform: {
        program: join(folder, "tofu"),
        workspaces: [{ ...workspace, network: "none", secrets: { STATE_KEY: "tofu/state" } }],
      },
      runbook: {
        commands: [
          { ...command, name: "fails", args: ["3"], repeat: "idempotent" },
          { ...command, name: "works", args: ["0"] },
        ],
      },
    },
    health: {
      endpoints: { leaky: { ...at, tokenRef: "health/probe" } },
      databases: { leaky: { ...database, passwordRef: "health/reader" } },
    },
    images: {
      registries: [{ host: "registry.test", ...at, user: "holdpoint", passwordRef: "images/registry" }],
      signers: [{ name: "ci", publicKey: CERTIFICATE }],
    },
    issuers: [{ name: "corp", url: `${url}/idp`, signIn: { clientId: "console", secret: "oidc/corp" } }],
    exports: {
      splunk: { kind: "splunk-hec", ...at, tokenRef: "splunk/hec-token" },
      otel: { kind: "otlp", ...at, authorizationRef: "otlp/header" },
      lake: { kind: "ocsf-https", ...at, path: "/lake", authorizationRef: "ocsf/header" },
      aws: {
        kind: "cloudwatch",
        ...at,
        region: "eu-central-1",
        logGroup: "g",
        logStream: "s",
        credentialsRef: "aws/credentials",
      },
    },
    notifiers: {
      hook: { kind: "webhook", ...at, secretRef: "webhook/secret" },
      slack: {
        kind: "slack",
        ...at,
        channel: "C0123456789",
        tokenRef: "slack/notifier",
        signingSecretRef: "slack/signing",
      },
      mail: {
        kind: "email",
        host: "127.0.0.1",
        port: mailPort,
        security: "none",
        user: "holdpoint",
        passwordRef: "mail/password",
        from: "holdpoint@example.com",
        to: { default: ["sre@example.com"] },
      },
    },
    model: {
      feeds: {
        kubernetes: fed.map((connection) => ({ name: connection.kind, environment: "production", connection })),
        prometheus: [{ name: "mesh", environment: "production", ...at, tokenRef: "feeds/prometheus", mesh: "istio" }],
      },
    },
    classifier: {
      timeoutMs: 5_000,
      chain: modelsAt(url, way),
      candidates: modelsAt(url, way === "first" ? "second" : "first"),
    },
  };
}

/** Each provider with each of its ways to show who one is. */
function modelsAt(url: string, way: "first" | "second"): readonly object[] {
  const bearer = (tokenRef: string): object => ({ kind: "bearer", tokenRef });
  const keys = { accessKeyIdRef: "bedrock/access-key-id", secretAccessKeyRef: "bedrock/secret-access-key" };
  const account = { kind: "service-account", keyRef: "vertex/service-account", tokenUrl: `${url}/token` };
  const isFirst = way === "first";
  const ways = {
    bedrock: isFirst ? { kind: "keys", ...keys, sessionTokenRef: "bedrock/session-token" } : bearer("bedrock/token"),
    azure: isFirst ? { kind: "key", apiKeyRef: "azure/api-key" } : bearer("azure/token"),
    vertex: isFirst ? account : bearer("vertex/token"),
  };
  const named = (provider: string) => ({ provider, name: `${provider}-${way}`, model: "test", baseUrl: `${url}/v1` });
  return [
    { ...named("bedrock"), region: "eu-central-1", auth: ways.bedrock },
    { ...named("azure"), auth: ways.azure },
    { ...named("vertex"), project: "p", location: "europe-west4", auth: ways.vertex },
    { ...named("anthropic"), apiKeyRef: "anthropic/api-key" },
    { ...named("openai-compatible"), apiKeyRef: "vllm/api-key" },
  ];
}

/** Executors of vendors at the leaky ones, by the other way to show who one is where there is one. */
export function leakyVendors({ url, postgresPort }: LeakyPlaces, user: object) {
  const at = { baseUrl: url };
  const repository = { ...PLACE, name: "shop", repository: "acme/shop", paths: ["deploy/"] };
  const database = { name: "orders", ...PLACE, host: "127.0.0.1", port: postgresPort, tls: "off" };
  const api = { ...at, tokenRef: "pagerduty/leaky-api", user };
  const more = { escalationPolicies: { second: "PSECOND" }, responders: { dba: { users: ["PDBA0001"] } } };
  return {
    pagerduty: { ...at, integrations: ["leaky"], api: { ...api, ...more } },
    servicenow: { ...at, auth: { kind: "oauth", clientId: "holdpoint", clientSecretRef: "servicenow/client-secret" } },
    majorIncident: {
      bridge: { kind: "slack", ...at, tokenRef: "slack/bridge" },
      responders: { default: { users: ["U0123ABCD"] } },
    },
    slack: { ...at, tokenRef: "slack/leaky", channels: { ops: "C0123ABCD" } },
    github: {
      ...at,
      tokenRef: "github/token",
      repositories: [{ ...repository, workflows: [{ name: "deploy", file: "deploy.yaml", inputs: [] }] }],
    },
    sql: { databases: [{ ...database, database: "x", user: "x", passwordRef: "sql/leaky" }] },
  };
}
