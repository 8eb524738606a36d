// Health checks against real servers: what passes, what fails, and when nobody can tell.

import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { createEgress } from "../../src/adapters/egress/egress.ts";
import { createHealthProbe, healthOrigins } from "../../src/adapters/health/probe.ts";
import { AppError } from "../../src/core/errors.ts";
import type { HealthProbe, ServiceState, ServiceStateReader, StateCounts } from "../../src/wire/contracts/health.ts";
import { healthConfigSchema } from "../../src/wire/schemas/health-config.ts";
import type { CanaryCheck, HttpCheck, ModelCheck, PrometheusCheck } from "../../src/wire/types/health.ts";

const NOW_MS = 1_790_000_000_000;
const never = new AbortController().signal;

async function listening(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Knows no service. */
const NO_MODEL: ServiceStateReader = {
  stateOf: () => Promise.reject(new AppError("model-node-not-found", "the model has no log yet")),
};

function probeOf(baseUrl: string, tokenRef?: string, model = NO_MODEL): HealthProbe {
  const config = healthConfigSchema.parse({ endpoints: { it: { baseUrl, ...(tokenRef && { tokenRef }) } } });
  const credentials = { get: async () => "s3cret" };
  const clock = { nowMs: () => NOW_MS, monotonicMs: () => 0 };
  const egress = createEgress({ allow: healthOrigins(config) });
  return createHealthProbe({ config, egress, credentials, databases: new Map(), clusters: new Map(), clock, model });
}

const http = (of: Partial<HttpCheck> = {}): HttpCheck => ({
  kind: "http",
  name: "front",
  endpoint: "it",
  path: "/healthz",
  statuses: [200],
  ...of,
});

const prometheus = (of: Partial<PrometheusCheck>): PrometheusCheck => ({
  kind: "prometheus",
  name: "errors",
  endpoint: "it",
  query: "rate(errors[1m])",
  min: null,
  max: null,
  maxTimesBefore: null,
  ...of,
});

const vector = (...values: string[]) => ({
  status: "success",
  data: { resultType: "vector", result: values.map((value) => ({ metric: {}, value: [1, value] })) },
});

describe("an HTTP check", () => {
  it("passes with one of its statuses, and fails with any other", async (t) => {
    let status = 200;
    const probe = probeOf(await listening(t, (_request, response) => response.writeHead(status).end("secret body")));
    const ask = (statuses: number[]) => probe.ask({ check: http({ statuses }), beforeMs: 0 }, never);
    assert.deepEqual(await ask([200, 204]), { result: "pass", evidence: { status: 200, wanted: [200, 204] } });
    status = 503;
    assert.deepEqual(await ask([200]), { result: "fail", evidence: { status: 503, wanted: [200] } });
    status = 302;
    assert.equal((await ask([200])).result, "fail", "a redirect is not followed");
  });

  it("fails where nobody answers, and cannot tell where nobody may be asked", async () => {
    const probe = probeOf("http://127.0.0.1:9");
    assert.equal((await probe.ask({ check: http(), beforeMs: 0 }, never)).result, "fail");
    await assert.rejects(probe.ask({ check: http({ endpoint: "other" }), beforeMs: 0 }, never), {
      code: "config-invalid",
    });
  });

  it("sends its token and says nothing of it", async (t) => {
    let seen: string | undefined;
    const origin = await listening(t, (request, response) => {
      seen = request.headers.authorization;
      response.end();
    });
    const answer = await probeOf(origin, "health/it").ask({ check: http(), beforeMs: 0 }, never);
    assert.equal(seen, "Bearer s3cret");
    assert.ok(!JSON.stringify(answer).includes("s3cret"));
  });
});

describe("a Prometheus check", () => {
  /** Answers with the value of now, or of before where a time is asked for. */
  async function serving(t: TestContext, values: { now: unknown; before?: unknown }) {
    const asked: URL[] = [];
    const origin = await listening(t, (request, response) => {
      const url = new URL(request.url ?? "", "http://x");
      asked.push(url);
      const value = url.searchParams.has("time") ? values.before : values.now;
      response.setHeader("content-type", "application/json").end(JSON.stringify(value));
    });
    return { probe: probeOf(origin), asked };
  }
  it("compares the value with its bounds", async (t) => {
    const { probe, asked } = await serving(t, { now: vector("0.04") });
    const ask = (of: Partial<PrometheusCheck>) => probe.ask({ check: prometheus(of), beforeMs: 0 }, never);
    assert.equal((await ask({ max: 0.05 })).result, "pass");
    assert.equal((await ask({ max: 0.03 })).result, "fail");
    assert.equal((await ask({ min: 0.04 })).result, "pass");
    assert.equal((await ask({ min: 0.05 })).result, "fail");
    assert.equal(asked[0]?.searchParams.get("query"), "rate(errors[1m])");
  });

  it("compares it with the time before", async (t) => {
    const { probe, asked } = await serving(t, { now: vector("6"), before: vector("2") });
    const ask = (maxTimesBefore: number) =>
      probe.ask({ check: prometheus({ maxTimesBefore }), beforeMs: 1_790_000_000_123 }, never);
    assert.equal((await ask(3)).result, "pass");
    const worse = await ask(2.9);
    assert.equal(worse.result, "fail");
    assert.deepEqual(worse.evidence, { value: 6, before: 2, min: null, max: null, maxTimesBefore: 2.9 });
    assert.equal(asked[1]?.searchParams.get("time"), "1790000000.123");
  });

  it("cannot tell from no series, several, no number, an error or garbage", async (t) => {
    const failed = { status: "error", errorType: "bad_data", error: "parse error" };
    for (const now of [vector(), vector("1", "2"), vector("NaN"), vector("+Inf"), failed, "garbage", null]) {
      const { probe } = await serving(t, { now });
      const answer = await probe.ask({ check: prometheus({ max: 1 }), beforeMs: 0 }, never);
      assert.equal(answer.result, "unknown", JSON.stringify(now));
    }
    const { probe } = await serving(t, { now: vector("1"), before: vector() });
    const answer = await probe.ask({ check: prometheus({ maxTimesBefore: 2 }), beforeMs: 1 }, never);
    assert.deepEqual(answer, { result: "unknown", evidence: { code: "before-no-value" } });
    const gone = await probeOf("http://127.0.0.1:9").ask({ check: prometheus({ max: 1 }), beforeMs: 0 }, never);
    assert.equal(gone.result, "unknown");
  });
});

describe("a canary", () => {
  const check: CanaryCheck = {
    kind: "canary",
    name: "new-version",
    endpoint: "it",
    canary: { bad: "canary_bad[$window]", all: "canary_all[$window]" },
    baseline: { bad: "base_bad[$window]", all: "base_all[$window]" },
    maxRise: 0.02,
    confidence: 0.95,
  };

  async function askedOf(t: TestContext, counts: Readonly<Record<string, string>>) {
    const queries: string[] = [];
    const origin = await listening(t, (request, response) => {
      const query = new URL(request.url ?? "", "http://it").searchParams.get("query") ?? "";
      queries.push(query);
      const value = counts[query.slice(0, query.indexOf("["))];
      response.end(JSON.stringify(value === undefined ? vector() : vector(value)));
    });
    return { answer: await probeOf(origin).ask({ check, beforeMs: 0, stepMs: NOW_MS - 89_500 }, never), queries };
  }
  const counts = (canary: [string, string], baseline: [string, string]) => ({
    canary_bad: canary[0],
    canary_all: canary[1],
    base_bad: baseline[0],
    base_all: baseline[1],
  });

  it("passes when it is certain that it is no worse than may be, counted since the action began", async (t) => {
    const { answer, queries } = await askedOf(t, counts(["10", "5000"], ["52.4", "25000"]));
    assert.equal(answer.result, "pass", JSON.stringify(answer));
    assert.deepEqual(queries.toSorted(), ["base_all[90s]", "base_bad[90s]", "canary_all[90s]", "canary_bad[90s]"]);
  });

  it("fails when it is certain that it is worse", async (t) => {
    const { answer } = await askedOf(t, counts(["600", "5000"], ["50", "25000"]));
    assert.equal(answer.result, "fail", JSON.stringify(answer));
    assert.ok(Number(answer.evidence["riseMin"]) > 0.02);
  });

  it("cannot tell from a handful of requests, or from none", async (t) => {
    assert.equal((await askedOf(t, counts(["0", "40"], ["0", "40"]))).answer.result, "unknown");
    assert.equal((await askedOf(t, counts(["3", "10"], ["0", "40"]))).answer.result, "unknown");
    assert.equal((await askedOf(t, counts(["0", "0"], ["0", "0"]))).answer.result, "unknown");
    const gone = await askedOf(t, counts(["0", "0"], ["1000", "1000"]));
    assert.equal(gone.answer.result, "unknown", "a baseline that fails makes it no better");
    const { base_all: _gone, ...left } = counts(["0", "5000"], ["0", "5000"]);
    assert.deepEqual((await askedOf(t, left)).answer, { result: "unknown", evidence: { code: "baseline-no-value" } });
  });
});

describe("a check of the runtime model", () => {
  const counts = (requests: number, failed: number, p95Ms: number | null = null, windows = 10): StateCounts => {
    return { requests, failed, windows, p95Ms, p95Windows: p95Ms === null ? 0 : windows };
  };
  const action = { environment: "production", service: "cart", doneMs: NOW_MS - 60_000 };

  async function ask(state: Partial<ServiceState>, of: Partial<ModelCheck> = {}) {
    const asked: unknown[] = [];
    const stateOf: ServiceStateReader["stateOf"] = async (question) => {
      asked.push(question);
      return { own: null, called: null, ...state };
    };
    const check = { kind: "model", name: "calls", service: null, maxRise: 0.02, maxTimesBefore: null } as const;
    const question = {
      check: { ...check, confidence: 0.95, ...of },
      beforeMs: NOW_MS - 90_000,
      stepMs: NOW_MS - 70_000,
      action,
    };
    const answer = await probeOf("http://127.0.0.1:9", undefined, { stateOf }).ask(question, never);
    return { ...answer, asked };
  }

  it("passes when it is certain enough that no more fails than is tolerated, and fails when it is certain that more does", async () => {
    const well = { before: counts(40_000, 400), after: counts(4_000, 44) };
    const { result, evidence, asked } = await ask({ own: well });
    assert.equal(result, "pass");
    assert.deepEqual(asked, [
      {
        ...{ environment: "production", service: "cart" },
        ...{ beforeMs: NOW_MS - 90_000, stepMs: NOW_MS - 70_000, doneMs: NOW_MS - 60_000 },
      },
    ]);
    const own = evidence["own"] as { readonly after: object; readonly riseMax: number };
    assert.deepEqual(own.after, { bad: 44, all: 4_000 });
    assert.ok(own.riseMax > 0 && own.riseMax <= 0.02);
    const broken = { before: counts(40_000, 400), after: counts(4_000, 400) };
    assert.equal((await ask({ own: broken })).result, "fail");
    assert.equal((await ask({ own: well, called: broken })).result, "fail", "its callers know better");
    assert.equal((await ask({ own: { before: counts(40_000, 400), after: counts(200, 2) } })).result, "unknown");
  });

  it("cannot tell of a service that says nothing any more, was never seen, or that the model does not know", async () => {
    assert.equal((await ask({ own: { before: counts(40_000, 0), after: counts(0, 0) } })).result, "unknown");
    assert.equal((await ask({ own: { before: counts(1_000, 1_000), after: counts(0, 0) } })).result, "unknown");
    const { result, evidence } = await ask({});
    assert.deepEqual([result, evidence], ["unknown", { code: "not-measured-before" }]);
    const check = {
      kind: "model",
      name: "x",
      service: null,
      maxRise: 0,
      maxTimesBefore: null,
      confidence: 0.9,
    } as const;
    const gone = probeOf("http://127.0.0.1:9").ask({ check, beforeMs: 0, action }, never);
    await assert.rejects(gone, { code: "model-node-not-found" });
    assert.equal((await probeOf("http://127.0.0.1:9").ask({ check, beforeMs: 0 }, never)).result, "unknown");
  });

  it("cannot tell before two windows were counted after the action, also where no more can fail than did", async () => {
    const after = (windows: number) => ({ before: counts(1_000, 1_000), after: counts(40, 40, null, windows) });
    assert.equal((await ask({ own: after(1) })).result, "unknown");
    const { result, evidence } = await ask({ own: after(2) });
    assert.deepEqual([result, (evidence["own"] as { windows: number }).windows], ["pass", 2]);
  });

  it("holds latency against the time before, over windows enough, by the callers where it says nothing itself", async () => {
    const of = { maxRise: null, maxTimesBefore: 1.5, service: "search" };
    const at = (p95Ms: number | null, windows?: number) => ({
      before: counts(9_000, 0, 100),
      after: counts(900, 0, p95Ms, windows),
    });
    const { result, asked } = await ask({ own: at(150) }, of);
    assert.deepEqual([result, (asked[0] as { service: string }).service], ["pass", "search"]);
    assert.equal((await ask({ own: at(151) }, of)).result, "fail");
    assert.equal((await ask({ called: at(151) }, of)).result, "fail");
    assert.equal((await ask({ own: at(100, 1) }, of)).result, "unknown");
    assert.equal((await ask({ own: at(null) }, of)).result, "unknown");
  });
});
