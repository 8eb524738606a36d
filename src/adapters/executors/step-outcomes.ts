// From an HTTP answer to the outcome of a step: what had no effect for certain, and what nobody can tell.

import { hideSecrets } from "../../core/hide-secrets.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { StepOutcome } from "../../wire/contracts/executor.ts";
import type { Answer } from "../../wire/contracts/egress.ts";

const EXCERPT_CHARS_MAX = 300;
const RETRY_AFTER_MIN_MS = 1_000;
const RETRY_AFTER_DEFAULT_MS = 5_000;
const RETRY_AFTER_MAX_MS = 3_600_000;
const DELTA_SECONDS = /^\d{1,9}$/;
const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** What was asked for, or how a step ends that has written nothing and goes no further. */
export type Got<T> =
  | { readonly kind: "got"; readonly value: T }
  | { readonly kind: "not"; readonly outcome: StepOutcome };

/** An answer, and the secrets that went with the call: what the target says must not carry them further. */
export interface Told {
  readonly answer: Answer;
  readonly secrets: readonly string[];
  /** Wall clock at the answer, for Retry-After dates. */
  readonly nowMs: number;
}

/**
 * How a write ended that was not accepted. A target's 5xx says that it failed, not that it did nothing, so it is
 * `unknown` like a lost connection; so is 303, which answers work that was done. Other redirects are not followed and
 * were not worked on.
 */
export function writeOutcome(told: Told): StepOutcome {
  const { answer } = told;
  if (answer.kind === "lost") return { status: "unknown", code: answer.code, detail: null };
  if (answer.kind === "unsent") return unsentOutcome(answer.code);
  const detail = detailOf(answer, told.secrets);
  const { status } = answer;
  if (status === 429) {
    return { status: "retry", afterMs: retryAfterMs(answer.retryAfter, told.nowMs), code: "rate-limited", detail };
  }
  if (status >= 500 || status === 408) return { status: "unknown", code: "target-error", detail };
  if (status === 401 || status === 403) return { status: "failed", code: "credential-refused", detail };
  if (status === 404) return { status: "failed", code: "target-not-found", detail };
  if (status >= 400) return { status: "failed", code: "target-refused", detail };
  if (status >= 300 && status !== 303) return { status: "failed", code: "redirected", detail };
  return { status: "unknown", code: "answer-unexpected", detail };
}

/** How a step ended whose question before the write got no usable answer: nothing was written, for certain. */
export function readOutcome(told: Told): StepOutcome {
  const outcome = writeOutcome(told);
  if (outcome.status !== "unknown") return outcome;
  return { status: "retry", afterMs: RETRY_AFTER_DEFAULT_MS, code: outcome.code, detail: outcome.detail };
}

function unsentOutcome(code: Extract<Answer, { kind: "unsent" }>["code"]): StepOutcome {
  switch (code) {
    case "origin-not-allowed":
    case "tls-untrusted":
      return { status: "failed", code, detail: null };
    case "aborted":
    case "unreachable":
      return { status: "retry", afterMs: RETRY_AFTER_DEFAULT_MS, code, detail: null };
  }
}

/** Retry-After (RFC 9110 §10.2.3), seconds or a date, in milliseconds from now: at least a second, at most an hour. */
function retryAfterMs(header: string, nowMs: number): number {
  const text = header.trim();
  let delayMs = RETRY_AFTER_DEFAULT_MS;
  if (DELTA_SECONDS.test(text)) delayMs = Number(text) * 1000;
  else if (IMF_FIXDATE.test(text)) {
    const atMs = Date.parse(text);
    if (Number.isFinite(atMs)) delayMs = atMs - nowMs;
  }
  return Math.min(Math.max(delayMs, RETRY_AFTER_MIN_MS), RETRY_AFTER_MAX_MS);
}

/** The JSON object in an answer, or undefined when it holds anything else. */
export function jsonObjectOf(answer: Answer): JsonObject | undefined {
  if (answer.kind !== "answered" || !answer.json) return undefined;
  try {
    const value = JSON.parse(answer.body) as Json;
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

/** Status, and what the target said about it: a short excerpt without the secrets of the call. */
function detailOf(answer: Extract<Answer, { kind: "answered" }>, secrets: readonly string[]): Json {
  const { status } = answer;
  // What refuses a credential is the likeliest to repeat it, in a form that no search would find.
  if (!answer.json || status === 401 || status === 403) return { status };
  const body = jsonObjectOf(answer);
  if (body === undefined) return { status };
  const said = [body["message"], body["errors"], body["error"]].flatMap((value) => textsOf(value ?? null));
  return said.length === 0 ? { status } : { status, said: withoutSecrets(said.join("; "), secrets) };
}

function textsOf(value: Json): readonly string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.slice(0, 8).filter((member) => typeof member === "string");
  if (typeof value !== "object" || value === null) return [];
  const { message, detail } = value as JsonObject;
  return [message, detail].filter((member) => typeof member === "string");
}

/** A short excerpt without the secrets in any form. Cut only after the search: half a secret would not be found. */
export function withoutSecrets(text: string, secrets: readonly string[], charsMax = EXCERPT_CHARS_MAX): string {
  return hideSecrets(text, secrets, "[secret]")
    .toWellFormed()
    .replace(/\p{Cc}+/gu, " ")
    .slice(0, charsMax)
    .toWellFormed();
}
