// Datadog's webhooks integration, with the payload that we ship.

import { datadogSchema, type DatadogAlert } from "../../wire/schemas/datadog.ts";
import { parsePayload } from "../../wire/schemas/payload.ts";
import type { RawAlert } from "../raw-alert.ts";
import type { SourceDelivery } from "./delivery.ts";
import { epochMs, tagLabels } from "./tags.ts";

/** None for a transition that is neither a trigger nor a recovery: a muted monitor, an event. */
export function readDatadog({ body }: SourceDelivery): readonly RawAlert[] {
  const alert = parsePayload(datadogSchema, body, "the payload of examples/sources/datadog.json");
  const status = statusOf(alert.transition);
  if (status === null) return [];
  const at = epochMs(alert.date);
  return [
    {
      detectorKind: "datadog",
      name: nameOf(alert.title),
      status,
      labels: labelsOfAlert(alert),
      annotations: new Map([["description", alert.status]]),
      startsAt: at,
      endsAt: status === "firing" ? "" : at,
      links: [alert.link],
      fingerprint: `${alert.alert_id} ${alert.aggregation_key} ${alert.scope}`,
      ...(alert.cycle_key === "" ? { occurrence: "alert" } : { occurrence: alert.cycle_key }),
    },
  ];
}

/** `Re-No Data` is `No Data` once more. */
function statusOf(transition: string): "firing" | "resolved" | null {
  const word = transition.trim().toLowerCase().replace(/^re-/, "");
  if (["triggered", "warn", "no data", "renotify"].includes(word)) return "firing";
  return word === "recovered" ? "resolved" : null;
}

/** `[Triggered on {host:web-1}] High error rate` is `High error rate`. */
function nameOf(title: string): string {
  return title.slice(0, 4096).replace(/^(?:\s*\[[^\]]{0,512}\])+\s*/, "");
}

/** Tags, then the scope that fired, which is more exact. */
function labelsOfAlert({ tags, scope, priority, type, hostname, transition }: DatadogAlert): Map<string, string> {
  const isWarning = /warn/i.test(transition);
  return new Map([
    ...tagLabels(tags),
    ...tagLabels(scope),
    ["severity", isWarning ? "warning" : type],
    ...(priority === "" ? [] : ([["priority", priority]] as const)),
    ...(hostname === "" ? [] : ([["host", hostname]] as const)),
  ]);
}
