// Failures that a caller can act on: one closed table of codes. Only the HTTP edge reads `status`.

import type { JsonObject } from "./json.ts";

export interface ErrorEntry {
  readonly status: number;
  readonly title: string;
  /** The problem's own `type`, where a standard gives it one. */
  readonly type?: string;
  /** True when the process must stop: what it knows can no longer be trusted. */
  readonly fatal?: true;
}

export const ERRORS = {
  "request-malformed": { status: 400, title: "The bytes are not an HTTP request" },
  "headers-too-large": { status: 431, title: "The request headers are too large" },
  "request-timeout": { status: 408, title: "The request did not arrive in time" },
  "body-malformed": { status: 400, title: "The request body is not valid JSON in UTF-8" },
  "body-too-large": { status: 413, title: "The request body is larger than this route accepts" },
  "content-type-unsupported": { status: 415, title: "The content type is not one this route accepts" },
  "request-invalid": { status: 400, title: "The request does not match the published schema" },
  "query-invalid": { status: 400, title: "A query parameter is unknown or malformed" },
  "method-not-allowed": { status: 405, title: "This path does not answer that method" },
  "route-unknown": { status: 404, title: "No such path" },
  "token-missing": { status: 401, title: "The request carries no bearer token" },
  "token-invalid": { status: 401, title: "The token is malformed, expired, revoked or not for this server" },
  "dpop-proof-missing": { status: 401, title: "The token must come with a proof of its key" },
  "dpop-proof-invalid": { status: 401, title: "The proof of possession is not acceptable" },
  "dpop-proof-mismatch": { status: 401, title: "The proof is for another request, token or key" },
  "dpop-proof-replayed": { status: 401, title: "The proof has been used before" },
  "session-invalid": { status: 401, title: "The session has ended or never was" },
  "code-invalid": { status: 401, title: "The sign-in code is unknown, used or expired" },
  "sign-in-invalid": { status: 401, title: "The sign-in was not begun here, is too old or does not verify" },
  "sign-in-refused": { status: 403, title: "This person may not sign in here" },
  "logout-token-invalid": { status: 400, title: "The logout token is not acceptable" },
  "issuer-unreachable": { status: 503, title: "The identity provider could not be asked" },
  "csrf-refused": { status: 403, title: "A write with a session needs its own origin and header" },
  "people-only": { status: 403, title: "Only a person with a token of their own may do this" },
  "client-invalid": { status: 401, title: "The client assertion is not acceptable" },
  "grant-type-unsupported": { status: 400, title: "Only the client credentials grant is supported" },
  "scope-invalid": { status: 400, title: "The requested scope is unknown or not registered for this client" },
  "source-unknown": { status: 404, title: "No signal source of that name is configured" },
  "source-secret-invalid": { status: 401, title: "The source's secret is missing or wrong" },
  "scope-insufficient": { status: 403, title: "The identity lacks the scope this needs" },
  "memory-withheld": { status: 403, title: "The policy in force shows this memory to others" },
  "memory-expired": { status: 410, title: "The time for which this is remembered is over" },
  "not-eligible": { status: 403, title: "This identity may not answer this hold" },
  "self-approval": { status: 403, title: "The proposer never approves its own action" },
  "agent-unregistered": { status: 403, title: "The agent is not registered" },
  "agent-revoked": { status: 403, title: "The agent, or one above it, has been revoked" },
  "signature-missing": { status: 403, title: "An agent's proposal carries no signature" },
  "signature-stale": { status: 403, title: "The signature was made too long ago, or is from the future" },
  "signature-replayed": { status: 409, title: "The signature's id was used for another proposal" },
  "model-undeclared": { status: 403, title: "The agent is not registered with that model" },
  "declaration-exceeded": { status: 403, title: "The agent is not registered for what it proposes" },
  "volume-exceeded": { status: 429, title: "The agent proposes more than it is registered for" },
  "signature-invalid": { status: 403, title: "The signature does not verify" },
  "delegation-exceeded": { status: 403, title: "An agent never has more than the one above it" },
  "rights-revoked": { status: 403, title: "The person has lost all rights here" },
  "rights-not-found": { status: 404, title: "Nobody of that id has rights here" },
  "agent-not-found": { status: 404, title: "No such agent" },
  "signal-not-found": { status: 404, title: "No such signal" },
  "silence-not-found": { status: 404, title: "No such silence" },
  "storm-not-found": { status: 404, title: "No such storm" },
  "incident-not-found": { status: 404, title: "No such incident" },
  "run-not-found": { status: 404, title: "No such triage run" },
  "action-not-found": { status: 404, title: "No such action" },
  "brake-not-found": { status: 404, title: "No such brake" },
  "model-node-not-found": { status: 404, title: "The runtime model knows no such node" },
  "model-full": { status: 507, title: "The runtime model has no room for more" },
  "model-unavailable": { status: 503, title: "The runtime model cannot be asked" },
  "event-not-found": { status: 404, title: "No such ledger event" },
  "tile-not-found": { status: 404, title: "No such tile" },
  "action-kind-unknown": { status: 422, title: "No executor offers that action kind" },
  "target-moved": { status: 409, title: "The target has changed since" },
  "target-unavailable": { status: 503, title: "The system that the action is about could not be asked" },
  "target-not-found": { status: 404, title: "What the action is about does not exist" },
  "target-forbidden": { status: 403, title: "The system that the action is about does not let Holdpoint do this" },
  "target-owned": { status: 409, title: "Somebody else sets what the action would change" },
  "target-refused": { status: 422, title: "The system that the action is about refuses the change" },
  "plan-too-large": { status: 422, title: "The plan is too large to be decided about" },
  "arguments-invalid": { status: 422, title: "The arguments do not match the action kind's schema" },
  "secret-detected": { status: 422, title: "The proposal contains what looks like a secret" },
  "name-suspicious": { status: 422, title: "A name contains characters that imitate others or cannot be seen" },
  "action-not-held": { status: 409, title: "The action is not waiting for an answer" },
  "action-not-cancellable": { status: 409, title: "The action can no longer be cancelled" },
  "action-not-revertible": { status: 409, title: "There is nothing of this action that could be taken back" },
  "action-not-advice": { status: 409, title: "There is no advice of this action that could be labelled" },
  "document-missing": { status: 404, title: "The action has no document" },
  "confirmation-missing": { status: 422, title: "Approving this takes the name of its target, typed" },
  "plan-mismatch": { status: 409, title: "The answer names another plan than the one on hold" },
  "approval-not-found": { status: 404, title: "There is no approval of this person to take back" },
  "break-glass-unavailable": { status: 409, title: "There is no emergency exit for this action" },
  "review-not-found": { status: 404, title: "No such review" },
  "approver-not-found": { status: 404, title: "No such approver" },
  "evidence-unknown": { status: 422, title: "The evidence named is not there to be read" },
  "window-invalid": { status: 422, title: "No action could begin in this window" },
  "grant-not-found": { status: 404, title: "No such grant" },
  "grant-ended": { status: 409, title: "Nothing begins under this grant any more" },
  "level-not-found": { status: 404, title: "No such grant of level" },
  "review-closed": { status: 409, title: "This review has been given" },
  "already-answered": { status: 409, title: "This person has already answered this hold" },
  "idempotency-conflict": { status: 422, title: "This idempotency key was used for a different request" },
  "killswitch-conflict": { status: 409, title: "The kill switch is not in a state that allows this" },
  "policy-invalid": { status: 422, title: "The policy does not load" },
  "policy-not-found": { status: 404, title: "No such policy bundle" },
  "payload-erased": { status: 410, title: "The payload has been erased" },
  "access-not-requestable": {
    status: 400,
    title: "The denied access is not one that can be requested",
    type: "urn:openid:authzen:access-request:error:not_requestable",
  },
  "access-denial-expired": {
    status: 410,
    title: "The denial can no longer be requested",
    type: "urn:openid:authzen:access-request:error:expired_denial",
  },
  "access-binding-invalid": {
    status: 400,
    title: "The request is not about the access that was denied",
    type: "urn:openid:authzen:access-request:error:invalid_denial_binding",
  },
  "access-request-duplicate": {
    status: 409,
    title: "This idempotency key was used for another access request",
    type: "urn:openid:authzen:access-request:error:duplicate_request",
  },
  "access-task-unknown": {
    status: 404,
    title: "No such access request",
    type: "urn:openid:authzen:access-request:error:unknown_task",
  },
  "access-task-state": {
    status: 409,
    title: "The access request has ended, or can no longer be cancelled",
    type: "urn:openid:authzen:access-request:error:invalid_task_state",
  },
  "rate-limited": { status: 429, title: "Too many requests" },
  overloaded: { status: 503, title: "The server is taking no more work at this moment" },
  "not-ready": { status: 503, title: "The server is starting or stopping" },
  "views-behind": { status: 503, title: "The read views have not caught up with the ledger in time" },
  "commit-unknown": {
    status: 503,
    title: "Whether the ledger kept this is unknown; retry with the same idempotency key",
  },
  "store-unavailable": { status: 503, title: "The ledger store does not accept writes" },
  "store-conflict": { status: 503, title: "Another writer has appended to the ledger", fatal: true },
  "store-newer": { status: 500, title: "The store was written by a newer version", fatal: true },
  "ledger-corrupt": { status: 500, title: "The ledger does not verify", fatal: true },
  "clock-behind": { status: 503, title: "The clock is behind the ledger by more than is safe" },
  "clock-suspect": { status: 503, title: "The clock jumped forward; deadlines wait for confirmation" },
  "config-invalid": { status: 500, title: "The configuration is not usable", fatal: true },
  internal: { status: 500, title: "Something went wrong on our side" },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** A failure with a code from the closed table. `facts` hold no secrets: they reach the caller. */
export class AppError extends Error {
  override name = "AppError";
  readonly code: ErrorCode;
  readonly facts: JsonObject;

  constructor(code: ErrorCode, detail: string, facts: JsonObject = {}, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.code = code;
    this.facts = facts;
  }
}

export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code);
}
