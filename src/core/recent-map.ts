// A bounded map: the entry unused for longest leaves first.

export class RecentMap<V extends object> {
  readonly #max: number;
  /** In order of last use, the oldest first. */
  readonly #map = new Map<string, V>();
  #newestKey = "";
  #newest: V | undefined;

  constructor(max: number) {
    this.#max = max;
  }

  /** The value, which counts as used now. */
  get(key: string): V | undefined {
    // Most uses repeat the last one. Comparing a long key costs less than hashing it, and a table whose only entry is
    // taken out and put back is built anew each time.
    if (key === this.#newestKey && this.#newest !== undefined) return this.#newest;
    const value = this.#map.get(key);
    if (value !== undefined) this.#append(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.#append(key, value);
    if (this.#map.size <= this.#max) return;
    const oldest = this.#map.keys().next();
    if (oldest.done !== true) this.#map.delete(oldest.value);
  }

  delete(key: string): void {
    this.#map.delete(key);
    if (key === this.#newestKey) this.#newest = undefined;
  }

  clear(): void {
    this.#map.clear();
    this.#newest = undefined;
  }

  #append(key: string, value: V): void {
    this.#map.delete(key);
    this.#map.set(key, value);
    this.#newestKey = key;
    this.#newest = value;
  }
}
