// PagerDuty's webhooks: incidents that others opened there are signals; those that Holdpoint opened are tracked.

import { pagerdutyWebhookSchema, type PagerdutyWebhook } from "../../wire/schemas/pagerduty-webhook.ts";
import { parsePayload } from "../../wire/schemas/payload.ts";
import type { TrackedState } from "../../wire/types/signal.ts";
import type { RawAlert } from "../raw-alert.ts";
import { ownPage, type OwnKey, type SourceDelivery } from "./delivery.ts";
import { labelsOf, nameFromTitle, plainRecord } from "./tags.ts";

const STATES: ReadonlyMap<string, TrackedState> = new Map([
  ["incident.triggered", "open"],
  ["incident.unacknowledged", "open"],
  ["incident.reassigned", "assigned"],
  ["incident.delegated", "assigned"],
  ["incident.escalated", "assigned"],
  ["incident.acknowledged", "acknowledged"],
  ["incident.resolved", "resolved"],
  ["incident.reopened", "reopened"],
]);

type Event = PagerdutyWebhook["event"];

/** None for a ping, and for what changes nothing about whether a foreign incident is open. */
export function readPagerduty({ body, ownKeys }: SourceDelivery): readonly RawAlert[] {
  const { event } = parsePayload(pagerdutyWebhookSchema, body, "a PagerDuty webhook of version 3");
  if (event.data.type !== "incident") return [];
  const key = event.data.incident_key;
  const own = ownPage(key, ownKeys.pagerduty);
  if (own !== undefined) return [ours(event, own)];
  const isTold = ["incident.triggered", "incident.reopened", "incident.resolved"].includes(event.event_type);
  return isTold ? [foreign(event, event.event_type === "incident.resolved" ? "resolved" : "firing")] : [];
}

function ours(event: Event, own: OwnKey): RawAlert {
  const { id, incident_key: key } = event.data;
  const state = STATES.get(event.event_type) ?? "updated";
  const tracked = { ...own, key, state, record: plainRecord(id), revision: null };
  return {
    ...foreign(event, "firing"),
    startsAt: event.occurred_at,
    fingerprint: event.id,
    occurrence: "event",
    tracked,
  };
}

function foreign({ data, event_type: type, occurred_at: at }: Event, status: "firing" | "resolved"): RawAlert {
  // One that was opened again has failed again.
  const began = type === "incident.reopened" || data.created_at === "" ? at : data.created_at;
  return {
    detectorKind: "pagerduty",
    isDerived: true,
    name: data.title,
    status,
    labels: labelsOf({
      service: nameFromTitle(data.service?.summary ?? ""),
      severity: data.urgency,
      priority: data.priority?.summary ?? "",
    }),
    annotations: new Map(),
    startsAt: began,
    endsAt: status === "firing" ? "" : at,
    links: [data.html_url],
    fingerprint: data.id,
    occurrence: data.id,
  };
}
