// Calls to the one configured server: a fresh token per command, a time limit, a bound on answers, problems as errors.

import { setTimeout as sleep } from "node:timers/promises";
import { signAssertion } from "../adapters/identity/client-assertions.ts";
import { signProof } from "../adapters/identity/dpop-proofs.ts";
import type { Clock } from "../core/clock.ts";
import type { Json, JsonObject } from "../core/json.ts";
import type { Random } from "../core/random.ts";
import type { PrivateJwk } from "../wire/schemas/identity.ts";
import { CliError, ProblemError } from "./cli-error.ts";
import { readStoredToken, readClientKey } from "./credentials.ts";
import { EXIT } from "./exit-codes.ts";
import { Fields } from "./fields.ts";
import { hintFor } from "./hints.ts";
import type { Settings } from "./settings.ts";
import { readSession } from "./stored-session.ts";

const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
const READS_MAX = 4;
const READ_AGAIN_MS = 500;
const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

export type ApiRequest = {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  /** Below the server's origin, each part encoded: see `apiPath`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
};

/** `date`: when the server says it answered, milliseconds since the epoch, to the second. */
export type ApiAnswer = {
  readonly status: number;
  readonly body: Json;
  readonly date: number | null;
  /** Each `Set-Cookie`. */
  readonly cookies: readonly string[];
};

type Parts = {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly stop: AbortSignal;
};

/** A path of which every part is data: no part can leave its place. */
export function apiPath(...parts: readonly string[]): string {
  return `/${parts.map(encodePart).join("/")}`;
}

function encodePart(part: string): string {
  // URL parsing would resolve these two, however they are encoded.
  if (part === "." || part === ".." || part === "")
    throw new CliError(`${JSON.stringify(part)} is no name`, { exitCode: EXIT.usage });
  return encodeURIComponent(part);
}

export class ApiClient {
  readonly #parts: Parts;
  #token: string | null = null;
  /** The key that the token is bound to, null for a bearer token. */
  #boundTo: PrivateJwk | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get server(): string {
    return this.#parts.settings.server;
  }

  /** A fresh access token, or the one that the environment names. Kept in memory for this command alone. */
  async token(): Promise<string> {
    this.#token ??= readStoredToken(this.#parts.settings) ?? (await this.#requestToken());
    return this.#token;
  }

  /** The session that the person signed in to, where no client and no token is configured. */
  #session(): string | null {
    const { settings } = this.#parts;
    const isConfigured = settings.client !== null || settings.token !== null || settings.tokenFile !== null;
    return isConfigured ? null : readSession(settings);
  }

  /** What a page of the server's own sends. */
  #asBrowser(cookie: string): Record<string, string> {
    return { cookie, origin: this.server, "x-holdpoint-csrf": "1" };
  }

  async #proof(request: { method: string; url: URL; token: string | null }): Promise<Record<string, string>> {
    if (this.#boundTo === null) return {};
    const { clock, random } = this.#parts;
    const url = request.url.origin + request.url.pathname;
    return { dpop: await signProof(this.#boundTo, { ...request, url, clock, random }) };
  }

  /** Calls with a token; throws ProblemError for a problem document, `unreachable` when there is no answer. */
  async call(request: ApiRequest): Promise<ApiAnswer> {
    const cookie = this.#session();
    if (cookie !== null) return this.open({ ...request, headers: { ...request.headers, ...this.#asBrowser(cookie) } });
    try {
      return await this.#callWithToken(request);
    } catch (error) {
      // Tokens live for minutes, and a command may wait for longer. What was refused for its token did nothing.
      const isOver = error instanceof ProblemError && error.code === "token-invalid";
      if (!isOver || readStoredToken(this.#parts.settings) !== null) throw error;
      this.#token = null;
      return this.#callWithToken(request);
    }
  }

  async #callWithToken(request: ApiRequest): Promise<ApiAnswer> {
    const token = await this.token();
    const authorization = this.#boundTo === null ? `Bearer ${token}` : `DPoP ${token}`;
    const proof = await this.#proof({ method: request.method ?? "GET", url: this.#url(request), token });
    return this.open({ ...request, headers: { ...request.headers, ...proof, authorization } });
  }

  /** A read is asked again, a few times, while the views are behind: the server has waited for them each time. */
  async get(path: string, query: ApiRequest["query"] = {}): Promise<Json> {
    for (let asked = 1; ; asked++) {
      try {
        return (await this.call({ path, query })).body;
      } catch (error) {
        if (!(error instanceof ProblemError) || error.code !== "views-behind" || asked === READS_MAX) throw error;
      }
      await sleep(READ_AGAIN_MS, undefined, { signal: this.#parts.stop }).catch(() => undefined);
    }
  }

  async document(path: string, query: ApiRequest["query"] = {}): Promise<Fields> {
    return new Fields(await this.get(path, query));
  }

  /** Calls without a token: health and discovery. */
  async open(request: ApiRequest): Promise<ApiAnswer> {
    const { method = "GET", body, headers = {} } = request;
    return this.#send(this.#url(request), {
      method,
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** A text that anybody may read. */
  async openText(path: string): Promise<string> {
    const { status, text } = await this.#fetch(this.#url({ path }), { headers: { accept: "text/plain" } });
    if (status === 200) return text;
    throw new CliError(`the server answered with status ${status}`);
  }

  /** How far the server's clock is ahead of ours; null when it does not tell. */
  async clockSkewMs(): Promise<number | null> {
    const { date } = await this.open({ path: "/livez" });
    return date === null ? null : date - this.#parts.clock.nowMs();
  }

  #url({ path, query = {} }: ApiRequest): URL {
    const url = new URL(path, this.server);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    return url;
  }

  /** A bearer token, or one bound to the client's own key where its registration wants that. */
  async #requestToken(): Promise<string> {
    const client = readClientKey(this.#parts.settings);
    try {
      return await this.#exchange(client);
    } catch (error) {
      if (!(error instanceof ProblemError) || error.code !== "dpop-proof-missing") throw error;
      this.#boundTo = client.jwk;
      return this.#exchange(client);
    }
  }

  async #exchange({ clientId, jwk }: ReturnType<typeof readClientKey>): Promise<string> {
    const { clock, random } = this.#parts;
    const url = new URL("/oauth/token", this.server);
    // The audience is the server that we mean, never one that the server names: an assertion cannot be passed on.
    const assertion = await signAssertion(jwk, { clientId, audience: url.href, clock, random });
    const form = {
      grant_type: "client_credentials",
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: assertion,
    };
    const proof = await this.#proof({ method: "POST", url, token: null });
    const { body } = await this.#send(url, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json", ...proof },
      body: new URLSearchParams(form).toString(),
    });
    const token = new Fields(body).exact("access_token");
    if (!/^[\x21-\x7e]{1,8192}$/.test(token)) throw new CliError("the server's answer holds no access token");
    return token;
  }

  async #send(url: URL, init: RequestInit): Promise<ApiAnswer> {
    const { status, text, date, cookies } = await this.#fetch(url, init);
    const body = parseAnswer(text, status);
    if (status >= 200 && status < 300) return { status, body, date: Number.isNaN(date) ? null : date, cookies };
    throw problemOf(body, status);
  }

  async #fetch(url: URL, init: RequestInit): Promise<Fetched> {
    const { settings, stop } = this.#parts;
    const signal = AbortSignal.any([stop, AbortSignal.timeout(settings.timeoutMs)]);
    try {
      // A redirect would carry the token elsewhere: it is an error.
      const response = await fetch(url, { ...init, redirect: "error", signal });
      const date = Date.parse(response.headers.get("date") ?? "");
      const cookies = response.headers.getSetCookie();
      return { status: response.status, text: await readBounded(response), date, cookies };
    } catch (error) {
      if (error instanceof CliError) throw error;
      throw this.#unreachable(error);
    }
  }

  #unreachable(error: unknown): CliError {
    const { settings, stop } = this.#parts;
    if (stop.aborted) return new CliError("interrupted; what was asked of the server may still happen");
    const isTimeout = error instanceof Error && error.name === "TimeoutError";
    const why = isTimeout ? `no answer within ${settings.timeoutMs / 1000} s` : reasonOf(error);
    return new CliError(`cannot reach ${this.server}: ${why}`, {
      exitCode: EXIT.unreachable,
      hint: "holdpoint doctor",
      cause: error,
    });
  }
}

type Fetched = Pick<ApiAnswer, "status" | "cookies"> & { readonly text: string; readonly date: number };

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
  if (code === "ECONNREFUSED") return "nothing listens there";
  if (typeof code === "string") return code;
  return cause instanceof Error ? cause.message : "the connection failed";
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new CliError("the server's answer is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseAnswer(text: string, status: number): Json {
  try {
    return text === "" ? null : (JSON.parse(text) as Json);
  } catch {
    throw new CliError(`the answer (status ${status}) is not JSON; is this a Holdpoint server?`, {
      hint: "holdpoint doctor",
    });
  }
}

function problemOf(body: Json, status: number): CliError {
  const problem = new Fields(body);
  const code = problem.exact("code");
  if (code === "") return new CliError(`the server answered with status ${status}`);
  const facts = problem.fields("facts");
  const detail = problem.exact("detail") || problem.exact("title");
  const places = facts === null ? "" : ` (${facts.pairs()})`;
  return new ProblemError({ code, detail: `${detail}${places}`, status }, hintFor(code, facts));
}
