// What adapters need of the one way out: an answer-shaped call, and a function shaped like fetch, each to one origin.

import type { Socket } from "node:net";

/** Whom a call trusts and as whom it comes, where that is not what the system's own roots and no certificate say. PEM. */
export interface TlsTerms {
  /** These roots instead of the system's. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** The name that the other side's certificate must be for. */
  readonly serverName?: string;
}

export interface OutboundRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly origin: string;
  /** Begins with `/`; holds the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly tls?: TlsTerms;
}

/**
 * What became of a call. `unsent`: no byte of the request left this process, so it had no effect. `lost`: it may have
 * arrived, and nobody can tell. `answered`: whole headers and a whole body of at most 64 KiB, or as was asked for.
 */
export type Answer =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly json: boolean;
      readonly body: string;
      readonly retryAfter: string;
      /** As it came, where one came. */
      readonly etag?: string;
    }
  | { readonly kind: "unsent"; readonly code: UnsentCode }
  | { readonly kind: "lost"; readonly code: LostCode };

export type UnsentCode = "origin-not-allowed" | "aborted" | "tls-untrusted" | "unreachable";
export type LostCode = "timeout" | "aborted" | "connection-lost" | "answer-too-large";

/** Never throws: every end of a call is an Answer. Aborting `signal` ends the call at once. */
export type OutboundCall = (request: OutboundRequest, signal: AbortSignal) => Promise<Answer>;

/**
 * Shaped like the global `fetch`, for libraries that take one. Bodies are whole texts or bytes, both ways. Rejects with
 * a TypeError whose message is an UnsentCode or a LostCode, or with the signal's reason. Redirects are answers.
 */
export type OutboundFetch = typeof globalThis.fetch;

/**
 * A bare connection, for protocols that are not HTTP; aborting `signal` destroys it, also later. Rejects with a TypeError
 * whose message is an UnsentCode. Whoever uses it asks for TLS on it, where it leaves this machine.
 */
export type OutboundConnect = (signal: AbortSignal) => Promise<Socket>;

/** How an answer that comes line by line ended. `refused`: its status was no success, and no line was given. */
export type StreamEnd =
  | { readonly kind: "ended" }
  | { readonly kind: "refused"; readonly status: number }
  | Exclude<Answer, { readonly kind: "answered" }>;

/** Never throws, but what `onLine` throws, which ends the call. Lines are without their ends, and bounded. */
export type OutboundStream = (
  request: OutboundRequest,
  onLine: (line: string) => void,
  signal: AbortSignal,
) => Promise<StreamEnd>;

export interface StreamLimits {
  readonly lineBytesMax: number;
}

export interface FetchLimits {
  readonly answerBytesMax: number;
}

/** The one way out. What an adapter gets leads to one origin, and only while the allow-list names that origin. */
export interface Egress {
  callTo(origin: string, limits?: FetchLimits): OutboundCall;
  fetchTo(origin: string, limits: FetchLimits): OutboundFetch;
  /** For answers that do not end by themselves. */
  streamTo(origin: string, limits: StreamLimits): OutboundStream;
  /** `address` is as `parseTcpAddress` writes it. */
  connectTo(address: string): OutboundConnect;
}
