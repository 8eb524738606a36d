// The route that says what explained an incident that is over: the causes as they were recorded, with what spoke for each.

import { isAppError } from "../../core/errors.ts";
import { documentSchema } from "../../wire/schemas/api.ts";
import type { IncidentExplanationView, IncidentView } from "../../wire/types/incident-views.ts";
import { hasScope } from "../../wire/types/scopes.ts";
import { readView } from "../listing.ts";
import { identify, idOf, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";
import { requireRemembered } from "../remembered.ts";
import type { Services } from "../services.ts";

/** Of an incident that was absorbed it is that of the one that absorbed it. */
async function explain({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "incidents:read");
  const asked = { view: "incidents", id: idOf(request.params), code: "incident-not-found" } as const;
  const incident = absorberOf(services, await readView(services, asked));
  requireRemembered(services, identity, incident);
  const { id, openedAt, environment, service, explained } = incident;
  const told = {
    incident: id,
    symptom: { node: `service:${environment}:${service}`, measure: explained?.measure ?? "errors" },
    at: openedAt,
  };
  if (explained === null) return { ...told, recordedAt: null, modelVersion: null, evidence: "none", causes: [] };
  const { at: recordedAt, modelVersion, causes, evidenceSeq } = explained;
  const { state, lines } = hasScope(identity, "payloads:read")
    ? await evidenceAt(services, evidenceSeq)
    : { state: "withheld" as const, lines: [] };
  return {
    ...told,
    recordedAt,
    modelVersion,
    evidence: state,
    causes: causes.map((cause, i) => ({ ...cause, evidence: lines[i] ?? [] })),
  } satisfies IncidentExplanationView;
}

function absorberOf({ views: { reader } }: Services, incident: IncidentView): IncidentView {
  let [one, followed] = [incident, 0];
  // An incident is absorbed by an older one, so that the way ends.
  for (; one.mergedInto !== null && followed < 64; followed++) one = reader.find("incidents", one.mergedInto) ?? one;
  return one;
}

type Evidence = { readonly state: "recorded" | "erased" | "none"; readonly lines: readonly (readonly string[])[] };

async function evidenceAt({ ledger }: Services, seq: number): Promise<Evidence> {
  try {
    const { evidence } = (await ledger.payload(seq)) as { evidence?: readonly (readonly string[])[] };
    return { state: "recorded", lines: evidence ?? [] };
  } catch (error) {
    if (isAppError(error, "payload-erased")) return { state: "erased", lines: [] };
    if (isAppError(error, "event-not-found")) return { state: "none", lines: [] };
    throw error;
  }
}

export const incidentExplanationRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/incidents/:id/explanation",
    operationId: "explainIncident",
    summary: "What explained an incident when it ended: chains as they were recorded, with what spoke for each.",
    auth: { scope: "incidents:read" },
    response: { status: 200, schema: documentSchema, what: "The causes, the surest first" },
    errors: ["incident-not-found", "memory-withheld", "memory-expired", "views-behind"],
    handle: explain,
  },
];
