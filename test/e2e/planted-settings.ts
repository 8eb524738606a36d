// The configuration with every secret named, at systems that repeat what they hear.

import { join } from "node:path";
import { CERTIFICATE } from "./planted.ts";
import type { LeakyPlaces } from "./planted-systems.ts";

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
    issuers: [
      {
        name: "corp",
        url: `${url}/idp`,
        groups: { sre: { roles: ["on-call"] } },
        signIn: { clientId: "console", secret: "oidc/corp" },
      },
    ],
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
    majorIncident: majorIncidentAt(url),
    slack: { ...at, tokenRef: "slack/leaky", channels: { ops: "C0123ABCD" } },
    github: {
      ...at,
      tokenRef: "github/token",
      repositories: [{ ...repository, workflows: [{ name: "deploy", file: "deploy.yaml", inputs: [] }] }],
    },
    sql: { databases: [{ ...database, database: "x", user: "x", passwordRef: "sql/leaky" }] },
  };
}

export function majorIncidentAt(baseUrl: string | undefined) {
  return {
    bridge: { kind: "slack", baseUrl, tokenRef: "slack/bridge", settleMs: 300 },
    responders: { default: { users: ["U0123ABCD"] } },
  };
}
