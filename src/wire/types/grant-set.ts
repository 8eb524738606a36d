// Bounded grants: what an agent may do without asking again, how often and how much, until when (P6).

/** What a bounded grant covers; null stands for any service. */
export type GrantSetScope = {
  readonly agent: string;
  /** Kinds, `prefix.*` or `*`. */
  readonly kinds: readonly string[];
  readonly environments: readonly string[];
  readonly services: readonly string[] | null;
  /** Actions in all, and how much they may do together by their plans; null for no such bound. */
  readonly count: number;
  readonly size: number | null;
  /** Whose holds it stands for, and whose people therefore grant it. */
  readonly route: string;
  /** Milliseconds since the epoch: from this instant on it has no effect. */
  readonly expiresAt: number;
};
