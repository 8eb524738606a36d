// What happens below requests: bytes that are no request, too many connections, and the end of all of them.

import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import { AppError } from "../core/errors.ts";
import type { Metrics } from "./metrics.ts";
import { problemOf, PROBLEM_TYPE } from "./problem.ts";

/** Each may hold a body in memory while it is read. */
const CONNECTIONS_MAX = 4_096;
/** How long requests that have begun may take to end once the server stops. */
const CLOSING_MS = 10_000;
const CLOSING_SWEEP_MS = 50;

type Turn = (error: AppError) => void;

/** What the HTTP parser found, as an error of ours. */
function fromParser({ code }: { readonly code?: string }): AppError {
  if (code === "HPE_HEADER_OVERFLOW") return new AppError("headers-too-large", "the headers are longer than 16 KiB");
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return new AppError("request-timeout", "the request did not end in time");
  return new AppError("request-malformed", "these bytes are not an HTTP/1.1 request");
}

/** Answers bytes that are not a request, and ends their connection: nobody can tell where the next one begins. */
export function answerBrokenRequest(error: { readonly code?: string }, socket: Socket, onRefusal: Turn): void {
  if (error.code === "ECONNRESET" || socket.destroyed) return;
  const refusal = fromParser(error);
  onRefusal(refusal);
  if (socket.writable && !hasBegunToAnswer(socket)) socket.write(wholeAnswer(refusal));
  socket.destroy();
}

/** In the middle of an answer, ours would be taken for a part of it. */
function hasBegunToAnswer(socket: Socket): boolean {
  return answerOn(socket)?.headersSent === true;
}

/** The answer that is under way on a connection; Node's own handlers look at the same field. */
function answerOn(socket: Socket): { headersSent: boolean } | null {
  return (socket as Socket & { _httpMessage?: { headersSent: boolean } | null })._httpMessage ?? null;
}

function wholeAnswer(error: AppError): string {
  const problem = problemOf(error);
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

/**
 * Ends connections whose request is being answered and on which nothing was read or written for `silentMs`: Node's own
 * limits end those before a request, within one, and between two. One look at all of them now and then costs less than
 * a timer of each that every request sets anew.
 */
export function endSilentConnections(server: FastifyInstance, { silentMs, everyMs }: Silence): void {
  const heard = new Map<Socket, { bytes: number; atMs: number }>();
  server.server.on("connection", (socket) => {
    heard.set(socket, { bytes: 0, atMs: performance.now() });
    socket.once("close", () => heard.delete(socket));
  });
  const look = setInterval(() => {
    const nowMs = performance.now();
    for (const [socket, last] of heard) {
      const bytes = socket.bytesRead + socket.bytesWritten;
      if (bytes !== last.bytes || answerOn(socket) === null) heard.set(socket, { bytes, atMs: nowMs });
      else if (nowMs - last.atMs >= silentMs) socket.destroy();
    }
  }, everyMs);
  look.unref();
  server.addHook("onClose", (_server, done) => {
    clearInterval(look);
    done();
  });
}

type Silence = { readonly silentMs: number; readonly everyMs: number };

/** Bounds the connections, answers expectations that nobody here meets, and lets no slow request hold up the end. */
export function guardConnections(server: FastifyInstance, metrics: Metrics, onRefusal: Turn): void {
  const http = server.server;
  http.maxConnections = CONNECTIONS_MAX;
  http.on("drop", () => metrics.count("holdpoint_connections_dropped_total", "Connections over the limit."));
  http.on("checkExpectation", (_request, response) => {
    const refusal = new AppError("request-malformed", "the only expectation met here is 100-continue");
    onRefusal(refusal);
    const problem = problemOf(refusal);
    response.writeHead(problem.status, { "content-type": PROBLEM_TYPE, connection: "close" });
    response.end(JSON.stringify(problem));
  });
  server.addHook("preClose", (done) => {
    // Node ends the connections that are idle now; those that still answer would stay open for their next request.
    const sweep = setInterval(() => http.closeIdleConnections(), CLOSING_SWEEP_MS);
    const last = setTimeout(() => http.closeAllConnections(), CLOSING_MS);
    http.once("close", () => [sweep, last].forEach(clearTimeout));
    done();
  });
}
