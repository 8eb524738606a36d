// A real HTTP server that stands in for a receiver of records; each protocol's rules are in the function it is given.

import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { createEgress } from "../../src/adapters/egress/egress.ts";
import { AppError } from "../../src/core/errors.ts";
import type { Credentials } from "../../src/wire/contracts/credentials.ts";
import type { OutboundCall } from "../../src/wire/contracts/egress.ts";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** `drop`: the connection ends without an answer. */
export type Answered =
  | { readonly status: number; readonly json?: unknown; readonly headers?: Readonly<Record<string, string>> }
  | "drop";

export interface Receiver {
  readonly origin: string;
  readonly call: OutboundCall;
}

export async function startReceiver(t: TestContext, answer: (asked: Asked) => Answered): Promise<Receiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { pathname: path, searchParams: query } = new URL(request.url ?? "/", "http://receiver");
      const body = Buffer.concat(chunks).toString("utf8");
      const answered = answer({ method: request.method ?? "", path, query, headers: request.headers, body });
      if (answered === "drop") return void request.socket.destroy();
      response.writeHead(answered.status, { "content-type": "application/json", ...answered.headers });
      response.end(JSON.stringify(answered.json ?? {}));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin, call: createEgress({ allow: [origin] }).callTo(origin) };
}

/** Secrets by reference; a missing one rejects as the real ones do. */
export function secretsOf(secrets: Readonly<Record<string, string>>): Credentials {
  return {
    get: (ref) => {
      const secret = secrets[ref];
      return secret === undefined
        ? Promise.reject(new AppError("config-invalid", "no such secret"))
        : Promise.resolve(secret);
    },
  };
}

/** Time that passes only by sleeping. */
export function sleepingClock(startMs = 1_790_000_000_000) {
  let passedMs = 0;
  return {
    clock: { nowMs: () => startMs + passedMs, monotonicMs: () => passedMs },
    sleep: async (ms: number): Promise<void> => void (passedMs += ms),
    passedMs: () => passedMs,
  };
}

export const NEVER = new AbortController().signal;
