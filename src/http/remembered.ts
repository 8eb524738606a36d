// What is remembered of incidents, as the policy in force lets somebody read it: every surface that shows it asks here.

import { AppError } from "../core/errors.ts";
import { isKept, mayRead } from "../policy/memory-terms.ts";
import { VIEW_PAGE_MAX, type ViewPage } from "../wire/contracts/views.ts";
import type { IncidentView } from "../wire/types/incident-views.ts";
import type { Identity } from "../wire/types/identity.ts";
import type { Services } from "./services.ts";

type Past = { readonly environment: string; readonly countMax: number };

/** The newest of an environment, in whole pages. */
export function pastIncidents(
  { views }: Pick<Services, "views">,
  { environment, countMax }: Past,
): readonly IncidentView[] {
  const past: IncidentView[] = [];
  let cursor: string | null = null;
  do {
    const query = { filters: { environment }, cursor, limit: VIEW_PAGE_MAX };
    const page: ViewPage<IncidentView> = views.reader.list("incidents", query);
    past.push(...page.items);
    cursor = page.next;
  } while (cursor !== null && past.length < countMax);
  return past;
}

type Asking = Pick<Services, "policies" | "nowMs">;

/** Throws `memory-withheld` for a reader that the policy does not name, and `memory-expired` after its time. */
export function requireRemembered({ policies, nowMs }: Asking, { roles }: Identity, incident: IncidentView): void {
  const terms = policies.memory();
  if (!mayRead(terms, roles, incident)) {
    throw new AppError("memory-withheld", "the policy in force names other readers for it", { incident: incident.id });
  }
  if (!isKept(terms, incident, nowMs())) {
    throw new AppError("memory-expired", "the policy in force keeps it for a shorter time", { incident: incident.id });
  }
}

/** Whether an incident is one that may be shown as remembered. */
export function rememberedBy({ policies, nowMs }: Asking, { roles }: Identity): (incident: IncidentView) => boolean {
  const terms = policies.memory();
  return (incident) => mayRead(terms, roles, incident) && isKept(terms, incident, nowMs());
}

/** The incident, without what explained it where that may not be shown. */
export function shownIncident(services: Asking, identity: Identity): (incident: IncidentView) => IncidentView {
  const isRemembered = rememberedBy(services, identity);
  return (incident) => (isRemembered(incident) ? incident : { ...incident, explained: null });
}
