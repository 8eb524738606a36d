// Senders of every kind of source: the vectors of test/signals as they would come over the wire now, with their proof.

import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createSource, type NewSource } from "../../src/adapters/identity/source-secrets.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { systemRandom } from "../../src/main/system.ts";
import type { SourceKind } from "../../src/wire/types/source-kinds.ts";
import { makeCertificate } from "../identity/certificate.ts";
import { snsMessage, TOPIC } from "../identity/sns-message.ts";
import type { Answer, Server } from "./fixture.ts";

const VECTORS = join(import.meta.dirname, "../signals/vectors");
/** Who signs what these senders send in the name of Amazon. */
export const AMAZON = makeCertificate("sns.amazonaws.com", Date.now());
/** What PagerDuty would have made. */
const MADE_THERE = "the-secret-that-pagerduty-made";

type Vector = { readonly receivedAt: string; readonly payload: JsonObject; readonly headers?: Record<string, string> };

/** Vectors of one failure that is seen, and of its end where the kind has ends. */
export const FAILURES: Readonly<Record<Exclude<SourceKind, "argocd" | "github" | "otlp">, readonly [string, string?]>> =
  {
    alertmanager: ["alertmanager-0.25-firing", "alertmanager-0.25-resolved"],
    cloudevents: ["cloudevents-structured"],
    datadog: ["datadog-triggered", "datadog-recovered"],
    dynatrace: ["dynatrace-open", "dynatrace-resolved"],
    eventbridge: ["eventbridge-cloudwatch-firing", "eventbridge-cloudwatch-resolved"],
    kubernetes: ["kubernetes-warning"],
    newrelic: ["newrelic-activated", "newrelic-closed"],
    pagerduty: ["pagerduty-triggered", "pagerduty-resolved"],
    servicenow: ["servicenow-new", "servicenow-resolved"],
    sns: ["sns-cloudwatch-firing", "sns-cloudwatch-resolved"],
    splunk: ["splunk-result"],
  };

/** Vectors of what changes. */
export const CHANGES = {
  argocd: ["argocd-synced"],
  github: ["github-deployment", "github-deployment-status", "github-workflow-run"],
} as const satisfies Partial<Record<SourceKind, readonly [string, ...string[]]>>;

/** One for all, so that a firing and its end, moved by as much, still belong together. */
const LOADED_MS = Date.now();

export type Moved = {
  readonly aheadMs?: number;
  readonly service?: string;
  /** The vector that arrives now, where it is another: the end of this firing. */
  readonly until?: string | undefined;
};

/** A vector with every time in it moved, so that it was received now, and of another service than the cart. */
export function vectorNow(name: string, { aheadMs = 0, service = "cart", until = name }: Moved = {}): Vector {
  const text = textOf(name).replaceAll(/\bcart\b/gi, service);
  const { receivedAt } = JSON.parse(textOf(until)) as Vector;
  const byMs = LOADED_MS + aheadMs - Date.parse(receivedAt);
  const moved = (day: string, time: string): string => new Date(Date.parse(`${day}T${time}Z`) + byMs).toISOString();
  const dated = text.replaceAll(
    /(\d{4}-\d{2}-\d{2})([T ])(\d{2}:\d{2}:\d{2})/g,
    (_, day: string, gap: string, time: string) => moved(day, time).slice(0, 19).replace("T", gap),
  );
  const seconds = Math.floor(byMs / 1000);
  return JSON.parse(
    dated.replaceAll(/\b(1795\d{6})(\d{9}|\d{3})?\b/g, (_, s: string, rest = "") => `${Number(s) + seconds}${rest}`),
  ) as Vector;
}

function textOf(name: string): string {
  return readFileSync(join(VECTORS, `${name}.json`), "utf8");
}

export type Sender = {
  readonly secret: string;
  /** Sends exactly these bytes with the proof of them, or with a wrong one. */
  send(bytes: string, more?: { headers?: Record<string, string>; forged?: boolean }): Promise<Answer>;
  /** What the kind sends for a payload, as bytes. */
  bytesOf(payload: JsonObject): string;
};

/** A configured source of that kind, named `NAME`, and who sends to it. */
export function openSender(server: Server, kind: SourceKind, name: string = kind): Sender {
  const extra: Partial<NewSource> = kind === "sns" ? { topics: [TOPIC], certificates: [AMAZON.pem] } : {};
  const source = { name, kind, ...extra, mapping: { defaultEnvironment: "production" } };
  const made = kind === "pagerduty" ? MADE_THERE : undefined;
  const isThere = kind === "alertmanager" && name === "alertmanager";
  const secret = isThere ? server.secret : createSource(join(server.dataDir, "sources"), source, systemRandom, made);
  return {
    secret,
    bytesOf: (payload) => JSON.stringify(kind === "sns" ? signed(payload) : payload),
    send: (bytes, { headers = {}, forged = false } = {}) => {
      const suffix = kind === "splunk" ? `?secret=${forged ? "hps_0" : secret}` : "";
      const proof = proofOf(kind, { bytes, secret: forged ? `${secret.slice(0, -4)}0000` : secret, forged });
      return server.ask(`/v1/signals/${name}${suffix}`, {
        method: "POST",
        body: bytes,
        headers: { ...proof, ...headers },
      });
    },
  };
}

function signed(payload: JsonObject): JsonObject {
  return snsMessage(AMAZON.key, Date.now(), { Message: payload["Message"] as string });
}

type Proof = { readonly bytes: string; readonly secret: string; readonly forged: boolean };

/** A forged SNS message announces itself as any other; what is wrong with it is its signature, which the test breaks. */
function proofOf(kind: SourceKind, { bytes, secret }: Proof): Record<string, string> {
  const hmac = (): string => createHmac("sha256", secret).update(bytes).digest("hex");
  switch (kind) {
    case "github":
      return { "x-hub-signature-256": `sha256=${hmac()}` };
    case "pagerduty":
      return { "x-pagerduty-signature": `v1=${hmac()}` };
    case "sns":
      return { "x-amz-sns-message-type": "Notification", "content-type": "text/plain; charset=UTF-8" };
    case "splunk":
      return {};
    default:
      return { authorization: `Bearer ${secret}` };
  }
}
