// PagerDuty's webhooks: incidents that others opened there are signals; those that Holdpoint opened are tracked.

import { pagerdutyWebhookSchema, type PagerdutyWebhook } from "../../wire/schemas/pagerduty-webhook.ts";
import { parsePayload } from "../../wire/schemas/payload.ts";
import type { TrackedIncident } from "../../wire/types/signal.ts";
import type { RawAlert } from "../raw-alert.ts";
import type { SourceDelivery } from "./delivery.ts";
import { labelsOf, nameFromTitle } from "./tags.ts";

const STATES: Readonly<Record<string, TrackedIncident["state"]>> = {
  "incident.triggered": "open",
  "incident.reopened": "open",
  "incident.unacknowledged": "open",
  "incident.acknowledged": "acknowledged",
  "incident.resolved": "resolved",
};

type Event = PagerdutyWebhook["event"];

/** None for a ping, and for what changes nothing about whether a foreign incident is open. */
export function readPagerduty({ body, ownKeys }: SourceDelivery): readonly RawAlert[] {
  const { event } = parsePayload(pagerdutyWebhookSchema, body, "a PagerDuty webhook of version 3");
  if (event.data.type !== "incident") return [];
  const state = STATES[event.event_type] ?? "updated";
  if (event.data.incident_key.startsWith(ownKeys.pagerduty)) return [ours(event, state)];
  const isTold = ["incident.triggered", "incident.reopened", "incident.resolved"].includes(event.event_type);
  return isTold ? [foreign(event, state === "resolved" ? "resolved" : "firing")] : [];
}

function ours(event: Event, state: TrackedIncident["state"]): RawAlert {
  const { id, incident_key: key } = event.data;
  const tracked = { system: "pagerduty", key: key.slice(0, 255), state, record: id.slice(0, 64) } as const;
  return { ...foreign(event, "firing"), fingerprint: event.id, occurrence: "event", tracked };
}

function foreign({ data, occurred_at: at }: Event, status: "firing" | "resolved"): RawAlert {
  return {
    detectorKind: "pagerduty",
    name: data.title,
    status,
    labels: labelsOf({
      service: nameFromTitle(data.service?.summary ?? ""),
      severity: data.urgency,
      priority: data.priority?.summary ?? "",
    }),
    annotations: new Map(),
    startsAt: data.created_at === "" ? at : data.created_at,
    endsAt: status === "firing" ? "" : at,
    links: [data.html_url],
    fingerprint: data.id,
    occurrence: data.id,
  };
}
