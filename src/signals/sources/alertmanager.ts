// Alertmanager's webhook; Grafana's alerting sends the same.

import { parseAlertmanagerWebhook } from "../../wire/schemas/alertmanager.ts";
import type { RawAlert } from "../raw-alert.ts";
import type { SourceDelivery } from "./delivery.ts";

/** Group and common labels add nothing, since Alertmanager repeats them in every alert. */
export function readAlertmanager({ body }: Pick<SourceDelivery, "body">): readonly RawAlert[] {
  return parseAlertmanagerWebhook(body).alerts.map((alert) => ({
    detectorKind: "prometheus",
    name: alert.labels["alertname"] ?? "",
    status: alert.status,
    labels: new Map(Object.entries(alert.labels)),
    annotations: new Map(Object.entries(alert.annotations)),
    startsAt: alert.startsAt,
    endsAt: alert.endsAt,
    links: [alert.generatorURL, alert.panelURL, alert.dashboardURL],
    fingerprint: alert.fingerprint,
  }));
}
