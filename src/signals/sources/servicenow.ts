// ServiceNow incidents by the business rule that we ship: foreign ones are signals, our own are tracked.

import { parsePayload } from "../../wire/schemas/payload.ts";
import { servicenowWebhookSchema, type ServicenowWebhook } from "../../wire/schemas/servicenow-webhook.ts";
import type { RawAlert } from "../raw-alert.ts";
import type { TrackedState } from "../../wire/types/signal.ts";
import { ownRecord, type SourceDelivery } from "./delivery.ts";
import { labelsOf, nameFromTitle, plainRecord } from "./tags.ts";

const NEW_STATE = 1;
const RESOLVED_STATE = 6;

export function readServicenow({ body, ownKeys }: SourceDelivery): readonly RawAlert[] {
  const incident = parsePayload(servicenowWebhookSchema, body, "the payload of examples/sources/servicenow.js");
  const alert = alertOf(incident);
  const key = incident.correlation_id;
  const own = ownRecord(key, ownKeys.servicenow);
  if (own === undefined) return [alert];
  const state = stateOf(incident);
  const { sys_id: id, updated_at: at, mod_count: update, number } = incident;
  return [
    {
      ...alert,
      status: "firing",
      startsAt: rfc3339(at),
      fingerprint: id,
      // The clock there tells no two updates within a second apart; its count of them does.
      occurrence: `${at} ${update} ${state}`,
      tracked: { ...own, key, state, record: plainRecord(number), revision: revisionOf(update) },
    },
  ];
}

function revisionOf(count: string): number | null {
  return /^\d{1,9}$/.test(count) ? Number(count) : null;
}

function stateOf({ state, previous_state: before, assigned }: ServicenowWebhook): TrackedState {
  if (state >= RESOLVED_STATE) return "resolved";
  if (before !== null && before >= RESOLVED_STATE) return "reopened";
  if (state !== NEW_STATE) return "acknowledged";
  return assigned ? "assigned" : "open";
}

function alertOf(incident: ServicenowWebhook): RawAlert {
  const status = incident.state >= RESOLVED_STATE ? "resolved" : "firing";
  const endedAt = incident.resolved_at === "" ? incident.updated_at : incident.resolved_at;
  return {
    detectorKind: "servicenow",
    isDerived: true,
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
    startsAt: rfc3339(beganAt(incident)),
    endsAt: status === "firing" ? "" : rfc3339(endedAt),
    links: [incident.url],
    fingerprint: incident.sys_id,
    occurrence: incident.sys_id,
  };
}

/** One that was opened again has failed again: the instance says when, or that this very update did it. */
function beganAt(incident: ServicenowWebhook): string {
  const { state, previous_state: before, opened_at: opened, reopened_at: reopened, updated_at: updated } = incident;
  if (state >= RESOLVED_STATE) return opened;
  if (reopened !== "") return reopened;
  return before !== null && before >= RESOLVED_STATE && updated !== "" ? updated : opened;
}

function rfc3339(utc: string): string {
  return /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/.test(utc) ? `${utc.replace(" ", "T")}Z` : utc;
}
