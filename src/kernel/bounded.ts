// Bounded maps of state: the oldest entry leaves first, the same way on every replay.

/** Sets a key as the newest entry and evicts the oldest beyond `max`. */
export function setBounded<V>(map: Map<string, V>, entry: { key: string; value: V; max: number }): void {
  map.delete(entry.key);
  map.set(entry.key, entry.value);
  if (map.size <= entry.max) return;
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
}
