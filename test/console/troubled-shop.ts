// A production of three real services that tell of themselves, and of which one fails after a deploy.

import assert from "node:assert/strict";
import { join } from "node:path";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { createSource } from "../../src/adapters/identity/source-secrets.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { systemRandom } from "../../src/main/system.ts";
import type { ModelGraphView } from "../../src/wire/types/model-views.ts";
import type { Server } from "../http/fixture.ts";
import { Service } from "../model/production.ts";

const SETTINGS = `limits: { writes: { burst: 100000, perSecond: 10000 }, tokens: { burst: 10000, perSecond: 1000 }, sessions: { burst: 10000, perSecond: 1000 } }
model: { windowSeconds: 1, holdSeconds: 0.5 }`;
/** A note of payments puts traffic at stake: people are asked. */
const POLICY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: notes }
spec:
  match: { actions: [record.note] }
  rules: [{ name: asked, gates: [{ blastRadius: { maxTrafficShare: 0.01, onFail: hold, route: pair } }], decision: allow }]
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: pair }
spec: { steps: [{ roles: [owner], within: 10m }] }
`;
export const SETUP = { settings: SETTINGS, policy: POLICY };

/** What a page must show as text: as the name of a change, and of a service that an alert names. */
export const SCRIPT = "<img src=x onerror=alert(1)>";
export const DEPLOY = "payments@2.4.1";

type Asks = <T>(path: string, more?: { method?: string; body?: JsonObject }) => Promise<T>;

/** frontend → checkout → payments: all is well for some windows, then a deploy of payments, of which every second request fails. */
export async function startShop(server: Server, ask: Asks): Promise<readonly Service[]> {
  const secret = createSource(join(server.dataDir, "sources"), { name: "otel", kind: "otlp" }, systemRandom);
  await new Promise((resolve) => setTimeout(resolve, 1100)); // sources are looked at again within a second
  const options = { url: `${server.url}/v1/traces`, headers: { authorization: `Bearer ${secret}` } };
  const make = (name: string): Service => new Service(name, new OTLPTraceExporter(options));
  const [frontend, checkout, payments] = [make("frontend"), make("checkout"), make("payments")];
  const shop = [frontend, checkout, payments];
  let charged = 0;
  let isBroken = false;
  await frontend.serve(async (asked) => {
    if (asked.path === "/buy") return frontend.call(checkout, "/orders", asked);
  });
  await checkout.serve(async (asked) => checkout.call(payments, "/charge", asked));
  await payments.serve(async () => {
    if (isBroken && charged++ % 2 === 0) throw new Error("down");
  });
  const visits = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await frontend.visit(i % 2 === 0 ? "/buy" : "/");
    for (const service of shop) await service.flush();
  };
  for (let windows = 0; windows < 4; windows++) {
    await visits(60);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  const targets = ["service:production:payments"];
  const settings = [{ key: `pool.size ${SCRIPT}`, before: 50, after: 1, unit: "count" }];
  await ask("/v1/model/changes", { body: { id: DEPLOY, kind: "deploy", targets, settings } });
  isBroken = true;
  await isFailing(ask, visits);
  return shop;
}

/** The graph has the failures of payments. */
async function isFailing(ask: Asks, visits: (count: number) => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries++) {
    await visits(60);
    const { edges } = await ask<ModelGraphView>("/v1/model");
    const call = edges.find(({ kind, to }) => kind === "calls" && to === "service:production:payments");
    if ((call?.observed?.failures ?? 0) > 20) return;
    assert.ok(tries < 100, "the graph never had the failures of payments");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
