// Alerts as Alertmanager delivers them.

import { createHash } from "node:crypto";

export interface Alert {
  readonly service: string;
  readonly status?: "firing" | "resolved";
  readonly startsAt: string;
}

/** No two services fail the same way: they would be one incident. */
function failureOf(service: string): string {
  return `Broken${service.replaceAll(/[^a-z]/g, (char) => "bcdfghjklm"[Number(char)] ?? "o")}`;
}

/** A webhook of version 4 about critical alerts in production. */
export function delivery(alerts: readonly Alert[]): object {
  const groupLabels = { alertname: "HighErrorRate" };
  return {
    version: "4",
    groupKey: '{}:{alertname="HighErrorRate"}',
    truncatedAlerts: 0,
    status: alerts.some(({ status }) => status !== "resolved") ? "firing" : "resolved",
    receiver: "holdpoint",
    groupLabels,
    commonLabels: groupLabels,
    commonAnnotations: {},
    externalURL: "http://alertmanager.example:9093",
    alerts: alerts.map(({ service, status = "firing", startsAt }) => ({
      status,
      labels: { alertname: failureOf(service), environment: "production", service, severity: "critical" },
      annotations: { summary: `Error ratio of ${service} is high` },
      startsAt,
      endsAt: status === "resolved" ? new Date().toISOString() : "0001-01-01T00:00:00Z",
      generatorURL: "http://prometheus.example:9090/graph",
      fingerprint: createHash("sha256").update(service).digest("hex").slice(0, 16),
    })),
  };
}
