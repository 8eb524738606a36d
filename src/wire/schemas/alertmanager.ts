// The webhook payload of Prometheus Alertmanager, version 4, as it arrives at `POST /v1/signals/alertmanager`.

import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import { parsePayload } from "./payload.ts";

// https://prometheus.io/docs/alerting/latest/configuration/#webhook_config and
// https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
// Fields we do not know are dropped: newer Alertmanagers and Grafana add some. What one alert may hold is judged alert by alert, in signals.
const ALERTS_MAX = 1000;
const GROUP_KEY_CHARS_MAX = 65_536;

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
  /** Grafana's own, empty where the rule has no panel. */
  dashboardURL: z.string().default(""),
  panelURL: z.string().default(""),
});

export const alertmanagerSchema = z.object({
  /** Grafana's own alerting has a version of its own, `1`, with the same members. */
  version: z.enum(["4", "1"]),
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

/** A checked delivery of at most 1,000 alerts. Throws `request-invalid`, with up to five places that are wrong. */
export function parseAlertmanagerWebhook(body: unknown): AlertmanagerWebhook {
  const count = alertCount(body);
  // Before the schema runs: it would check, and complain about, every one of them first.
  if (count > ALERTS_MAX) {
    const detail = `a delivery holds at most ${ALERTS_MAX} alerts; set max_alerts in Alertmanager's webhook_config`;
    throw new AppError("request-invalid", detail, { alerts: count, alertsMax: ALERTS_MAX });
  }
  return parsePayload(alertmanagerSchema, body, "a webhook payload of Alertmanager (version 4) or Grafana (version 1)");
}

/** Whether its sender left alerts out of a checked delivery (`max_alerts`): of those nobody hears. */
export function isTruncated(body: unknown): boolean {
  return typeof body === "object" && body !== null && "truncatedAlerts" in body && Number(body.truncatedAlerts) > 0;
}

function alertCount(body: unknown): number {
  if (typeof body !== "object" || body === null || !("alerts" in body)) return 0;
  return Array.isArray(body.alerts) ? body.alerts.length : 0;
}
