// The kinds of sources, and how a sender of each proves that it is one.

/**
 * `secret`: a bearer secret of ours. `address`: the same, also as the query parameter `secret`, for senders that cannot
 * set headers. `hmac`: the vendor signs the body with a shared secret. `sns`: Amazon signs each message.
 */
export type SourceProof = "secret" | "address" | "hmac" | "sns";

export const SOURCE_KINDS = {
  alertmanager: { proof: "secret" },
  argocd: { proof: "secret" },
  cloudevents: { proof: "secret" },
  datadog: { proof: "secret" },
  dynatrace: { proof: "secret" },
  eventbridge: { proof: "secret" },
  github: { proof: "hmac" },
  kubernetes: { proof: "secret" },
  newrelic: { proof: "secret" },
  otlp: { proof: "secret" },
  pagerduty: { proof: "hmac" },
  servicenow: { proof: "secret" },
  sns: { proof: "sns" },
  splunk: { proof: "address" },
} as const satisfies Record<string, { readonly proof: SourceProof }>;

export type SourceKind = keyof typeof SOURCE_KINDS;
