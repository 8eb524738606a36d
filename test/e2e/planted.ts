// A secret for every place of the configuration that can name one.

import { generateKeyPairSync, randomBytes } from "node:crypto";

const plain = (prefix: string): string => `${prefix}-${randomBytes(12).toString("hex")}`;
const upper = (prefix: string): string => `${prefix}${randomBytes(8).toString("hex").toUpperCase()}`;
const keyOf = (): string =>
  generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const lineOf = (pem: string, line: number): string => pem.split("\n")[line] ?? "";

const VERTEX_KEY = keyOf();
export const CERTIFICATE = generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }).toString();

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
export const UNSAID = {
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
