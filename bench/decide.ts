// Decisions per second over HTTP: each proposed, decided, durable and under a signed checkpoint, beside a bare echo.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "../src/adapters/identity/clients.ts";
import { signAssertion } from "../src/adapters/identity/client-assertions.ts";
import { systemClock, systemRandom } from "../src/main/system.ts";
import {
  startProgram,
  startServer,
  stopProgram,
  threadTimesMs,
  withFolder,
  type Bench,
  type Results,
} from "./harness.ts";
import { applyLoad, applyRate, type Measured } from "./load.ts";

const CONNECTIONS = (process.env["BENCH_CONNECTIONS"] ?? "1,16,128").split(",").map(Number);
const SECONDS = Number(process.env["BENCH_SECONDS"] ?? 5);
/** A person: a bearer token, found again by its text, is all that they prove. Signed proposals are `propose`. */
const PROPOSER = "person:bench";
/** Result name to thread: microseconds of processor time for one decision. */
const THREADS = { mainUs: "MainThread", writerUs: "writer", followerUs: "follower", collectorUs: "V8Worker" };

const BODY = JSON.stringify({
  kind: "record.note",
  target: { environment: "staging", service: "cart" },
  arguments: { text: "restart of cart finished", tags: ["bench"] },
});

export const decideBench: Bench = {
  name: "decide",
  seed: 0,
  run: () => withFolder(measure),
};

async function measure(dir: string): Promise<Results> {
  const holdpoint = await startHoldpoint(dir);
  const echo = await startProgram(new URL("./echo-server.ts", import.meta.url).pathname, { ready: /ready \d+/ });
  try {
    const echoUrl = `http://127.0.0.1:${/ready (\d+)/.exec(echo.line)?.[1] ?? ""}/echo`;
    const results: Record<string, Record<string, number>> = {};
    for (const connections of CONNECTIONS) {
      const load = { body: BODY, connections, seconds: SECONDS };
      const headers = { authorization: holdpoint.authorization };
      // In turn, so that a drift of the machine meets both; the echo carries the same header.
      await applyLoad({ ...load, url: holdpoint.url, headers, seconds: 2 }, dir);
      const before = await applyLoad({ ...load, url: echoUrl, headers }, dir);
      const usedBefore = threadTimesMs(holdpoint.child.pid ?? 0);
      const decide = await applyLoad({ ...load, url: holdpoint.url, headers }, dir);
      const usedAfter = threadTimesMs(holdpoint.child.pid ?? 0);
      const viewsLagEvents = await readLag(holdpoint.url);
      const after = await applyLoad({ ...load, url: echoUrl, headers }, dir);
      if (decide.errors > 0) throw new Error(`${decide.errors} decisions failed at ${connections} connections`);
      const half = await applyRate(
        { ...load, url: holdpoint.url, headers },
        Math.max(1, Math.round(decide.perSecond / 2)),
      );
      const key = `c${connections}`;
      collect(results, key, { echoPerSecond: (before.perSecond + after.perSecond) / 2, decide, half });
      const decisions = decide.perSecond * SECONDS;
      for (const [name, thread] of Object.entries(THREADS)) {
        const usedMs = (usedAfter.get(thread) ?? 0) - (usedBefore.get(thread) ?? 0);
        (results[name] ??= {})[key] = Math.round((usedMs * 1000) / decisions);
      }
      (results["viewsLagEvents"] ??= {})[key] = viewsLagEvents;
    }
    return results;
  } finally {
    await stopProgram(holdpoint.child);
    await stopProgram(echo.child);
  }
}

/** Durable events that the views lack. */
async function readLag(url: string): Promise<number> {
  const metrics = await (await fetch(new URL("/metrics", url))).text();
  return Number(/^holdpoint_views_lag_events (\d+)/m.exec(metrics)?.[1] ?? Number.NaN);
}

type Row = { readonly echoPerSecond: number; readonly decide: Measured; readonly half: Measured };

/** `p50Ms` and `p99Ms` are at half the measured load, at constant rate. */
function collect(
  results: Record<string, Record<string, number>>,
  key: string,
  { echoPerSecond, decide, half }: Row,
): void {
  const row = {
    ratioToEcho: Math.round((decide.perSecond / echoPerSecond) * 1000) / 1000,
    decidePerSecond: decide.perSecond,
    echoPerSecond,
    p50Ms: half.p50Ms,
    p99Ms: half.p99Ms,
    p99MsAtFullLoad: decide.p99Ms,
  };
  for (const [name, value] of Object.entries(row)) (results[name] ??= {})[key] = value;
}

async function startHoldpoint(
  dir: string,
): Promise<{ child: Awaited<ReturnType<typeof startProgram>>["child"]; url: string; authorization: string }> {
  const data = join(dir, "data");
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const bucket = "{ burst: 100000000, perSecond: 10000000 }";
  writeFileSync(join(data, "holdpoint.yaml"), `limits:\n  writes: ${bucket}\n`);
  const keyPath = join(dir, "proposer.jwk");
  const client = { id: PROPOSER, kind: "person" as const, roles: [], scopes: ["actions:propose:record.note" as const] };
  const jwk = createClient(join(data, "clients"), client, { keyPath, random: systemRandom });
  const { child, url: base } = await startServer(dir, data);
  const assertion = await signAssertion(jwk, {
    clientId: PROPOSER,
    audience: base,
    clock: systemClock,
    random: systemRandom,
  });
  const response = await fetch(`${base}/oauth/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: assertion,
    }),
  });
  const { access_token: token } = (await response.json()) as { access_token: string };
  return { child, url: `${base}/v1/actions`, authorization: `Bearer ${token}` };
}
