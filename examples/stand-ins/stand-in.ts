// A real HTTP server that stands in for a vendor: it keeps what it accepted and fails on request.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * How a request goes wrong. Those from `act-then-drop` on do the work first: the call that worked although it failed.
 * `late` drops the connection and does the work when `landLate` is called, like a request that waits in a queue.
 */
export const MISHAPS = [
  "status-500",
  "status-400",
  "status-401",
  "rate-limit",
  "redirect",
  "hang",
  "drop",
  "late",
  "act-then-drop",
  "act-then-hang",
  "act-then-500",
  "garbage",
  "wrong-key",
  "wrong-type",
  "huge",
  "cut-short",
  "stall",
  "slow",
] as const;
export type Mishap = (typeof MISHAPS)[number];

/** Applies to the next `times` (1) requests with this method and this start of the path, where given. */
export interface Failure {
  readonly mode: Mishap;
  readonly method?: string;
  readonly path?: string;
  readonly times?: number;
  /** Retry-After for `rate-limit`; none when absent. */
  readonly retryAfter?: string;
  readonly location?: string;
}

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json: unknown;
}

export interface Vendor {
  /** Does what the request asks for, once, and says how it went. */
  act(request: Received): Reply | Promise<Reply>;
  /** What was received so far, for `GET /_events`. */
  report(): unknown;
}

export interface StandIn {
  readonly url: string;
  /** Requests that came in, failed ones included, without the control paths. */
  readonly received: readonly Received[];
  fail(failure: Failure): void;
  /** Does the work of the requests that were dropped as `late`; returns how many. */
  landLate(): Promise<number>;
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 1_048_576;
const SLOW_MS = 50;

/** Listens on 127.0.0.1; port 0 takes any free one. `GET /_events` and `POST /_fail` (a Failure) are for its owner. */
export async function startStandIn(vendor: Vendor, port = 0): Promise<StandIn> {
  const failures: { failure: Failure; left: number }[] = [];
  const received: Received[] = [];
  const late: Received[] = [];
  const fail = (failure: Failure): void => void failures.push({ failure, left: failure.times ?? 1 });
  const server = createServer((incoming, outgoing) => {
    void readRequest(incoming).then((request) => {
      if (request === undefined) return void outgoing.destroy();
      if (request.path === "/_events") return answer(outgoing, { status: 200, json: vendor.report() });
      if (request.path === "/_fail") {
        fail(JSON.parse(request.body) as Failure);
        return answer(outgoing, { status: 200, json: {} });
      }
      received.push(request);
      const failure = take(failures, request);
      if (failure?.mode === "late") late.push(request);
      return serve({ vendor, request, outgoing, failure });
    });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(port, "127.0.0.1", resolve);
  await promise;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    fail,
    landLate: async () => (await Promise.all(late.splice(0).map(async (request) => vendor.act(request)))).length,
    close: () => closeServer(server),
  };
}

function closeServer(server: ReturnType<typeof createServer>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeAllConnections();
  return promise;
}

function take(failures: { failure: Failure; left: number }[], request: Received): Failure | undefined {
  const index = failures.findIndex(({ failure: { method, path } }) => {
    return (method ?? request.method) === request.method && request.path.startsWith(path ?? "/");
  });
  const entry = failures[index];
  if (entry === undefined) return undefined;
  entry.left -= 1;
  if (entry.left <= 0) failures.splice(index, 1);
  return entry.failure;
}

async function readRequest(incoming: IncomingMessage): Promise<Received | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > BODY_BYTES_MAX) return undefined;
      chunks.push(chunk);
    }
  } catch {
    return undefined; // the caller went away
  }
  const url = new URL(incoming.url ?? "/", "http://stand-in");
  const body = Buffer.concat(chunks).toString("utf8");
  return {
    method: incoming.method ?? "",
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    body,
  };
}

function answer(outgoing: ServerResponse, { status, headers, json }: Reply): void {
  outgoing.writeHead(status, { "content-type": "application/json", ...headers });
  outgoing.end(JSON.stringify(json));
}

type Serving = {
  readonly vendor: Vendor;
  readonly request: Received;
  readonly outgoing: ServerResponse;
  readonly failure: Failure | undefined;
};

async function serve({ vendor, request, outgoing, failure }: Serving): Promise<void> {
  if (failure !== undefined && failsFirst(outgoing, failure)) return;
  const reply = await vendor.act(request);
  switch (failure?.mode) {
    case "act-then-drop":
      return void outgoing.destroy();
    case "act-then-hang":
      return;
    case "act-then-500":
      return answer(outgoing, { status: 500, json: { message: "internal error" } });
    case "garbage":
      outgoing.writeHead(reply.status, { "content-type": "application/json" });
      return void outgoing.end('{"result": <!doctype');
    case "wrong-key":
      return answer(outgoing, { status: reply.status, json: { status: "success", dedup_key: "of another alert" } });
    case "wrong-type":
      outgoing.writeHead(reply.status, { "content-type": "text/html" });
      return void outgoing.end(JSON.stringify(reply.json));
    case "huge":
      return answer(outgoing, { status: reply.status, json: { filler: "x".repeat(1_000_000) } });
    case "cut-short":
      outgoing.writeHead(reply.status, { "content-type": "application/json", "content-length": "1000" });
      return void outgoing.write("{", () => outgoing.destroy());
    case "stall":
      outgoing.writeHead(reply.status, { "content-type": "application/json" });
      return void outgoing.write("{");
    case "slow":
      return void setTimeout(() => answer(outgoing, reply), SLOW_MS);
    default:
      return answer(outgoing, reply);
  }
}

/** True when the request ended here, without any work done. */
function failsFirst(outgoing: ServerResponse, { mode, retryAfter, location }: Failure): boolean {
  switch (mode) {
    case "status-500":
      answer(outgoing, { status: 500, json: { status: "error", message: "internal error" } });
      return true;
    case "status-400":
      answer(outgoing, { status: 400, json: { status: "invalid", message: "bad request", errors: ["no"] } });
      return true;
    case "status-401":
      answer(outgoing, { status: 401, json: { error: { message: "User Not Authenticated" } } });
      return true;
    case "rate-limit":
      answer(outgoing, {
        status: 429,
        headers: retryAfter === undefined ? {} : { "retry-after": retryAfter },
        json: { message: "too many requests" },
      });
      return true;
    case "redirect":
      answer(outgoing, { status: 307, headers: { location: location ?? "/elsewhere" }, json: {} });
      return true;
    case "drop":
    case "late":
      outgoing.destroy();
      return true;
    case "hang":
      return true;
    default:
      return false;
  }
}

/** For running one by itself: `--port N`, one JSON line with the address, and until SIGTERM or SIGINT. */
export async function runStandIn(name: string, start: (port: number) => Promise<StandIn>): Promise<void> {
  const at = process.argv.indexOf("--port");
  const port = at < 0 ? 0 : Number(process.argv[at + 1]);
  const standIn = await start(port);
  process.stdout.write(`${JSON.stringify({ standIn: name, url: standIn.url })}\n`);
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void standIn.close());
}
