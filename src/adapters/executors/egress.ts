// The one way out for executors: an HTTP call to an origin that configuration names, with one bounded answer.

import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { AppError } from "../../core/errors.ts";

const BODY_BYTES_MAX = 65_536;
const LOOPBACK = new Set(["127.0.0.1", "[::1]", "localhost"]);

export interface OutboundRequest {
  readonly method: "GET" | "POST" | "PATCH";
  readonly origin: string;
  /** Begins with `/`; holds the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * What became of a call. `unsent`: no byte of the request left this process, so it had no effect. `lost`: it may have
 * arrived, and nobody can tell. `answered`: whole headers and a whole body of at most 64 KiB.
 */
export type Answer =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly json: boolean;
      readonly body: string;
      readonly retryAfter: string;
    }
  | { readonly kind: "unsent"; readonly code: UnsentCode }
  | { readonly kind: "lost"; readonly code: LostCode };

export type UnsentCode = "origin-not-allowed" | "aborted" | "tls-untrusted" | "unreachable";
export type LostCode = "timeout" | "aborted" | "connection-lost" | "answer-too-large";

/** Never throws: every end of a call is an Answer. Aborting `signal` ends the call at once. */
export type Egress = (request: OutboundRequest, signal: AbortSignal) => Promise<Answer>;

/**
 * Checks a configured base address and returns its origin. Throws `config-invalid` for anything but a bare origin, and
 * for plain HTTP beyond this machine: credentials go over it.
 */
export function parseOrigin(baseUrl: string): string {
  const url = URL.parse(baseUrl);
  if (url === null) throw new AppError("config-invalid", "a base address is not a URL");
  if (url.username !== "" || url.password !== "" || url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw new AppError("config-invalid", `${url.origin}: a base address is scheme, host and port, and nothing else`);
  }
  const safe = url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.has(url.hostname));
  if (!safe) throw new AppError("config-invalid", `${url.origin}: only https leaves this machine`);
  return url.origin;
}

/**
 * A way out to `origins` and nowhere else. Connections are not reused: a kept one that the other side has dropped fails
 * like a call that was lost, and then nobody could tell. Redirects are answers like any other; proxies named by the
 * process's environment are not used, because configuration does not name them.
 */
export function createEgress(origins: readonly string[]): Egress {
  const allowed = new Set(origins);
  return (request, signal) => {
    const url = URL.parse(request.path, request.origin);
    // Compared after resolution: `//elsewhere/` and `/\elsewhere` are paths that name another host.
    if (url === null || url.origin !== request.origin || !allowed.has(url.origin)) {
      return Promise.resolve({ kind: "unsent", code: "origin-not-allowed" });
    }
    if (signal.aborted) return Promise.resolve({ kind: "unsent", code: "aborted" });
    // A header or method that cannot be written throws before anything is sent.
    return send(url, request, signal).catch(() => ({ kind: "unsent", code: "unreachable" }));
  };
}

async function send(url: URL, request: OutboundRequest, signal: AbortSignal): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const body = Buffer.from(request.body ?? "", "utf8");
  const isSecure = url.protocol === "https:";
  const options: RequestOptions = { method: request.method, headers: headersOf(request, body), agent: false, signal };
  let connected = false;
  const outgoing = isSecure ? httpsRequest(url, options) : httpRequest(url, options);
  outgoing.on("socket", (socket) => {
    socket.once(isSecure ? "secureConnect" : "connect", () => (connected = true));
  });
  outgoing.on("error", (error: NodeJS.ErrnoException) => {
    resolve(connected ? { kind: "lost", code: lostCode(signal) } : { kind: "unsent", code: unsentCode(error, signal) });
  });
  outgoing.on("upgrade", (_response, socket) => {
    socket.destroy();
    resolve({ kind: "lost", code: "connection-lost" });
  });
  outgoing.on("response", (response) => void receive(response, signal).then(resolve));
  outgoing.end(body);
  return promise;
}

function headersOf(request: OutboundRequest, body: Buffer): Record<string, string> {
  const length = request.method === "GET" ? {} : { "content-length": String(body.length) };
  return { "user-agent": "holdpoint", accept: "application/json", ...request.headers, ...length };
}

async function receive(response: IncomingMessage, signal: AbortSignal): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      // Leaving the loop destroys the response and with it the connection.
      if (size > BODY_BYTES_MAX) return { kind: "lost", code: "answer-too-large" };
      chunks.push(chunk);
    }
  } catch {
    return { kind: "lost", code: lostCode(signal) };
  }
  const { "content-type": type = "", "retry-after": retryAfter = "" } = response.headers;
  const json = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type);
  return {
    kind: "answered",
    status: response.statusCode ?? 0,
    json,
    body: Buffer.concat(chunks).toString("utf8"),
    retryAfter,
  };
}

function lostCode(signal: AbortSignal): LostCode {
  if (!signal.aborted) return "connection-lost";
  return isTimeout(signal) ? "timeout" : "aborted";
}

function isTimeout(signal: AbortSignal): boolean {
  return signal.reason instanceof Error && signal.reason.name === "TimeoutError";
}

function unsentCode(error: NodeJS.ErrnoException, signal: AbortSignal): UnsentCode {
  if (signal.aborted && !isTimeout(signal)) return "aborted";
  const code = error.code ?? "";
  const untrusted = /CERT|SELF_SIGNED|UNABLE_TO_|ALTNAME|SIGNATURE|HOSTNAME_MISMATCH/.test(code);
  return untrusted ? "tls-untrusted" : "unreachable";
}
