// Why a model gave no answer, from whatever the SDK and the way out throw: a code, and whether trying again may help.

import type { TokenUsage } from "../../wire/contracts/classifier.ts";

export type FailureCode =
  | "timeout"
  | "unreachable"
  | "tls-untrusted"
  | "origin-not-allowed"
  | "connection-lost"
  | "answer-too-large"
  | "rate-limited"
  | "provider-error"
  | "request-refused"
  | "credential-missing"
  | "credential-refused"
  | "answer-unreadable"
  | "answer-empty"
  | "refused"
  | "truncated"
  | "circuit-open"
  | "limit-reached";

/** `moment`: another call may end better. `model`: this very question may, another model may; the provider is well. */
const NATURE: Readonly<Record<FailureCode, "moment" | "provider" | "model" | "ours">> = {
  timeout: "provider",
  unreachable: "moment",
  "tls-untrusted": "provider",
  "origin-not-allowed": "ours",
  "connection-lost": "moment",
  "answer-too-large": "provider",
  "rate-limited": "moment",
  "provider-error": "moment",
  "request-refused": "provider",
  "credential-missing": "ours",
  "credential-refused": "provider",
  "answer-unreadable": "provider",
  "answer-empty": "model",
  refused: "model",
  truncated: "model",
  "circuit-open": "ours",
  "limit-reached": "ours",
};

export class ModelFailure extends Error {
  readonly code: FailureCode;
  /** What the provider asked to wait, null when it did not. */
  readonly retryAfterMs: number | null;
  /** Null when nobody knows: the call may have cost what it was meant to. */
  readonly usage: TokenUsage | null;

  constructor(code: FailureCode, facts: { retryAfterMs?: number | null; usage?: TokenUsage | null } = {}) {
    super(code);
    this.code = code;
    this.retryAfterMs = facts.retryAfterMs ?? null;
    this.usage = facts.usage ?? null;
  }

  get mayPass(): boolean {
    return NATURE[this.code] === "moment";
  }

  /** Whether it says that the provider is in trouble. */
  get countsAgainstProvider(): boolean {
    return NATURE[this.code] === "moment" || NATURE[this.code] === "provider";
  }
}

/** True when no request left: nothing was used. */
export function isUnsent({ code }: ModelFailure): boolean {
  return NATURE[code] === "ours" || code === "unreachable" || code === "tls-untrusted" || code === "rate-limited";
}

const OUTBOUND_CODES = new Set<string>([
  "unreachable",
  "tls-untrusted",
  "origin-not-allowed",
  "connection-lost",
  "answer-too-large",
] satisfies FailureCode[]);
const CAUSES_MAX = 8;

/** The failure behind `error`; `nowMs` is the wall clock, for Retry-After dates. Nothing that it says is repeated. */
export function toModelFailure(error: unknown, signal: AbortSignal, nowMs: number): ModelFailure {
  if (error instanceof ModelFailure) return error;
  if (signal.aborted) return new ModelFailure("timeout");
  for (let at = error, depth = 0; at instanceof Error && depth < CAUSES_MAX; at = at.cause, depth++) {
    if (at instanceof ModelFailure) return at;
    if (OUTBOUND_CODES.has(at.message)) return new ModelFailure(at.message as FailureCode);
    const failed = answeredFailure(at, nowMs);
    if (failed !== null) return failed;
  }
  return new ModelFailure("answer-unreadable");
}

/** The SDK's APICallError, known by its shape: what the provider answered instead of an answer. */
function answeredFailure(error: Error, nowMs: number): ModelFailure | null {
  const { statusCode, responseHeaders } = error as { statusCode?: unknown; responseHeaders?: Record<string, string> };
  if (typeof statusCode !== "number") return null;
  const retryAfterMs = parseRetryAfter(responseHeaders?.["retry-after"], nowMs);
  if (statusCode === 429) return new ModelFailure("rate-limited", { retryAfterMs });
  if (statusCode >= 500) return new ModelFailure("provider-error", { retryAfterMs });
  if (statusCode === 401 || statusCode === 403) return new ModelFailure("credential-refused");
  return new ModelFailure(statusCode >= 300 ? "request-refused" : "answer-unreadable");
}

const RETRY_AFTER_MAX_MS = 3_600_000;

/** RFC 9110 section 10.2.3: seconds or a date. Null for anything else. */
function parseRetryAfter(text: string | undefined, nowMs: number): number | null {
  if (text === undefined) return null;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), RETRY_AFTER_MAX_MS);
}
