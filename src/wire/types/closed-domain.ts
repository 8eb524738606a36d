// A part of production where nothing more runs, because a revert failed there.

/** Both names null: everywhere, once too many were closed to be told apart. */
export type ClosedDomain = {
  readonly environment: string | null;
  readonly service: string | null;
  /** The action that could not be taken back. */
  readonly because: string;
};
