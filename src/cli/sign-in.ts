// Signing in at an identity provider from the command line: a browser does it, and a port of this machine waits (RFC 8252).

import { hash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CliError } from "./cli-error.ts";
import type { Session } from "./session.ts";
import { saveSession } from "./stored-session.ts";

const WAIT_MS = 5 * 60_000;

/** Prints the address to open, waits for the browser, and keeps the session. Throws when it does not come back in time. */
export async function signInThroughBrowser(session: Session, issuer: string | undefined): Promise<void> {
  const { host, api, output, settings } = session;
  const [verifier, state] = [token(host.random.bytes(32)), token(host.random.bytes(32))];
  const stop = AbortSignal.any([host.interrupted, AbortSignal.timeout(WAIT_MS)]);
  const waiting = await listen(state, stop);
  try {
    const query = { port: String(waiting.port), challenge: hash("sha256", verifier, "base64url"), state };
    const address = new URL("/v1/session/login", api.server);
    for (const [name, value] of Object.entries({ ...query, ...(issuer === undefined ? {} : { issuer }) })) {
      address.searchParams.set(name, value);
    }
    output.print(`${address.href}\n`);
    output.note("open it in a browser on this machine, and sign in there");
    const code = await waiting.code;
    const { cookies } = await api.open({
      method: "POST",
      path: "/v1/session",
      body: { code, verifier },
      headers: { origin: api.server, "x-holdpoint-csrf": "1" },
    });
    saveSession(settings, cookies.map((cookie) => cookie.split(";", 1)[0] ?? "")[0] ?? "");
  } finally {
    waiting.server.close();
    waiting.server.closeAllConnections();
  }
}

function token(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

type Waiting = { readonly port: number; readonly code: Promise<string>; readonly server: Server };

/** Answers one browser that brings back `state`; everybody else learns nothing. */
async function listen(state: string, stop: AbortSignal): Promise<Waiting> {
  const { promise: code, resolve, reject } = Promise.withResolvers<string>();
  code.catch(() => undefined); // it may end before anybody waits
  const server = createServer((request, response) => {
    const brought = codeIn(request, state);
    answer(response, brought !== null);
    if (brought !== null) resolve(brought);
  });
  const end = (): void => reject(new CliError("nobody came back from the browser", { hint: "holdpoint login --sso" }));
  if (stop.aborted) end();
  stop.addEventListener("abort", end, { once: true });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return { port: (server.address() as AddressInfo).port, code, server };
}

function codeIn({ method, url }: IncomingMessage, state: string): string | null {
  const address = URL.parse(url ?? "", "http://127.0.0.1");
  if (method !== "GET" || address?.pathname !== "/" || address.searchParams.get("state") !== state) return null;
  return address.searchParams.get("code");
}

function answer(response: ServerResponse, isGood: boolean): void {
  const text = isGood ? "You are signed in at the command line. You may close this page." : "There is nothing here.";
  const headers = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store", connection: "close" };
  response.writeHead(isGood ? 200 : 404, headers).end(`${text}\n`);
}
