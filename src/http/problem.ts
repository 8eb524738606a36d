// Every failure as a problem document (RFC 9457) from the one closed table.

import type { FastifyReply } from "fastify";
import { AppError, ERRORS, isAppError, type ErrorCode, type ErrorEntry } from "../core/errors.ts";

export const PROBLEM_TYPE = "application/problem+json";

export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
};

/** The document for an error; what is not an AppError says nothing about its cause. */
export function problemOf(error: unknown): Problem & { readonly facts?: unknown } {
  const known = isAppError(error) ? error : fromFramework(error);
  const entry: ErrorEntry = ERRORS[known.code];
  return {
    type: entry.type ?? `https://holdpoint.dev/errors/${known.code}`,
    title: entry.title,
    status: entry.status,
    code: known.code,
    detail: known.message,
    ...(Object.keys(known.facts).length === 0 ? {} : { facts: known.facts }),
  };
}

/** Fastify's own refusals, before any handler ran. */
function fromFramework(error: unknown): AppError {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  switch (code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new AppError("body-too-large", "send a smaller body");
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new AppError("content-type-unsupported", "send application/json");
    case "FST_ERR_CTP_EMPTY_JSON_BODY":
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
    case "FST_ERR_CTP_INVALID_JSON_BODY":
      return new AppError("body-malformed", "the body is empty or cut");
    case "ECONNRESET":
      return new AppError("body-malformed", "the body was cut");
    case "FST_ERR_BAD_URL":
    case "FST_ERR_MAX_PARAM_LENGTH":
      return new AppError("route-unknown", "the path is not a valid URL path, or part of it is too long");
    default:
      return new AppError("internal", "the cause is in the server's log");
  }
}

/** What is wrong with a proof of possession (RFC 9449 section 7.1). */
export const PROOF_ERRORS = [
  "dpop-proof-missing",
  "dpop-proof-invalid",
  "dpop-proof-mismatch",
  "dpop-proof-replayed",
] as const satisfies readonly ErrorCode[];

function challengeOf(code: ErrorCode): string {
  const isProof = (PROOF_ERRORS as readonly ErrorCode[]).includes(code);
  return isProof ? `DPoP error="invalid_dpop_proof", algs="EdDSA Ed25519 ES256"` : "Bearer";
}

export function sendProblem(reply: FastifyReply, error: unknown): FastifyReply {
  const problem = problemOf(error);
  if (problem.status === 401) void reply.header("www-authenticate", challengeOf(problem.code));
  if (isAppError(error) && typeof error.facts["retryAfterS"] === "number") {
    void reply.header("retry-after", String(error.facts["retryAfterS"]));
  }
  return reply.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}
