// One request and its answer on a connection of their own: what was sent, what was lost, and what came back, bounded.

import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import type { LostCode, TlsTerms, UnsentCode } from "../../wire/contracts/egress.ts";

/** A request, without what bounds its answer. */
export interface Departing {
  /** Already allowed. */
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly lookup: LookupFunction;
  readonly tls?: TlsTerms;
}

export interface Outgoing extends Departing {
  readonly answerBytesMax: number;
}

/** No answer at all. */
export type Unanswered =
  | { readonly kind: "unsent"; readonly code: UnsentCode }
  | { readonly kind: "lost"; readonly code: LostCode };

export type Exchanged =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly headers: IncomingHttpHeaders;
      readonly body: Buffer;
    }
  | Unanswered;

/** Never throws: every end of an exchange is a value. Aborting `signal` ends it at once. */
export function exchange(outgoing: Outgoing, signal: AbortSignal): Promise<Exchanged> {
  if (signal.aborted) return Promise.resolve({ kind: "unsent", code: "aborted" });
  // A header or method that cannot be written throws before anything is sent.
  const read = (response: IncomingMessage) => receive(response, outgoing.answerBytesMax, signal);
  return depart(outgoing, read, signal).catch(() => ({ kind: "unsent", code: "unreachable" }));
}

/** Sends, and gives what `read` makes of the answer; rejects with what it rejects with. */
export async function depart<T>(
  outgoing: Departing,
  read: (response: IncomingMessage) => Promise<T>,
  signal: AbortSignal,
): Promise<T | Unanswered> {
  const { url, method, headers, body, lookup } = outgoing;
  const { promise, resolve, reject } = Promise.withResolvers<T | Unanswered>();
  const isSecure = url.protocol === "https:";
  const length = method === "GET" ? {} : { "content-length": String(body.length) };
  // Agents of our own: the shared one may go through a proxy that the environment names.
  const agent = isSecure ? secureAgent(outgoing.tls) : new HttpAgent({ keepAlive: false });
  const options = { method, headers: { ...headers, ...length }, agent, lookup, signal };
  let connected = false;
  const request = isSecure ? httpsRequest(url, options) : httpRequest(url, options);
  request.on("socket", (socket) => {
    socket.once(isSecure ? "secureConnect" : "connect", () => (connected = true));
  });
  request.on("error", (error: NodeJS.ErrnoException) => {
    resolve(connected ? { kind: "lost", code: lostCode(signal) } : { kind: "unsent", code: unsentCode(error, signal) });
  });
  request.on("upgrade", (_response, socket) => {
    socket.destroy();
    resolve({ kind: "lost", code: "connection-lost" });
  });
  request.on("response", (response) => void read(response).then(resolve, reject));
  request.end(body);
  return promise;
}

function secureAgent({ serverName, ...terms }: TlsTerms = {}): HttpsAgent {
  return new HttpsAgent({
    keepAlive: false,
    ...terms,
    ...(serverName === undefined ? {} : { servername: serverName }),
  });
}

async function receive(response: IncomingMessage, bytesMax: number, signal: AbortSignal): Promise<Exchanged> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      // Leaving the loop destroys the response and with it the connection.
      if (size > bytesMax) return { kind: "lost", code: "answer-too-large" };
      chunks.push(chunk);
    }
  } catch {
    return { kind: "lost", code: lostCode(signal) };
  }
  return {
    kind: "answered",
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks),
  };
}

export function lostCode(signal: AbortSignal): LostCode {
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
