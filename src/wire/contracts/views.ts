// What Holdpoint needs of a view store: documents by id, lists by filter, all of it disposable.

import type { CountedView, ViewDocuments, ViewName } from "../types/views.ts";

export const VIEW_PAGE_MAX = 200;

/** The page of a list, newest first. */
export interface ViewQuery {
  /** Field to value, all of which must be equal. `query-invalid` for a name that the view does not filter by. */
  readonly filters: Readonly<Record<string, string>>;
  /** `next` of the page before, or null for the first. */
  readonly cursor: string | null;
  /** 1 to 200. */
  readonly limit: number;
}

export interface ViewPage<T> {
  readonly items: readonly T[];
  /**
   * Cursor of the next page, null at the end. A page may be short, even empty, and still have a next one: where several
   * filters rarely meet, one read looks at a bounded number of documents.
   */
  readonly next: string | null;
}

/** Reads are synchronous and bounded. A reader may trail the ledger: `position` says how far it got. */
export interface ViewReader {
  /** Number of ledger events folded into what is read now. */
  position(): number;
  /** The document, or null. */
  find<V extends ViewName>(view: V, id: string): ViewDocuments[V] | null;
  list<V extends ViewName>(view: V, query: ViewQuery): ViewPage<ViewDocuments[V]>;
  /** How many documents of the view have each status. */
  counts(view: CountedView): Readonly<Record<string, number>>;
  close(): void;
}

/** A document as it is now, new or changed. Its `id`, `seq` and filter fields other than those of a state never change. */
export type ViewChange = {
  readonly [V in ViewName]: { readonly view: V; readonly document: ViewDocuments[V] };
}[ViewName];

export interface ViewStore extends ViewReader {
  /**
   * Stores all changes and the new position, or nothing. Documents begun since the last write have a `seq` from the
   * position before on, and all others were stored before: that is how the store knows the new ones.
   */
  write(changes: readonly ViewChange[], position: number): void;
  /** Forgets everything; the position is 0 again. */
  reset(): void;
}
