// Reads again what is old. What is being read at that moment is read once more afterwards: its answer may be older yet.

import type { Query, QueryClient, QueryFilters } from "@tanstack/react-query";

/** What is to be read again as soon as the answer that is on its way has come. */
const awaited = new WeakSet<Query>();

export function readAgain(queries: QueryClient, filters: QueryFilters = {}): void {
  const reading = queries.getQueryCache().findAll({ ...filters, fetchStatus: "fetching" });
  void queries.invalidateQueries(filters, { cancelRefetch: false });
  for (const query of reading) {
    if (awaited.has(query)) continue;
    awaited.add(query);
    const onSettled = (): void => {
      awaited.delete(query);
      void queries.invalidateQueries({ queryKey: query.queryKey, exact: true }, { cancelRefetch: false });
    };
    // Nothing new is begun: this is what is under way.
    void query.fetch().then(onSettled, onSettled);
  }
}
