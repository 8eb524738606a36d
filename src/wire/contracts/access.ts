// Denials that can be requested, and the handles of what became of them.

/** What a denied evaluation is bound to until it is requested. */
export interface AccessDenial {
  readonly evaluation: string;
  /** Identity that asked. */
  readonly caller: string;
  /** SHA-256 over the canonical call, lower-case hex. */
  readonly call: string;
  /** Members of the context that the call was made with: later ones are of the request, not of the call. */
  readonly context: readonly string[];
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export type AccessHandle = "arq" | "apr";
