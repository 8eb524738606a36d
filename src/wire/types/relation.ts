// What the runtime model measured between services that fail at the same time.

/** Services that are asked about at once, and answers that are recorded. */
export const RELATED_SERVICES_MAX = 24;
export const RELATIONS_MAX = 64;

/** When `cause` fails, at least `lowPpm` of a million requests of `effect` fail with it: the lower bound of what was measured. */
export type Relation = {
  readonly cause: string;
  readonly effect: string;
  readonly lowPpm: number;
};

export type Relations = {
  /** How many of the model's events were known. */
  readonly modelVersion: number;
  /** Empty where telemetry is old, or nothing was ever measured between them. */
  readonly relations: readonly Relation[];
};
