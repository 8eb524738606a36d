// One request to GitHub's REST API and its answer, told apart by what it means for a repeat.

import type { Octokit } from "octokit";
import type { Clock } from "../../core/clock.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Answer, LostCode, OutboundFetch, UnsentCode } from "../../wire/contracts/egress.ts";
import type { StepOutcome } from "../../wire/contracts/executor.ts";
import { readOutcome, writeOutcome, type Told } from "./step-outcomes.ts";

export const ANSWER_BYTES_MAX = 8_388_608;
const API_VERSION = "2022-11-28";
/** GitHub asks for a minute where it names no time (docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api). */
const SECONDARY_LIMIT_S = 60;
const UNSENT: ReadonlySet<string> = new Set<UnsentCode>([
  "origin-not-allowed",
  "aborted",
  "tls-untrusted",
  "unreachable",
]);
const LOST: ReadonlySet<string> = new Set<LostCode>(["timeout", "aborted", "connection-lost", "answer-too-large"]);

/** `status` 0: there was no answer. `asWrite` and `asRead`: how a step ends that goes no further. */
export interface Reply {
  readonly status: number;
  /** Of a 2xx with JSON. */
  readonly data: Json;
  /** What the answer quotes goes no further than this: GitHub's own short message, in lower case. */
  readonly message: string;
  readonly asWrite: StepOutcome;
  /** Nothing was written: what is unknown as a write may be asked again. */
  readonly asRead: StepOutcome;
}

export interface GithubWireParts {
  readonly origin: string;
  /** Of the configured address: empty, or `/api/v3` at an Enterprise Server. */
  readonly prefix: string;
  readonly fetch: OutboundFetch;
  readonly clock: Clock;
}

export class GithubWire {
  readonly #parts: GithubWireParts;
  #octokit: Promise<Octokit> | undefined;

  constructor(parts: GithubWireParts) {
    this.#parts = parts;
  }

  /** `route` is as GitHub documents it: `GET /repos/{owner}/{repo}`. Never throws. */
  async send(route: string, parameters: JsonObject, token: string, signal: AbortSignal): Promise<Reply> {
    const answer = await this.#send(route, { parameters, token }, signal);
    return replyOf({ answer, secrets: [token], nowMs: this.#parts.clock.nowMs() });
  }

  /** The library writes the request; what became of it is read from what really went over the wire. */
  async #send(
    route: string,
    { parameters, token }: { readonly parameters: JsonObject; readonly token: string },
    signal: AbortSignal,
  ): Promise<Answer> {
    let answer: Answer = { kind: "unsent", code: signal.aborted ? "aborted" : "unreachable" };
    const fetch: OutboundFetch = async (input, init) => {
      try {
        const response = await this.#parts.fetch(input, { ...init, signal });
        const body = await response.text();
        answer = answerOf(response, { body, nowMs: this.#parts.clock.nowMs() });
        return new Response(body === "" ? null : body, { status: response.status, headers: response.headers });
      } catch (error) {
        answer = failureOf(error, signal);
        throw error;
      }
    };
    try {
      const octokit = await this.#library();
      const headers = { authorization: `Bearer ${token}`, "x-github-api-version": API_VERSION };
      await octokit.request(route, { ...parameters, headers, request: { fetch, signal } });
    } catch {
      // `answer` says it all, also where the library throws for a status
    }
    return answer;
  }

  #library(): Promise<Octokit> {
    this.#octokit ??= this.#load();
    return this.#octokit;
  }

  /** Without its own repeats: what may be repeated is the kernel's to say. */
  async #load(): Promise<Octokit> {
    const { Octokit: Library } = await import("octokit");
    const nothing = (): void => undefined;
    return new Library({
      baseUrl: `${this.#parts.origin}${this.#parts.prefix}`,
      retry: { enabled: false },
      throttle: { enabled: false },
      log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    });
  }
}

function failureOf(error: unknown, signal: AbortSignal): Answer {
  const code = error instanceof TypeError ? error.message : "";
  if (UNSENT.has(code)) return { kind: "unsent", code: code as UnsentCode };
  if (LOST.has(code)) return { kind: "lost", code: code as LostCode };
  if (!signal.aborted) return { kind: "lost", code: "connection-lost" };
  const isTimeout = signal.reason instanceof Error && signal.reason.name === "TimeoutError";
  return { kind: "lost", code: isTimeout ? "timeout" : "aborted" };
}

function answerOf(response: Response, { body, nowMs }: { readonly body: string; readonly nowMs: number }): Answer {
  const { headers, status } = response;
  const json = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(headers.get("content-type") ?? "");
  const waitS = limitS(response, { body, nowMs });
  const retryAfter = headers.get("retry-after") ?? (waitS === null ? "" : String(waitS));
  // A limit is a limit, by whichever status: nothing was done, and the token is good.
  return { kind: "answered", status: waitS === null ? status : 429, json, body, retryAfter };
}

/** How long GitHub wants to be left alone, or null when the answer is about something else. */
function limitS({ headers, status }: Response, { body, nowMs }: { body: string; nowMs: number }): number | null {
  if (status !== 403 && status !== 429) return null;
  const after = headers.get("retry-after");
  if (after !== null) return Number(after) || SECONDARY_LIMIT_S;
  if (headers.get("x-ratelimit-remaining") === "0") {
    const resetS = Number(headers.get("x-ratelimit-reset"));
    return Number.isFinite(resetS) ? Math.max(1, Math.ceil(resetS - nowMs / 1_000)) : SECONDARY_LIMIT_S;
  }
  return /secondary rate limit/i.test(body) ? SECONDARY_LIMIT_S : null;
}

function replyOf(told: Told): Reply {
  const { answer } = told;
  const [asWrite, asRead] = [writeOutcome(told), readOutcome(told)];
  if (answer.kind !== "answered") return { status: 0, data: null, message: "", asWrite, asRead };
  const body = answer.json ? parsed(answer.body) : null;
  const isGood = answer.status >= 200 && answer.status < 300;
  const said = (body as { readonly message?: unknown } | null)?.message;
  const message = typeof said === "string" ? said.toLowerCase().slice(0, 300) : "";
  return { status: answer.status, data: isGood ? body : null, message, asWrite, asRead };
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}
