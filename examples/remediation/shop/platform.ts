// Runs the shop: starts its processes, restarts and configures them for whoever has its token, and serves its metrics.

import { fork, type ChildProcess } from "node:child_process";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { answerQuery, Metrics } from "./metrics.ts";
import { bodyOf, type Reply } from "./service.ts";

const NAMES = ["gateway", "cart", "catalog", "worker"] as const;
type Name = (typeof NAMES)[number];

const SCRAPE_MS = 500;
const TOKEN = process.env["SHOP_TOKEN"] ?? "";

const children = new Map<Name, ChildProcess>();
const peers: Record<string, string> = {};
/** What the gateway was set to, the last one in force. */
const history: Record<string, number>[] = [{ catalogTimeoutMs: 2_000 }];
/** Each is done once, however often it is asked. */
const taken = new Map<string, Reply>();
const metrics = new Metrics();

async function start(name: Name): Promise<void> {
  const child = fork(join(import.meta.dirname, `${name}.ts`), { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  children.set(name, child);
  const { port } = await new Promise<{ port: number }>((resolve, reject) => {
    child.once("message", (message) => resolve(message as { port: number }));
    child.once("exit", (code) => reject(new Error(`${name} ended with ${code}`)));
  });
  peers[name] = `http://127.0.0.1:${port}`;
  tell();
}

function tell(): void {
  for (const child of children.values()) child.send({ peers, settings: history.at(-1) });
}

async function restart(name: Name): Promise<Reply> {
  const child = children.get(name);
  const gone = new Promise((resolve) => child?.once("exit", resolve));
  child?.kill("SIGKILL");
  await gone;
  await start(name);
  return { status: 200, body: { restarted: name } };
}

function configure(body: string): Reply {
  const asked = JSON.parse(body) as { catalogTimeoutMs?: unknown };
  const { catalogTimeoutMs } = asked;
  if (typeof catalogTimeoutMs !== "number" || !(catalogTimeoutMs >= 1)) return { status: 400 };
  history.push({ catalogTimeoutMs });
  tell();
  return { status: 200, body: { catalogTimeoutMs } };
}

function restore(): Reply {
  if (history.length > 1) history.pop();
  tell();
  return { status: 200, body: { ...history.at(-1) } };
}

async function operate(request: IncomingMessage): Promise<Reply> {
  const body = (await bodyOf(request)).toString();
  if (TOKEN === "" || request.headers.authorization !== `Bearer ${TOKEN}`) return { status: 401 };
  const key = request.headers["idempotency-key"];
  if (typeof key !== "string") return { status: 400 };
  const before = taken.get(key);
  if (before !== undefined) return before;
  const reply = await act(request.url ?? "", body);
  taken.set(key, reply);
  return reply;
}

function act(path: string, body: string): Promise<Reply> | Reply {
  switch (path) {
    case "/cart/restart":
      return restart("cart");
    case "/gateway/configure":
      return configure(body);
    case "/gateway/restore":
      return restore();
    default:
      return { status: 404 };
  }
}

async function scrape(): Promise<void> {
  const of: Record<string, Record<string, number>> = {};
  for (const [name, url] of Object.entries(peers)) {
    try {
      const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(SCRAPE_MS) });
      of[name] = (await response.json()) as Record<string, number>;
    } catch {
      continue; // it is being restarted: there is nothing to keep
    }
  }
  metrics.keep({ atMs: Date.now(), of });
}

async function answer(request: IncomingMessage): Promise<Reply> {
  const url = new URL(request.url ?? "/", "http://shop");
  if (request.method === "POST") return operate(request);
  if (url.pathname === "/api/v1/query") {
    return { status: 200, body: answerQuery(metrics, url.searchParams, Date.now()) };
  }
  if (url.pathname === "/settings") return { status: 200, body: { ...history.at(-1) } };
  return { status: 404 };
}

/** Its processes first: none is left to nobody. */
async function end(): Promise<void> {
  const ended = [...children.values()].map((child) => new Promise((resolve) => child.once("exit", resolve)));
  for (const child of children.values()) child.kill("SIGKILL");
  await Promise.all(ended);
  process.exit(0);
}

process.once("disconnect", () => void end());
process.once("SIGTERM", () => void end());
await Promise.all(NAMES.map(start));
setInterval(() => void scrape(), SCRAPE_MS);
const server = createServer((request, response) => {
  void answer(request)
    .catch((): Reply => ({ status: 500 }))
    .then(({ status, body = {} }) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
});
server.listen(0, "127.0.0.1", () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, gateway: peers["gateway"] });
});
