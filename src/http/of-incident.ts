// Lists of what belongs to an incident: its own, and that of the incidents it absorbed, which keep the id they came under.

import type { ViewPage, ViewQuery, ViewReader } from "../wire/contracts/views.ts";
import type { ViewDocuments, ViewName } from "../wire/types/views.ts";

/** Absorbed incidents are named with at most 32 each; beyond these the oldest are left to their own ids. */
const INCIDENTS_MAX = 64;

/** One page, newest first, as if all of it had one id. */
export function listOfIncident<V extends ViewName>(
  reader: Pick<ViewReader, "find" | "list">,
  view: V,
  { filters, cursor, limit }: ViewQuery,
): ViewPage<ViewDocuments[V]> {
  const incidents = withAbsorbed(reader, filters["incident"] ?? "");
  const pages = incidents.map((incident) => reader.list(view, { filters: { ...filters, incident }, cursor, limit }));
  // A page that goes on says nothing of what is older than its end.
  const end = Math.max(0, ...pages.map(({ next }) => (next === null ? 0 : Number(next))));
  const known = pages
    .flatMap(({ items }) => items)
    .filter(({ seq }) => seq >= end)
    .toSorted((a, b) => b.seq - a.seq);
  const items = known.slice(0, limit);
  const isCut = known.length > limit;
  return { items, next: isCut ? String(items.at(-1)?.seq ?? 0) : end > 0 ? String(end) : null };
}

function withAbsorbed(reader: Pick<ViewReader, "find">, incident: string): readonly string[] {
  const all = new Set([incident]);
  for (const id of all) {
    for (const absorbed of reader.find("incidents", id)?.absorbed ?? []) {
      if (all.size < INCIDENTS_MAX) all.add(absorbed);
    }
  }
  return [...all];
}
