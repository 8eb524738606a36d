// The one way out: calls to origins on the allow-list, each with one bounded answer. Nothing else opens connections.

import { lookup as systemLookup } from "node:dns";
import type { LookupFunction } from "node:net";
import type {
  Answer,
  Egress,
  FetchLimits,
  OutboundCall,
  OutboundFetch,
  OutboundRequest,
  OutboundStream,
  StreamLimits,
} from "../../wire/contracts/egress.ts";
import { connect } from "./connect.ts";
import { exchange, type Exchanged } from "./exchange.ts";
import { stream } from "./stream.ts";

const CALL_ANSWER_BYTES_MAX = 65_536;

export interface EgressParts {
  /** Origins as `new URL(…).origin` writes them, and addresses as `parseTcpAddress` does. Empty: nothing leaves. */
  readonly allow: readonly string[];
  /** Finds the address of a host; asked for allowed hosts alone. The system's own unless given. */
  readonly lookup?: LookupFunction;
}

/**
 * A way out to `allow` and nowhere else; a host that is not allowed is not even looked up. Connections are not reused: a
 * kept one that the other side has dropped fails like a call that was lost, and then nobody could tell. Redirects are
 * answers like any other; proxies named by the process's environment are not used, because configuration does not name
 * them.
 */
export function createEgress({ allow, lookup = systemLookup }: EgressParts): Egress {
  const allowed = new Set(allow);
  const find = (path: string, origin: string): URL | null => {
    const url = URL.parse(path, origin);
    // Compared after resolution: `//elsewhere/` and `/\elsewhere` are paths that name another host.
    return url !== null && url.origin === origin && allowed.has(url.origin) ? url : null;
  };
  return {
    callTo: (origin, { answerBytesMax } = { answerBytesMax: CALL_ANSWER_BYTES_MAX }) =>
      createCall({ find, origin, lookup }, { answerBytesMax }),
    streamTo: (origin, limits) => createStream({ find, origin, lookup }, limits),
    fetchTo: (origin, limits) => createFetch({ find, origin, lookup }, limits),
    connectTo: (address) => (signal) =>
      allowed.has(address) ? connect(address, lookup, signal) : Promise.reject(new TypeError("origin-not-allowed")),
  };
}

type Way = {
  /** The place of `path` at `origin`, or null when it is none that may be reached. */
  readonly find: (path: string, origin: string) => URL | null;
  readonly origin: string;
  readonly lookup: LookupFunction;
};

function createCall({ find, origin, lookup }: Way, { answerBytesMax }: FetchLimits): OutboundCall {
  return async (request, signal) => {
    const url = request.origin === origin ? find(request.path, origin) : null;
    if (url === null) return { kind: "unsent", code: "origin-not-allowed" };
    const { method, tls = {} } = request;
    const [headers, body] = [callHeaders(request), Buffer.from(request.body ?? "", "utf8")];
    const outgoing = { url, method, headers, body, answerBytesMax, lookup, tls };
    return toAnswer(await exchange(outgoing, signal));
  };
}

function createStream({ find, origin, lookup }: Way, { lineBytesMax }: StreamLimits): OutboundStream {
  return async (request, onLine, signal) => {
    const url = request.origin === origin ? find(request.path, origin) : null;
    if (url === null) return { kind: "unsent", code: "origin-not-allowed" };
    const { method, tls = {} } = request;
    const [headers, body] = [callHeaders(request), Buffer.from(request.body ?? "", "utf8")];
    return stream({ url, method, headers, body, lineBytesMax, lookup, tls }, onLine, signal);
  };
}

function callHeaders(request: OutboundRequest): Record<string, string> {
  return { "user-agent": "holdpoint", accept: "application/json", ...request.headers };
}

function toAnswer(exchanged: Exchanged): Answer {
  if (exchanged.kind !== "answered") return exchanged;
  const { status, headers, body } = exchanged;
  const { "content-type": type = "", "retry-after": retryAfter = "", etag } = headers;
  const json = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type);
  return {
    kind: "answered",
    status,
    json,
    body: body.toString("utf8"),
    retryAfter,
    ...(etag === undefined ? {} : { etag }),
  };
}

function createFetch({ find, origin, lookup }: Way, { answerBytesMax }: FetchLimits): OutboundFetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const url = find(request.url, origin);
    if (url === null) throw new TypeError("origin-not-allowed");
    const headers = { ...Object.fromEntries(request.headers), "accept-encoding": "identity" };
    const body = Buffer.from(await request.arrayBuffer());
    const outgoing = { url, method: request.method, headers, body, answerBytesMax, lookup };
    return toResponse(await exchange(outgoing, request.signal), request.signal);
  };
}

const BODILESS = new Set([204, 205, 304]);

function toResponse(exchanged: Exchanged, signal: AbortSignal): Response {
  if (exchanged.kind !== "answered") {
    signal.throwIfAborted();
    throw new TypeError(exchanged.code);
  }
  const { status, headers, body } = exchanged;
  // Small packed answers unpack into gigabytes; none was asked for.
  if ((headers["content-encoding"] ?? "identity") !== "identity") throw new TypeError("connection-lost");
  const kept = Object.entries(headers).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return new Response(BODILESS.has(status) ? null : new Uint8Array(body), { status, headers: kept });
}
