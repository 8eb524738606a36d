// From a receiver's answer to how far a delivery got: what everything that delivers over HTTP shares.

import { isAppError } from "../../core/errors.ts";
import type { Credentials } from "./credentials.ts";
import type { Answer } from "./egress.ts";
import type { Delivery } from "./export.ts";

const RETRY_AFTER_MAX_MS = 3_600_000;
const DELTA_SECONDS = /^\d{1,9}$/;
const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

export type Failure = NonNullable<Delivery["failure"]>;
export type Answered = Extract<Answer, { kind: "answered" }>;

/** Nothing more got there. Codes are of our own words or HTTP's: what a receiver says may repeat its token. */
export function failed(code: string, retryAfterMs: number | null = null): Failure {
  return { code, retryAfterMs };
}

/** Why a call was not answered with success. */
export function failureOf(answer: Answer, nowMs: number): Failure {
  if (answer.kind !== "answered") return failed(answer.code);
  const { status, retryAfter } = answer;
  if (status === 429 || status === 503) return failed("receiver-busy", retryAfterMs(retryAfter, nowMs));
  if (status === 401 || status === 403) return failed("credential-refused");
  return failed(`answered-${status}`, retryAfterMs(retryAfter, nowMs));
}

/** Retry-After (RFC 9110 §10.2.3), seconds or a date, in milliseconds from now: at most an hour; null without one. */
function retryAfterMs(header: string, nowMs: number): number | null {
  const text = header.trim();
  let delayMs = Number.NaN;
  if (DELTA_SECONDS.test(text)) delayMs = Number(text) * 1_000;
  else if (IMF_FIXDATE.test(text)) delayMs = Date.parse(text) - nowMs;
  return Number.isFinite(delayMs) ? Math.min(Math.max(delayMs, 0), RETRY_AFTER_MAX_MS) : null;
}

/** The JSON object in an answer, empty when it holds anything else. */
export function objectIn(answer: Answered): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(answer.body);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const HEADER_TEXT = /^[\x20-\x7e]{1,16384}$/;

/** A secret for one delivery; null when it is not there or not of the form that it is used in: a header's, unless given. */
export async function findSecret(credentials: Credentials, ref: string, form = HEADER_TEXT): Promise<string | null> {
  try {
    const secret = await credentials.get(ref);
    return form.test(secret) ? secret : null;
  } catch (error) {
    if (isAppError(error)) return null;
    throw error;
  }
}
