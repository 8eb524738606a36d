// A real Prometheus that scrapes a mesh's metrics: who calls whom, how often and how well, as the graph has it then.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { Graph } from "../../src/model/graph.ts";
import { readGraph } from "../../src/model/reads.ts";
import { Intake } from "../../src/model/traces/intake.ts";
import { SPAN_KIND } from "../../src/wire/types/telemetry-span.ts";
import type { MeasuredRows } from "../../src/wire/types/measured-rows.ts";
import { freePort } from "../e2e/server.ts";
import { Fed, startFeeds } from "./fed-model.ts";

const absent =
  spawnSync("prometheus", ["--version"]).status === 0 ? false : "needs a Prometheus: apt-get install prometheus";

async function listen(t: TestContext, handle: Parameters<typeof createServer>[1]): Promise<string> {
  const server: Server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const BOUNDS = ["10", "50", "100", "500", "+Inf"] as const;

/** Istio's metrics of a shop that began to be asked when this did: gateway 20 a second, half of them on to cart. */
function istio(beganMs: number): string {
  const seconds = (Date.now() - beganMs) / 1000;
  const line = (from: string, to: string, perSecond: number, failing: number): string[] =>
    ["source", "destination"].flatMap((reporter) => {
      const of = `reporter="${reporter}",source_canonical_service="${from}",destination_canonical_service="${to}"`;
      const total = Math.floor(seconds * perSecond);
      const failed = Math.floor(total * failing);
      const buckets = BOUNDS.map((le) => {
        const part = { "10": 0.2, "50": 0.8, "100": 0.9, "500": 1, "+Inf": 1 }[le];
        return `istio_request_duration_milliseconds_bucket{${of},le="${le}"} ${Math.floor(total * part)}`;
      });
      return [
        `istio_requests_total{${of},response_code="200"} ${total - failed}`,
        `istio_requests_total{${of},response_code="503"} ${failed}`,
        ...buckets,
      ];
    });
  return [
    ...line("unknown", "gateway", 20, 0),
    ...line("gateway", "cart", 10, 0.25),
    ...line("cart", "bad name!", 5, 0),
  ]
    .join("\n")
    .concat(`\nshop_requests{app="search"} 7\nshop_requests{app="nan"} NaN\n`);
}

const isNear = (value: number | undefined, wanted: number): boolean =>
  value !== undefined && Math.abs(value - wanted) <= 0.15 * wanted;
const near = (value: number | undefined, wanted: number): void =>
  assert.ok(isNear(value, wanted), `${value} is not ${wanted}`);

describe("a Prometheus with a mesh's metrics", { skip: absent, timeout: 120_000 }, () => {
  test("gives services, calls and shares, until the Prometheus is gone", async (t) => {
    const began = Date.now();
    const target = await listen(t, (_request, response) => response.end(istio(began)));
    const dir = mkdtempSync(join(tmpdir(), "holdpoint-prometheus-"));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    const config = `global: { scrape_interval: 1s }\nscrape_configs: [{ job_name: mesh, static_configs: [{ targets: ["${target}"] }] }]\n`;
    writeFileSync(join(dir, "prometheus.yml"), config);
    const place = `127.0.0.1:${await freePort()}`;
    const args = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", `--web.listen-address=${place}`];
    const prometheus = spawn("prometheus", args, { cwd: dir, stdio: "ignore" });
    const ended = new Promise<void>((resolve) => void prometheus.once("exit", () => resolve()));
    t.after(async () => {
      prometheus.kill("SIGKILL");
      await ended;
    });
    const model = new Fed();
    mkdirSync(join(dir, "secrets"), { mode: 0o700 });
    const services = { label: "app", perSecond: "shop_requests", errorRatio: "0 * shop_requests + 0.5" };
    const feed = {
      name: "mesh",
      environment: "prod",
      baseUrl: `http://${place}`,
      everySeconds: 5,
      mesh: "istio",
      services,
    };
    const stop = startFeeds(model, { feeds: { prometheus: [feed] }, dataDir: dir, allow: [`http://${place}`] });
    t.after(stop);
    // A rate is whole once there were scrapes over all of its range.
    const steady = (): MeasuredRows | undefined =>
      model.measurements.findLast(({ rows }) => isNear(rows.calls[0]?.perSecond, 10))?.rows;
    for (let tries = 0; steady() === undefined; tries++) {
      assert.ok(tries < 600, JSON.stringify([model.statuses, model.measurements.at(-1)]));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const rows = steady() ?? { services: [], calls: [] };
    assert.equal(model.measurements.at(-1)?.environment, "production");
    assert.deepEqual(rows.services.map(({ service }) => service).toSorted(), ["cart", "gateway", "search"]);
    assert.deepEqual(
      rows.calls.map(({ from, to }) => `${from} ${to}`),
      ["gateway cart"],
    );
    near(rows.calls[0]?.errorRatio, 0.25);
    near(rows.calls[0]?.p50Ms ?? undefined, 30);
    assert.equal(rows.services.find(({ service }) => service === "search")?.errorRatio, 0.5);
    prometheus.kill("SIGKILL");
    await model.until(() => model.statuses.at(-1)?.failing === "unreachable");
  });
});

const TERMS = {
  windowS: 60,
  holdMs: 0,
  dayBytesMax: 1e9,
  waitingMax: 1_000,
  namesMax: 1_000,
  fadeAfterS: 900,
  forgetAfterS: 86_400,
};
const BEGIN_MS = 1_790_000_000_000;
const rates = (perSecond: number, errorRatio = 0) => ({ perSecond, errorRatio, p50Ms: 20, p95Ms: 80 });

test("what a mesh counted is a window's numbers, but where traces of that window tell of the same call", () => {
  const graph = new Graph();
  const intake = new Intake(graph, TERMS, BEGIN_MS);
  const span = (service: string, spanId: string, parentId: string, kind: number) => ({
    ...{ traceId: "t", spanId, parentId, service, environment: "production", name: "GET /", kind },
    ...{ isFailed: false, startMs: BEGIN_MS, durationUs: 1_000, names: {} },
  });
  intake.add(span("web", "1", "", SPAN_KIND.server), BEGIN_MS);
  intake.add(span("web", "2", "1", SPAN_KIND.client), BEGIN_MS);
  intake.add(span("cart", "3", "2", SPAN_KIND.server), BEGIN_MS);
  const rows = {
    services: [
      { service: "web", ...rates(100) },
      { service: "cart", ...rates(50) },
      { service: "stock", ...rates(25) },
    ],
    calls: [
      { from: "web", to: "cart", ...rates(50) },
      { from: "cart", to: "stock", ...rates(25, 0.1) },
    ],
  };
  intake.tell("mesh", "production", { ...rows, calls: [] });
  intake.tell("mesh", "production", rows);
  const draft = intake.closeDue(BEGIN_MS + 60_000);
  assert.ok(draft);
  graph.apply({ seq: 0, time: BEGIN_MS + 60_000, ...draft });
  const at = BEGIN_MS + 60_000;
  const view = readGraph(graph, { at, knownAt: at, from: 0, limit: 100 });
  const edge = (from: string, to: string) =>
    view.edges.find((one) => one.from.endsWith(`:${from}`) && one.to.endsWith(`:${to}`) && one.kind === "calls")
      ?.observed;
  near(edge("web", "cart")?.perSecond, 1 / 60); // as the trace has it
  assert.deepEqual([edge("cart", "stock")?.perSecond, edge("cart", "stock")?.share], [25, 0.5]);
  near(edge("cart", "stock")?.errorRatio, 0.1);
  near(edge("cart", "stock")?.p50Ms, 20);
  near(edge("cart", "stock")?.p95Ms, 80);
  assert.equal(intake.closeDue(BEGIN_MS + 120_000), null, "what was told once counts once");
});
