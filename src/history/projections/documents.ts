// The documents that projections work on: what changed since the last write, over a bounded cache of a view reader.

import type { ViewChange, ViewReader } from "../../wire/contracts/views.ts";
import { SETTLED, VIEW_FILTERS, type ViewDocuments, type ViewName } from "../../wire/types/views.ts";

/** Of each view. */
const CACHED_MAX = 10_000;

export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

type Shelf<V extends ViewName> = {
  /** As they are to be written; ours alone, and changed in place until then. */
  readonly unwritten: Map<string, ViewDocuments[V]>;
  /** As they are written. What was not written for longest is first. */
  readonly written: Map<string, ViewDocuments[V]>;
};
type Shelves = { readonly [V in ViewName]: Shelf<V> };

/** Not thread-safe by design: one follower folds, one `Documents` holds its unwritten changes. */
export class Documents {
  readonly #reader: Pick<ViewReader, "find">;
  readonly #shelves = Object.fromEntries(
    Object.keys(VIEW_FILTERS).map((view) => [view, { unwritten: new Map(), written: new Map() }]),
  ) as unknown as Shelves;

  constructor(reader: Pick<ViewReader, "find">) {
    this.#reader = reader;
  }

  find<V extends ViewName>(view: V, id: string): ViewDocuments[V] | null {
    const { unwritten, written }: Shelf<V> = this.#shelves[view];
    const known = unwritten.get(id) ?? written.get(id);
    if (known !== undefined) return known;
    const document = this.#reader.find(view, id);
    if (document !== null) written.set(id, document);
    return document;
  }

  /** Takes the document over: it may change in place until it is written. */
  put<V extends ViewName>(view: V, document: ViewDocuments[V]): void {
    const { unwritten }: Shelf<V> = this.#shelves[view];
    unwritten.set(document.id, document);
  }

  /** Changes a document where there is one; events about unknown things leave views as they are. */
  change<V extends ViewName>(view: V, id: string | null, to: (document: ViewDocuments[V]) => ViewDocuments[V]): void {
    const document = id === null ? null : this.find(view, id);
    if (document !== null) this.put(view, to(document));
  }

  /** The document to be changed in place, members alone and not what they hold; null where there is none. */
  edit<V extends ViewName>(view: V, id: string): Mutable<ViewDocuments[V]> | null {
    const { unwritten }: Shelf<V> = this.#shelves[view];
    const own = unwritten.get(id);
    if (own !== undefined) return own;
    const document = this.find(view, id);
    if (document === null) return null;
    const copy = { ...document };
    unwritten.set(id, copy);
    return copy;
  }

  /** What a write has to store: each changed document once, in order of its first change. */
  changes(): readonly ViewChange[] {
    const changes: ViewChange[] = [];
    for (const view of Object.keys(this.#shelves) as ViewName[]) {
      for (const document of this.#shelves[view].unwritten.values()) changes.push({ view, document } as ViewChange);
    }
    return changes;
  }

  /** The changes are stored: forgets those that have settled, and the documents written longest ago. */
  written(): void {
    for (const view of Object.keys(this.#shelves) as ViewName[]) this.#shelve(view, this.#shelves[view]);
  }

  #shelve(view: ViewName, { unwritten, written }: Shelf<ViewName>): void {
    const settled = SETTLED[view];
    for (const [id, document] of unwritten) {
      written.delete(id);
      if (settled === undefined || !("status" in document) || !settled.has(document.status)) written.set(id, document);
    }
    unwritten.clear();
    for (const id of written.keys()) {
      if (written.size <= CACHED_MAX) return;
      written.delete(id);
    }
  }

  /** Forgets everything, after the views were reset. */
  clear(): void {
    for (const { unwritten, written } of Object.values(this.#shelves)) {
      unwritten.clear();
      written.clear();
    }
  }
}
