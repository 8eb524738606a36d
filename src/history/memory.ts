// What is remembered of incidents: which past ones are like one, and by what.

import type { IncidentView } from "../wire/types/incident-views.ts";

/** `signature`: the same failure of the same service. `structure`: much the same services. `change`: laid to the same kind of change. */
export type Likeness = "signature" | "structure" | "change";

export type SimilarIncident = {
  readonly incident: IncidentView;
  readonly score: number;
  readonly by: readonly Likeness[];
};

/** Parts of a hundred. A kind of change alone is no likeness. */
const WEIGHTS: Readonly<Record<Likeness, number>> = { signature: 50, structure: 30, change: 20 };
const LEAST = 30;
/** Of all services of both, the part that they share. */
const STRUCTURE_LEAST = 0.5;

/** The likest first, of those equally like the newest. Absorbed incidents speak through whoever absorbed them. */
export function similarIncidents(to: IncidentView, past: readonly IncidentView[]): SimilarIncident[] {
  return past
    .filter(({ id, status, openedAt }) => id !== to.id && status !== "merged" && openedAt <= to.openedAt)
    .map((incident) => ({ incident, ...likenessOf(to, incident) }))
    .filter(({ score }) => score >= LEAST)
    .toSorted((a, b) => b.score - a.score || b.incident.seq - a.incident.seq);
}

function likenessOf(one: IncidentView, other: IncidentView): { score: number; by: Likeness[] } {
  if (one.environment !== other.environment) return { score: 0, by: [] };
  const by: Likeness[] = [];
  if (one.signature === other.signature) by.push("signature");
  if (overlap(servicesOf(one), servicesOf(other)) >= STRUCTURE_LEAST) by.push("structure");
  const kind = one.explained?.causes[0]?.changeKind ?? null;
  if (kind !== null && kind === other.explained?.causes[0]?.changeKind) by.push("change");
  return { score: by.reduce((sum, name) => sum + WEIGHTS[name], 0), by };
}

/** Those that it names, and those on the way from its cause. */
export function servicesOf({ services, explained, environment }: IncidentView): ReadonlySet<string> {
  const begins = `service:${environment}:`;
  const chain = explained?.causes[0]?.chain ?? [];
  const onTheWay = chain.filter((node) => node.startsWith(begins)).map((node) => node.slice(begins.length));
  return new Set([...services, ...onTheWay]);
}

function overlap(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  const shared = [...one].filter((service) => other.has(service)).length;
  return shared / (one.size + other.size - shared);
}
