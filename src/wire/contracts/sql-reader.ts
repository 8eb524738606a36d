// Reading from a database that somebody else runs, to see whether it is as it should be.

/** `code` says why there is no answer: `unreachable`, `credential-refused`, `lost` or an SQLSTATE. */
export type SqlRead =
  | { readonly kind: "rows"; readonly rows: readonly (readonly unknown[])[] }
  | { readonly kind: "none"; readonly code: string };

export interface SqlReader {
  /** Runs one query that can change nothing. Never rejects for what the database did. */
  read(query: string, signal: AbortSignal): Promise<SqlRead>;
}
