// Where the diff between two versions of a repository comes from.

export interface DiffAsk {
  /** `owner/name`. */
  readonly repository: string;
  readonly base: string;
  readonly head: string;
}

/** A unified diff, and how many files it does not show; or why there is none. */
export type DiffAnswer = { readonly diff: string; readonly unshown: number } | { readonly code: string };

export interface DiffReader {
  /** Never throws. */
  compare(ask: DiffAsk, signal: AbortSignal): Promise<DiffAnswer>;
}
