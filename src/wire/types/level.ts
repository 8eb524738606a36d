// Levels: how much an agent may do by itself, for which kinds of action and where (T1).

/** 0 advisory, 1 assisted execution, 2 conditional autonomy, 3 scoped autonomy. */
export type Level = 0 | 1 | 2 | 3;

export const LEVEL_MAX: Level = 3;

/** What a grant of level covers; null stands for any environment, or any service. */
export interface LevelScope {
  readonly agent: string;
  /** Kinds, `prefix.*` or `*`. */
  readonly kinds: readonly string[];
  readonly environments: readonly string[] | null;
  readonly services: readonly string[] | null;
  readonly level: Level;
  /** Milliseconds since the epoch: from this instant on it has no effect. */
  readonly expiresAt: number;
}
