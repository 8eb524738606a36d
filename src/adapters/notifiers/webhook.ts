// A webhook: each notification as a CloudEvent in structured mode, signed as Standard Webhooks does.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md and https://www.standardwebhooks.com

import { createHmac } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import { failureOf, findSecret } from "../../wire/contracts/deliveries.ts";
import type { Answer, OutboundCall } from "../../wire/contracts/egress.ts";
import type { Notification, Notifier, Told } from "../../wire/contracts/notifier.ts";
import type { WebhookConfig } from "../../wire/schemas/notifiers-config.ts";

/** 24 to 64 bytes each, as the specification demands; a few at once while one replaces another. */
const SECRETS = /^whsec_[A-Za-z0-9+/]{32,86}={0,2}(?: whsec_[A-Za-z0-9+/]{32,86}={0,2}){0,3}$/;
/** Answers to what the notification says, not to who says it or when: another attempt gets the same. */
const REFUSALS: ReadonlySet<number> = new Set([400, 409, 413, 415, 422]);

export interface WebhookParts {
  readonly config: WebhookConfig;
  readonly origin: string;
  readonly call: OutboundCall;
  readonly credentials: Credentials;
  readonly clock: Clock;
  /** Where a person reads and answers; null where the console's address is not known. */
  readonly linkOf: (notification: Notification) => string | null;
}

export function createWebhookNotifier(parts: WebhookParts): Notifier {
  return { notify: (notification, _memo, signal) => notify(parts, notification, signal) };
}

async function notify(parts: WebhookParts, notification: Notification, outer: AbortSignal): Promise<Told> {
  const { config, origin, call, clock, credentials } = parts;
  const secrets = await findSecret(credentials, config.secretRef, SECRETS);
  if (secrets === null) return { kind: "failed", code: "credential-missing", retryAfterMs: null };
  const body = JSON.stringify(toCloudEvent(notification, parts.linkOf(notification)));
  const headers = {
    "content-type": "application/cloudevents+json; charset=utf-8",
    ...signatureHeaders({ id: notification.id, nowMs: clock.nowMs(), body, secrets: secrets.split(" ") }),
  };
  const signal = AbortSignal.any([outer, AbortSignal.timeout(config.timeoutMs)]);
  return toTold(await call({ method: "POST", origin, path: config.path, headers, body }, signal), clock.nowMs());
}

function toTold(answer: Answer, nowMs: number): Told {
  if (answer.kind === "answered" && answer.status >= 200 && answer.status < 300) return { kind: "told", memo: null };
  const failure = failureOf(answer, nowMs);
  if (answer.kind === "answered" && REFUSALS.has(answer.status)) return { kind: "refused", code: failure.code };
  return { kind: "failed", ...failure };
}

/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
function signatureHeaders(of: {
  readonly id: string;
  readonly nowMs: number;
  readonly body: string;
  readonly secrets: readonly string[];
}): Record<string, string> {
  const timestamp = String(Math.floor(of.nowMs / 1_000));
  const signed = `${of.id}.${timestamp}.${of.body}`;
  const signatures = of.secrets.map((secret) => {
    const key = Buffer.from(secret.slice("whsec_".length), "base64");
    return `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
  });
  return { "webhook-id": of.id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}

function toCloudEvent(notification: Notification, link: string | null): object {
  const { id, kind, time, actor, action, brake, domain, ledger } = notification;
  return {
    specversion: "1.0",
    id,
    source: `holdpoint:${ledger.origin}`,
    type: `dev.holdpoint.${kind}.v1`,
    subject: action?.id ?? brake?.id ?? domain?.because ?? "",
    time: new Date(time).toISOString(),
    datacontenttype: "application/json",
    data: { actor, action, brake, domain, link, ledger },
  };
}
