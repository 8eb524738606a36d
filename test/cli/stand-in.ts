// A server that answers what a test tells it to: for what a real one would never say.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import type { CliEnvironment } from "../../src/cli/host.ts";
import { openTerminal, temporaryFolder, type Terminal } from "./terminal.ts";

export type Answer = { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: unknown };
export type Respond = (request: {
  method: string;
  path: string;
  query: URLSearchParams;
  body: string;
}) => Answer | "hang";

export type StandIn = {
  readonly url: string;
  readonly requests: readonly { method: string; path: string; authorization: string | undefined; body: string }[];
  /** Signed in by a token from the environment. */
  readonly terminal: Terminal;
  readonly env: Partial<CliEnvironment>;
};

export async function startStandIn(t: TestContext, respond: Respond): Promise<StandIn> {
  const requests: { method: string; path: string; authorization: string | undefined; body: string }[] = [];
  const server = createServer((request, response) => void handle(request, response));
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const { pathname: path, searchParams: query } = new URL(request.url ?? "/", "http://stand-in");
    const { method = "", headers } = request;
    requests.push({ method, path, authorization: headers.authorization, body });
    const answer = respond({ method, path, query, body });
    if (answer === "hang") return;
    response.writeHead(answer.status ?? 200, { "content-type": "application/json", ...answer.headers });
    response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body ?? {}));
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const dir = temporaryFolder(t);
  const open = openTerminal({ configDir: dir, dataDir: dir, server: url });
  const env = { token: "a.b.c" };
  const terminal: Terminal = (argv, options) => open(argv, { ...options, env: { ...env, ...options?.env } });
  return { url, requests, terminal, env };
}
