// Slack's Web API for notifications: one method, one answer, told apart by what it means for the next attempt.

import type { Clock } from "../../core/clock.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import { failureOf, findSecret, objectIn } from "../../wire/contracts/deliveries.ts";
import type { Answer, OutboundCall } from "../../wire/contracts/egress.ts";
import { slackErrorOf } from "../../wire/contracts/slack-errors.ts";
import type { SlackConfig } from "../../wire/schemas/notifiers-config.ts";

/**
 * `no`: Slack says that nothing was done, and why (https://docs.slack.dev/reference/methods). `failed`: nobody can tell
 * (`unsure`), or it was kept from being done for now.
 */
export type Said =
  | { readonly kind: "ok"; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: "no"; readonly code: string }
  | {
      readonly kind: "failed";
      readonly code: string;
      readonly retryAfterMs: number | null;
      readonly unsure: boolean;
    };

export interface SlackCallsParts {
  readonly config: Pick<SlackConfig, "tokenRef" | "timeoutMs">;
  readonly origin: string;
  readonly call: OutboundCall;
  readonly credentials: Credentials;
  readonly clock: Clock;
}

export class SlackCalls {
  readonly #parts: SlackCallsParts;

  constructor(parts: SlackCallsParts) {
    this.#parts = parts;
  }

  /** A method that changes something: its arguments as JSON. */
  write(method: string, body: JsonObject, signal: AbortSignal): Promise<Said> {
    const headers = { "content-type": "application/json; charset=utf-8" };
    return this.#ask({ method: "POST", path: `/api/${method}`, headers, body: JSON.stringify(body) }, signal);
  }

  /** A method that only reads: its arguments in the query, as reading methods take no JSON. */
  read(method: string, args: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Said> {
    const query = new URLSearchParams(args).toString();
    return this.#ask({ method: "GET", path: `/api/${method}?${query}`, headers: {} }, signal);
  }

  async #ask(
    request: {
      readonly method: "GET" | "POST";
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body?: string;
    },
    outer: AbortSignal,
  ): Promise<Said> {
    const { config, credentials, call, origin, clock } = this.#parts;
    const token = await findSecret(credentials, config.tokenRef);
    if (token === null) return { kind: "failed", code: "credential-missing", retryAfterMs: null, unsure: false };
    const headers = { ...request.headers, authorization: `Bearer ${token}` };
    const signal = AbortSignal.any([outer, AbortSignal.timeout(config.timeoutMs)]);
    return heard(await call({ ...request, origin, headers }, signal), clock.nowMs());
  }
}

function heard(answer: Answer, nowMs: number): Said {
  if (answer.kind !== "answered" || answer.status !== 200) {
    const unsure = answer.kind === "lost" || (answer.kind === "answered" && answer.status >= 500);
    return { kind: "failed", ...failureOf(answer, nowMs), unsure };
  }
  const body = objectIn(answer);
  if (body["ok"] === true) return { kind: "ok", body };
  const { meaning, code } = slackErrorOf(body);
  if (meaning === "refused") return { kind: "no", code };
  return { kind: "failed", retryAfterMs: null, code, unsure: meaning === "unsure" };
}
