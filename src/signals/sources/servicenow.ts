// ServiceNow incidents by the business rule that we ship: foreign ones are signals, our own are tracked.

import { parsePayload } from "../../wire/schemas/payload.ts";
import { servicenowWebhookSchema, type ServicenowWebhook } from "../../wire/schemas/servicenow-webhook.ts";
import type { RawAlert } from "../raw-alert.ts";
import type { SourceDelivery } from "./delivery.ts";
import { labelsOf, nameFromTitle } from "./tags.ts";

const RESOLVED_STATE = 6;

export function readServicenow({ body, ownKeys }: SourceDelivery): readonly RawAlert[] {
  const incident = parsePayload(servicenowWebhookSchema, body, "the payload of examples/sources/servicenow.js");
  const alert = alertOf(incident);
  if (!incident.correlation_id.startsWith(ownKeys.servicenow)) return [alert];
  const tracked = {
    system: "servicenow",
    key: incident.correlation_id.slice(0, 255),
    state: stateOf(incident.state),
    record: incident.number,
  } as const;
  return [{ ...alert, status: "firing", fingerprint: `${incident.sys_id} ${incident.updated_at}`, tracked }];
}

function stateOf(state: number): "open" | "acknowledged" | "resolved" {
  if (state >= RESOLVED_STATE) return "resolved";
  return state === 1 ? "open" : "acknowledged";
}

function alertOf(incident: ServicenowWebhook): RawAlert {
  const status = incident.state >= RESOLVED_STATE ? "resolved" : "firing";
  const endedAt = incident.resolved_at === "" ? incident.updated_at : incident.resolved_at;
  return {
    detectorKind: "servicenow",
    name: incident.short_description,
    status,
    labels: labelsOf({
      service: nameFromTitle(incident.service),
      environment: incident.environment,
      // `1 - Critical` or `1`.
      priority: /^[1-5]/.test(incident.priority) ? `p${incident.priority.slice(0, 1)}` : "",
      ticket: incident.number,
    }),
    annotations: new Map(),
    startsAt: rfc3339(incident.opened_at),
    endsAt: status === "firing" ? "" : rfc3339(endedAt),
    links: [incident.url],
    fingerprint: incident.sys_id,
    occurrence: incident.sys_id,
  };
}

function rfc3339(utc: string): string {
  return /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/.test(utc) ? `${utc.replace(" ", "T")}Z` : utc;
}
