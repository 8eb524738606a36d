// Alertmanager's webhook, made into signals.

import type { AlertmanagerAlert, AlertmanagerWebhook } from "../wire/schemas/alertmanager.ts";
import type { NormalizedSignal } from "../wire/types/signal.ts";
import { normalizeAlert, type NormalizeOptions } from "./normalize-alert.ts";
import type { RawAlert } from "./raw-alert.ts";

/**
 * One result per alert, in order. Each alert stands on its own: that one is kept aside loses none of the others. Group
 * and common labels add nothing, since Alertmanager repeats them in every alert.
 */
export function normalizeAlertmanager(payload: AlertmanagerWebhook, options: NormalizeOptions): NormalizedSignal[] {
  return payload.alerts.map((alert) => normalizeAlert(toRawAlert(alert), options));
}

function toRawAlert(alert: AlertmanagerAlert): RawAlert {
  return {
    detectorKind: "prometheus",
    name: alert.labels["alertname"] ?? "",
    status: alert.status,
    labels: new Map(Object.entries(alert.labels)),
    annotations: new Map(Object.entries(alert.annotations)),
    startsAt: alert.startsAt,
    endsAt: alert.endsAt,
    links: [alert.generatorURL],
    fingerprint: alert.fingerprint,
  };
}
