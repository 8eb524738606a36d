// The webhook payload of Prometheus Alertmanager, version 4, as it arrives at `POST /v1/signals/alertmanager`.

import { z } from "zod";
import { AppError } from "../../core/errors.ts";

// https://prometheus.io/docs/alerting/latest/configuration/#webhook_config. Fields we do not know are dropped: newer
// Alertmanagers and Grafana add some. What one alert may hold is judged alert by alert, in signals.
const ALERTS_MAX = 1000;
const GROUP_KEY_CHARS_MAX = 65_536;
const ISSUES_TOLD_MAX = 5;

const labelsSchema = z.record(z.string(), z.string());

const alertSchema = z.object({
  status: z.enum(["firing", "resolved"]),
  labels: labelsSchema,
  annotations: labelsSchema.default({}),
  /** RFC 3339; `0001-01-01T00:00:00Z` stands for none. */
  startsAt: z.string(),
  endsAt: z.string().default(""),
  generatorURL: z.string().default(""),
  /** Absent before Alertmanager 0.18. */
  fingerprint: z.string().default(""),
});

export const alertmanagerSchema = z.object({
  version: z.literal("4"),
  groupKey: z.string().max(GROUP_KEY_CHARS_MAX).default(""),
  status: z.enum(["firing", "resolved"]),
  receiver: z.string().default(""),
  groupLabels: labelsSchema.default({}),
  commonLabels: labelsSchema.default({}),
  commonAnnotations: labelsSchema.default({}),
  externalURL: z.string().default(""),
  truncatedAlerts: z.int().min(0).default(0),
  alerts: z.array(alertSchema).max(ALERTS_MAX),
});

export type AlertmanagerWebhook = z.infer<typeof alertmanagerSchema>;
export type AlertmanagerAlert = z.infer<typeof alertSchema>;

/** A checked delivery of at most 1,000 alerts. Throws `request-invalid`, with up to five places that are wrong. */
export function parseAlertmanagerWebhook(body: unknown): AlertmanagerWebhook {
  const count = alertCount(body);
  // Before the schema runs: it would check, and complain about, every one of them first.
  if (count > ALERTS_MAX) {
    const detail = `a delivery holds at most ${ALERTS_MAX} alerts; set max_alerts in Alertmanager's webhook_config`;
    throw new AppError("request-invalid", detail, { alerts: count, alertsMax: ALERTS_MAX });
  }
  const parsed = alertmanagerSchema.safeParse(body);
  if (parsed.success) return parsed.data;
  const places = parsed.error.issues.slice(0, ISSUES_TOLD_MAX).map((issue) => place(issue));
  throw new AppError("request-invalid", "not an Alertmanager webhook payload of version 4", { places });
}

function alertCount(body: unknown): number {
  if (typeof body !== "object" || body === null || !("alerts" in body)) return 0;
  return Array.isArray(body.alerts) ? body.alerts.length : 0;
}

/** `/alerts/0/status: invalid_value`; never the value, and label names only in part: both come from outside. */
function place(issue: z.core.$ZodIssue): string {
  const path = issue.path.map((part) => String(part).slice(0, 32).toWellFormed()).slice(0, 6);
  return `/${path.join("/")}: ${issue.code}`;
}
