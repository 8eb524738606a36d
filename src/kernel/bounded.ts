// Bounded maps of state: the oldest entry leaves first, the same way on every replay.

/** Sets a key as the newest entry and evicts the oldest beyond `max`. */
export function setBounded<V>(map: Map<string, V>, entry: { key: string; value: V; max: number }): void {
  map.delete(entry.key);
  map.set(entry.key, entry.value);
  if (map.size <= entry.max) return;
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
}

/**
 * The keys of a table that many share, by whose they are, each in the order of the table. When the table is full, the
 * one who takes the most room makes it: a flood pushes out its own entries and nobody else's.
 */
export type Shares = Map<string, Set<string>>;

/** Puts a key at the end of its owner's share. */
export function addShare(shares: Shares, owner: string, key: string): void {
  const share = shares.get(owner);
  if (share === undefined) return void shares.set(owner, new Set([key]));
  share.delete(key);
  share.add(key);
}

export function dropShare(shares: Shares, owner: string, key: string): void {
  const share = shares.get(owner);
  if (share?.delete(key) === true && share.size === 0) shares.delete(owner);
}

/**
 * The share that has to make room for one more of `owner`'s when the table holds `size`: its own when that is at least
 * an equal part, else the largest (of equal ones the first by name, so that a replay finds the same).
 */
export function shareToCut(shares: Shares, owner: string, size: number): ReadonlySet<string> {
  const own = shares.get(owner);
  if (own !== undefined && own.size * shares.size >= size) return own;
  let largest: { name: string; share: ReadonlySet<string> } = { name: "", share: new Set() };
  for (const [name, share] of shares) {
    const isLarger = share.size > largest.share.size || (share.size === largest.share.size && name < largest.name);
    if (isLarger) largest = { name, share };
  }
  return largest.share;
}
