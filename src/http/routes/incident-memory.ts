// The route that remembers: incidents like one, what explained them, what was tried, the policies that followed, and one that is
// suggested, with what it would have changed.

import { isAppError } from "../../core/errors.ts";
import { tryDraft } from "../../history/draft-trial.ts";
import { servicesOf, similarIncidents, type SimilarIncident } from "../../history/memory.ts";
import { draftName, draftPolicy } from "../../history/policy-draft.ts";
import { documentSchema } from "../../wire/schemas/api.ts";
import type { IncidentView } from "../../wire/types/incident-views.ts";
import type { ActionView, PolicyView } from "../../wire/types/views.ts";
import { readView } from "../listing.ts";
import { identify, idOf, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";
import { pastIncidents, rememberedBy, requireRemembered } from "../remembered.ts";
import type { Services } from "../services.ts";

/** Past incidents of the environment that are looked at, and those that are shown. */
const LOOKED_AT_MAX = 1_000;
const SHOWN_MAX = 10;
/** Of each service that a draft is about, the newest actions that it is held against. */
const TRIED_ON_MAX = 200;
/** Who is asked by what is drafted, where the policies in force have that route. */
const ROUTE = "on-call";
/** Bundles that are looked at for policies that followed. */
const POLICIES_MAX = 20;

async function remember({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "incidents:read");
  const incident = await readView(services, {
    view: "incidents",
    id: idOf(request.params),
    code: "incident-not-found",
  });
  requireRemembered(services, identity, incident);
  const { environment } = incident;
  const looked = pastIncidents(services, { environment, countMax: LOOKED_AT_MAX });
  const past = looked.filter(rememberedBy(services, identity));
  const similar = similarIncidents(incident, past).slice(0, SHOWN_MAX);
  const followed = await policiesAfter(services, [incident, ...similar.map((one) => one.incident)]);
  const own = actionsOf(services, incident);
  return {
    incident: incident.id,
    explained: incident.explained,
    actions: own.map(shortOf),
    policies: followed.get(incident.id) ?? [],
    similar: similar.map((one) => similarOf(services, one, followed.get(one.incident.id) ?? [])),
    ...suggest(services, incident, own),
  };
}

/** Nothing before it is over, and where nothing that was done explains it. */
function suggest(services: Services, incident: IncidentView, own: readonly ActionView[]) {
  if (incident.status !== "resolved") return { draft: null, trial: null };
  const routes = services.policies.routes();
  const route = routes.includes(ROUTE) ? ROUTE : (routes[0] ?? ROUTE);
  const draft = draftPolicy(incident, own, route);
  if (draft === null) return { draft, trial: null };
  const { environment } = incident;
  const recorded = [...servicesOf(incident)].flatMap((service) => {
    const query = { filters: { environment, service }, cursor: null, limit: TRIED_ON_MAX };
    return services.views.reader.list("actions", query).items;
  });
  const newestFirst = recorded.toSorted((a, b) => b.seq - a.seq);
  return { draft, trial: tryDraft({ text: draft, route }, newestFirst) };
}

function actionsOf({ views }: Services, { actions }: IncidentView): readonly ActionView[] {
  return actions.flatMap((id) => views.reader.find("actions", id) ?? []);
}

function similarOf(services: Services, { incident, score, by }: SimilarIncident, policies: readonly Followed[]) {
  const { id, status, services: named, openedAt, resolvedAt, resolution, explained } = incident;
  const cause = explained?.causes[0] ?? null;
  const actions = actionsOf(services, incident).map(shortOf);
  return { id, score, by, status, services: named, openedAt, resolvedAt, resolution, cause, actions, policies };
}

function shortOf({ id, kind, status, code, agent }: ActionView) {
  return { id, kind, status, code, agent };
}

type Followed = Pick<PolicyView, "id" | "status" | "activatedAt">;

/** Bundles that hold a policy named after the incident. One whose text was erased is passed over. */
async function policiesAfter(services: Services, incidents: readonly IncidentView[]): Promise<Map<string, Followed[]>> {
  const followed = new Map<string, Followed[]>();
  const { items } = services.views.reader.list("policies", { filters: {}, cursor: null, limit: POLICIES_MAX });
  for (const { id, status, activatedAt, contentSeq } of items) {
    const text = await textAt(services, contentSeq);
    for (const { id: incident } of incidents) {
      if (!new RegExp(`name: ["']?${draftName(incident)}\\b`).test(text)) continue;
      followed.set(incident, [...(followed.get(incident) ?? []), { id, status, activatedAt }]);
    }
  }
  return followed;
}

async function textAt({ ledger }: Services, seq: number): Promise<string> {
  try {
    const { files } = (await ledger.payload(seq)) as { files?: readonly { text?: string }[] };
    return (files ?? []).map(({ text }) => text ?? "").join("\n");
  } catch (error) {
    if (isAppError(error)) return "";
    throw error;
  }
}

export const incidentMemoryRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/incidents/:id/memory",
    operationId: "rememberIncident",
    summary:
      "Incidents like this one, what explained them, what was tried, which policies followed, and a draft of one with what it would have changed.",
    auth: { scope: "incidents:read" },
    response: { status: 200, schema: documentSchema, what: "What is remembered, the likest first" },
    errors: ["incident-not-found", "memory-withheld", "memory-expired", "views-behind"],
    handle: remember,
  },
];
