// Slack's Web API: one method, one answer, told apart by what it means for a repeat.

import type { Clock } from "../../core/clock.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { Reach } from "../../wire/contracts/executor.ts";
import type { Answer, OutboundCall } from "../../wire/contracts/egress.ts";
import { slackErrorOf } from "../../wire/contracts/slack-errors.ts";
import { missingReach } from "./reach.ts";
import { readSecret } from "./secret-reading.ts";
import { jsonObjectOf, writeOutcome } from "./step-outcomes.ts";

/**
 * `no`: refused, and nothing was done; `passing` when trying again may help. `unsure`: nobody can tell whether it was done.
 * `code` is Slack's own error (https://docs.slack.dev/reference/methods) or one of the executors' codes.
 */
export type Said =
  | { readonly kind: "ok"; readonly body: JsonObject }
  | { readonly kind: "no"; readonly code: string; readonly passing: boolean; readonly afterMs: number }
  | { readonly kind: "unsure"; readonly code: string; readonly afterMs: number };

export interface SlackParts {
  readonly origin: string;
  readonly tokenRef: string;
  readonly egress: OutboundCall;
  readonly credentials: Credentials;
  readonly clock: Clock;
}

const AGAIN_MS = 5_000;
export class SlackApi {
  readonly #parts: SlackParts;

  constructor(parts: SlackParts) {
    this.#parts = parts;
  }

  /** A method that changes something: its arguments as JSON. */
  write(method: string, body: JsonObject, signal: AbortSignal): Promise<Said> {
    const headers = { "content-type": "application/json; charset=utf-8" };
    return this.#call({ method: "POST", path: `/api/${method}`, headers, body: JSON.stringify(body) }, signal);
  }

  /** A method that only reads: its arguments in the query, as reading methods take no JSON. */
  read(method: string, args: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Said> {
    const query = new URLSearchParams(args).toString();
    return this.#call({ method: "GET", path: `/api/${method}${query === "" ? "" : `?${query}`}`, headers: {} }, signal);
  }

  /** Whether Slack takes the token (https://docs.slack.dev/reference/methods/auth.test). */
  async probe(target: string, signal: AbortSignal): Promise<Reach> {
    const said = await this.write("auth.test", {}, signal);
    if (said.kind === "ok") return { target, status: "ready", code: "" };
    if (said.code === "credential-missing") return missingReach(target);
    return { target, status: said.code === "credential-refused" ? "refused" : "away", code: said.code };
  }

  async #call(
    call: {
      readonly method: "GET" | "POST";
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body?: string;
    },
    signal: AbortSignal,
  ): Promise<Said> {
    const { credentials, egress, origin, tokenRef, clock } = this.#parts;
    const token = await readSecret(credentials, tokenRef, signal);
    if (token === undefined && signal.aborted) return { kind: "no", code: "aborted", passing: true, afterMs: AGAIN_MS };
    if (token === undefined) return { kind: "no", code: "credential-missing", passing: false, afterMs: 0 };
    const headers = { ...call.headers, authorization: `Bearer ${token}` };
    const answer = await egress({ ...call, origin, headers }, signal);
    return heard(answer, { secrets: [token], nowMs: clock.nowMs() });
  }
}

function heard(answer: Answer, told: { readonly secrets: readonly string[]; readonly nowMs: number }): Said {
  if (answer.kind !== "answered" || answer.status !== 200) {
    const outcome = writeOutcome({ answer, ...told });
    if (outcome.status === "retry") return { kind: "no", code: outcome.code, passing: true, afterMs: outcome.afterMs };
    if (outcome.status === "failed") return { kind: "no", code: outcome.code, passing: false, afterMs: 0 };
    return { kind: "unsure", code: "code" in outcome ? outcome.code : "answer-unexpected", afterMs: AGAIN_MS };
  }
  const body = jsonObjectOf(answer);
  if (body?.["ok"] === true) return { kind: "ok", body };
  const { meaning, code } = slackErrorOf(body);
  if (meaning === "unsure") return { kind: "unsure", code, afterMs: AGAIN_MS };
  const passing = meaning === "passing";
  return { kind: "no", code, passing, afterMs: passing ? AGAIN_MS : 0 };
}
