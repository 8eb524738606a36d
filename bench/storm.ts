// A storm over HTTP: signals per second while it lasts, each durable, and the time from a failure's first signal to its
// page at a stand-in of the pager, under that load.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { startPagerduty } from "../examples/stand-ins/pagerduty.ts";
import { createSource } from "../src/adapters/identity/source-secrets.ts";
import { systemRandom } from "../src/main/system.ts";
import { startServer, stopProgram, withFolder, type Bench, type Results } from "./harness.ts";

const SECONDS = Number(process.env["BENCH_SECONDS"] ?? 10);
const SENDERS = 4;
const ALERTS_PER_DELIVERY = 50;
const SERVICES = 60;
/** A new failure this often, each with a page of its own. */
const FAILURE_EVERY_MS = 50;
const LAST_PAGE_MS = 30_000;

/** Every page goes out: what is measured is the way, not what the standard pack would hold back. */
const POLICY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: everything }
spec:
  match: { actions: [pagerduty.trigger, pagerduty.resolve, servicenow.incident.create] }
  rules: [{ name: allowed, decision: allow }]
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: on-call }
spec: { steps: [{ roles: [on-call], within: 15m }], onTimeout: deny }
---
${readFileSync(new URL("../policies/ladder.yaml", import.meta.url), "utf8")}`;

export const stormBench: Bench = { name: "storm", seed: 0, run: () => withFolder(measure) };

type Server = { readonly url: string; readonly secret: string };

async function measure(dir: string): Promise<Results> {
  const pagedAt = new Map<string, number>();
  const check = (body: unknown): string[] => {
    const { payload } = body as { payload?: { summary?: string } };
    const failure = /odd-[a-z]+/.exec(payload?.summary ?? "")?.[0];
    if (failure !== undefined && !pagedAt.has(failure)) pagedAt.set(failure, performance.now());
    return [];
  };
  const pagerduty = await startPagerduty({ check });
  const { child, ...server } = await startHoldpoint(dir, pagerduty.url);
  try {
    const end = performance.now() + SECONDS * 1000;
    const failedAt = new Map<string, number>();
    const senders = Array.from({ length: SENDERS }, (_, sender) => sendUntil(end, { server, sender }));
    for (let i = 0; performance.now() < end; i++) {
      const failure = `odd-${letters(i)}`;
      failedAt.set(failure, performance.now());
      await send(server, [alertOf({ service: failure, name: `Broken${letters(i)}`, number: i })]);
      await setTimeout(FAILURE_EVERY_MS);
    }
    const sent = (await Promise.all(senders)).reduce((sum, count) => sum + count, 0);
    const last = performance.now() + LAST_PAGE_MS;
    while (pagedAt.size < failedAt.size && performance.now() < last) await setTimeout(20);
    if (pagedAt.size < failedAt.size) throw new Error(`${failedAt.size - pagedAt.size} failures were never paged`);
    const times = [...failedAt].map(([failure, at]) => (pagedAt.get(failure) ?? 0) - at).toSorted((a, b) => a - b);
    const percentile = (share: number): number => Math.round((times[Math.floor(times.length * share)] ?? 0) * 10) / 10;
    const signalsPerSecond = Math.round((sent + failedAt.size) / SECONDS);
    return { signalsPerSecond, pageP50Ms: percentile(0.5), pageP99Ms: percentile(0.99), pages: times.length };
  } finally {
    await stopProgram(child);
    await pagerduty.close();
  }
}

/** A name of letters alone: numbers never tell two failures apart. */
function letters(number: number): string {
  return [...String(number).padStart(4, "0")].map((digit) => "bcdfghjklm"[Number(digit)]).join("a");
}

async function sendUntil(end: number, { server, sender }: { server: Server; sender: number }): Promise<number> {
  let sent = 0;
  while (performance.now() < end) {
    const alerts = Array.from({ length: ALERTS_PER_DELIVERY }, (_, i) => {
      const number = sent + i;
      const service = `service-${letters(number % SERVICES)}`;
      return alertOf({ service, name: "HighErrorRate", number: number * SENDERS + sender });
    });
    await send(server, alerts);
    sent += alerts.length;
  }
  return sent;
}

function alertOf({ service, name, number }: { service: string; name: string; number: number }): object {
  return {
    status: "firing",
    labels: { alertname: name, environment: "production", service, severity: "critical", pod: `${service}-${number}` },
    annotations: { summary: `${service} answers with errors` },
    startsAt: new Date().toISOString(),
    fingerprint: `${service}-${number}`,
  };
}

async function send({ url, secret }: Server, alerts: readonly object[]): Promise<void> {
  const response = await fetch(`${url}/v1/signals/alertmanager`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${secret}` },
    body: JSON.stringify({ version: "4", status: "firing", alerts }),
  });
  const text = await response.text();
  if (response.status !== 202) throw new Error(`a delivery was turned away: ${response.status} ${text}`);
}

async function startHoldpoint(dir: string, pager: string) {
  const data = join(dir, "data");
  const policies = join(dir, "policies");
  for (const folder of [data, policies, join(data, "secrets/pagerduty")]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
  writeFileSync(join(policies, "policies.yaml"), POLICY);
  writeFileSync(join(data, "secrets/pagerduty/default"), "0123456789abcdef0123456789abcdef\n", { mode: 0o600 });
  const bucket = { burst: 100_000_000, perSecond: 10_000_000 };
  const settings = {
    policy: { path: policies },
    executors: { pagerduty: { baseUrl: pager, integrations: ["default"] } },
    limits: { signals: bucket },
    triage: { stage: "controlled-paging" },
  };
  writeFileSync(join(data, "holdpoint.yaml"), JSON.stringify(settings)); // JSON is YAML
  const secret = createSource(join(data, "sources"), { name: "alertmanager", kind: "alertmanager" }, systemRandom);
  return { ...(await startServer(dir, data)), secret };
}
