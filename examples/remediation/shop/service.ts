// What all processes of the shop share: they listen, count what they serve, tell how they are, and take settings.

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** Where the others are, by name, and what a service is set to. Both change while it runs. */
export interface Told {
  readonly peers: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, number>>;
}

export interface Reply {
  readonly status: number;
  readonly body?: object;
}

export interface Service {
  answer(request: IncomingMessage, told: Told): Promise<Reply> | Reply;
  /** Beside requests, errors and memory. */
  gauges?(): Readonly<Record<string, number>>;
}

const counts = { requests_total: 0, errors_total: 0, latency_ms_total: 0 };

/** Serves on a free port until the platform that started this process is gone. */
export function serve(service: Service): void {
  let told: Told = { peers: {}, settings: {} };
  const metrics = (): object => ({
    ...counts,
    resident_bytes: process.memoryUsage.rss(),
    ...service.gauges?.(),
  });
  const server = createServer((request, response) => {
    if (request.url === "/metrics") return void response.end(JSON.stringify(metrics()));
    const began = performance.now();
    void Promise.resolve(service.answer(request, told))
      .catch((): Reply => ({ status: 503 }))
      .then(({ status, body = {} }) => {
        counts.requests_total += 1;
        counts.latency_ms_total += performance.now() - began;
        if (status >= 500) counts.errors_total += 1;
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      });
  });
  process.on("message", (message: Told) => (told = message));
  process.on("disconnect", () => process.exit(0));
  server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
}

/** The body as it came, at most a mebibyte of it. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > 1_048_576) throw new Error("too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
