// The kinds of sources, and how a sender of each proves that it is one.

/**
 * `secret`: a bearer secret of ours. `address`: the same, also as the query parameter `secret`, for senders that cannot
 * set headers. `hmac`: the vendor signs the body with a shared secret. `sns`: Amazon signs each message.
 */
export type SourceProof = "secret" | "address" | "hmac" | "sns";

/** `title` is what people call it, and its section in docs/signals.md. */
export const SOURCE_KINDS = {
  alertmanager: { title: "Alertmanager", proof: "secret" },
  argocd: { title: "Argo CD", proof: "secret" },
  cloudevents: { title: "CloudEvents", proof: "secret" },
  datadog: { title: "Datadog", proof: "secret" },
  dynatrace: { title: "Dynatrace", proof: "secret" },
  eventbridge: { title: "EventBridge", proof: "secret" },
  github: { title: "GitHub", proof: "hmac" },
  kubernetes: { title: "Kubernetes events", proof: "secret" },
  newrelic: { title: "New Relic", proof: "secret" },
  otlp: { title: "OpenTelemetry", proof: "secret" },
  pagerduty: { title: "PagerDuty", proof: "hmac" },
  servicenow: { title: "ServiceNow", proof: "secret" },
  sns: { title: "Amazon SNS", proof: "sns" },
  splunk: { title: "Splunk", proof: "address" },
} as const satisfies Record<string, { readonly title: string; readonly proof: SourceProof }>;

export type SourceKind = keyof typeof SOURCE_KINDS;
