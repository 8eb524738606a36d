// The documents that projections work on: a bounded cache over a view reader, with what changed since the last write.

import type { ViewChange, ViewReader } from "../../wire/contracts/views.ts";
import type { ViewDocuments, ViewName } from "../../wire/types/views.ts";

const CACHED_MAX = 20_000;

/** Not thread-safe by design: one follower folds, one `Documents` holds its unwritten changes. */
export class Documents {
  readonly #reader: Pick<ViewReader, "find">;
  readonly #cache = new Map<string, ViewChange>();
  readonly #changed = new Set<string>();

  constructor(reader: Pick<ViewReader, "find">) {
    this.#reader = reader;
  }

  find<V extends ViewName>(view: V, id: string): ViewDocuments[V] | null {
    const key = keyOf(view, id);
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached.document as ViewDocuments[V];
    const document = this.#reader.find(view, id);
    if (document !== null) this.#cache.set(key, { view, document } as ViewChange);
    return document;
  }

  put<V extends ViewName>(view: V, document: ViewDocuments[V]): void {
    const key = keyOf(view, document.id);
    // Moved to the newest place: what was not touched for longest leaves the cache first.
    this.#cache.delete(key);
    this.#cache.set(key, { view, document } as ViewChange);
    this.#changed.add(key);
  }

  /** Changes a document where there is one; events about unknown things leave views as they are. */
  change<V extends ViewName>(view: V, id: string | null, to: (document: ViewDocuments[V]) => ViewDocuments[V]): void {
    const document = id === null ? null : this.find(view, id);
    if (document !== null) this.put(view, to(document));
  }

  /** What a write has to store: each changed document once, in order of its first change. */
  changes(): readonly ViewChange[] {
    const changes: ViewChange[] = [];
    for (const key of this.#changed) {
      const change = this.#cache.get(key);
      if (change !== undefined) changes.push(change);
    }
    return changes;
  }

  /** The changes are stored: forgets them, and the documents touched longest ago. */
  written(): void {
    this.#changed.clear();
    for (const key of this.#cache.keys()) {
      if (this.#cache.size <= CACHED_MAX) return;
      this.#cache.delete(key);
    }
  }

  /** Forgets everything, after the views were reset. */
  clear(): void {
    this.#cache.clear();
    this.#changed.clear();
  }
}

function keyOf(view: ViewName, id: string): string {
  return `${view}/${id}`;
}
