// Requests at a constant rate over a fixed number of connections, in a process of its own: `constant-rate.ts LOAD-AS-JSON`.
// Each request is due at a fixed instant, whatever became of those before, and its latency counts from that instant.

import { connect, type Socket } from "node:net";
import type { Load, Measured } from "./load.ts";

/** What is due within the first second is sent and not counted: connections open, and the compiler warms up. */
const WARM_UP_MS = 1_000;
const ANSWERED = "HTTP/1.1 ";

type Connection = { readonly socket: Socket; dueMs: number | null };

const { perSecond, ...load } = JSON.parse(process.argv[2] ?? "{}") as Load & { perSecond: number };
const url = new URL(load.url);
const head = [
  `POST ${url.pathname} HTTP/1.1`,
  `host: ${url.host}`,
  "content-type: application/json",
  `content-length: ${Buffer.byteLength(load.body)}`,
  ...Object.entries(load.headers).map(([name, value]) => `${name}: ${value}`),
];
const request = `${head.join("\r\n")}\r\n\r\n${load.body}`;

const idle: Connection[] = [];
const latenciesMs: number[] = [];
let errors = 0;

/** Answers are small and come whole; one connection has one request at a time. */
function open(): void {
  const connection: Connection = { socket: connect(Number(url.port), url.hostname), dueMs: null };
  connection.socket.setNoDelay(true);
  connection.socket.on("connect", () => idle.push(connection));
  connection.socket.on("data", (chunk: Buffer) => {
    if (connection.dueMs === null || !chunk.toString("latin1", 0, ANSWERED.length).startsWith(ANSWERED)) return;
    if (chunk[ANSWERED.length] !== 0x32) errors++; // not 2xx
    if (connection.dueMs >= startMs + WARM_UP_MS) latenciesMs.push(performance.now() - connection.dueMs);
    connection.dueMs = null;
    idle.push(connection);
  });
  connection.socket.on("error", () => errors++);
}

for (let i = 0; i < load.connections; i++) open();
const startMs = performance.now();
const endMs = startMs + WARM_UP_MS + load.seconds * 1_000;
let sent = 0;
const timer = setInterval(() => {
  const nowMs = performance.now();
  for (;;) {
    const dueMs = startMs + (sent * 1_000) / perSecond;
    const connection = dueMs > nowMs || dueMs > endMs ? undefined : idle.shift();
    if (connection === undefined) break;
    connection.dueMs = dueMs;
    connection.socket.write(request);
    sent++;
  }
  if (nowMs > endMs + 1_000) report();
}, 1);

function report(): void {
  clearInterval(timer);
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((latenciesMs[Math.floor(latenciesMs.length * share)] ?? 0) * 100) / 100;
  const measured: Measured = {
    perSecond: Math.round(latenciesMs.length / load.seconds),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    errors,
  };
  process.stdout.write(`${JSON.stringify(measured)}\n`);
  process.exit(0);
}
