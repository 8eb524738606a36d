// A maintenance silence: what it keeps quiet, and from when until when.

/** The operand of `silence.create`, as canonical JSON. Instants are milliseconds since the epoch. */
export type SilenceTerms = {
  readonly environment: string;
  /** Null: every service of the environment. */
  readonly service: string | null;
  /** Null: every failure. */
  readonly signature: string | null;
  readonly startsAt: number;
  readonly endsAt: number;
};
