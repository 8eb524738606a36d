// What operators see: health, metrics that Prometheus can read, and an end that loses nothing.

import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { entryOf } from "../../scripts/server-build.mjs";
import { createSource } from "../../src/adapters/identity/source-secrets.ts";
import { systemRandom } from "../../src/main/system.ts";
import { delivery, metric, note, startServer } from "./fixture.ts";

let server: Awaited<ReturnType<typeof startServer>>;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

describe("health", () => {
  it("says that the process answers and that it decides, to anybody", async () => {
    assert.deepEqual((await server.ask("/livez")).json, { status: "live" });
    const ready = await server.ask("/readyz");
    assert.equal(ready.status, 200);
    assert.equal(ready.json?.["status"], "ready");
  });

  it("tells nobody more than that", async () => {
    const { text } = await server.ask("/readyz");
    for (const word of [server.dataDir, "person:", "sha", "/work"]) assert.ok(!text.includes(word), text);
  });
});

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABELS = String.raw`\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*\}`;
const SAMPLE = new RegExp(`^(${NAME})(${LABELS})? (-?[0-9.]+(?:e[+-]?[0-9]+)?|[+-]Inf|NaN)$`);

/** What promtool's parser insists on: HELP, TYPE, samples of that family together, no series twice. */
function checkExposition(text: string): Map<string, number> {
  assert.ok(text.endsWith("\n"));
  const series = new Map<string, number>();
  const families = new Set<string>();
  let family = "";
  let type = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const comment = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`).exec(line);
    if (comment?.[1] === "HELP") {
      family = comment[2] ?? "";
      assert.ok(!families.has(family), `${family} twice`);
      families.add(family);
    } else if (comment?.[1] === "TYPE") {
      assert.equal(comment[2], family);
      type = comment[3] ?? "";
      assert.ok(["counter", "gauge", "histogram"].includes(type), line);
    } else {
      const sample = SAMPLE.exec(line);
      assert.ok(sample, `not a sample: ${line}`);
      const suffix = (sample[1] ?? "").slice(family.length);
      assert.ok((sample[1] ?? "").startsWith(family), line);
      assert.ok(type === "histogram" ? ["_bucket", "_sum", "_count"].includes(suffix) : suffix === "", line);
      if (type === "counter") assert.match(family, /_total$/);
      const key = `${sample[1]}${sample[2] ?? ""}`;
      assert.ok(!series.has(key), `${key} twice`);
      series.set(key, Number(sample[3]));
    }
  }
  return series;
}

describe("metrics", () => {
  it("are lines that Prometheus reads, whatever was asked before", async () => {
    const as = await server.bearer("deployer");
    await server.ask("/v1/actions", { as, body: note("staging") });
    await server.ask(`/v1/"quoted\\path"`);
    await server.ask("/v1/actions/%22%0a%5c");
    await server.ask("/v1/signals/alertmanager", { as: `Bearer ${server.secret}`, body: delivery({}) });
    const { kernel } = server.running;
    const atLeast = kernel.durableSize; // what the alert asks for goes on meanwhile
    const { text, headers } = await server.ask("/metrics");
    assert.match(headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
    const series = checkExposition(text);
    const events = series.get("holdpoint_ledger_events") ?? 0;
    assert.ok(events >= atLeast && events <= kernel.durableSize, `${events} events`);
    assert.equal(series.get('holdpoint_signals_total{source="alertmanager",result="triaged"}'), 1);
    assert.ok((series.get('holdpoint_refusals_total{code="route-unknown"}') ?? 0) >= 1);
  });

  it("have histograms whose buckets grow and end at the count", async () => {
    await server.ask("/livez");
    const series = checkExposition((await server.ask("/metrics")).text);
    const name = "holdpoint_http_request_duration_seconds";
    const buckets = [...series].filter(([key]) => key.startsWith(`${name}_bucket{route="/livez"`)).map(([, n]) => n);
    assert.ok(buckets.length > 5);
    assert.deepEqual(
      buckets,
      buckets.toSorted((a, b) => a - b),
    );
    assert.equal(buckets.at(-1), series.get(`${name}_count{route="/livez"}`));
  });

  it("do not grow with paths, ids and codes that callers make up", async () => {
    const before = checkExposition((await server.ask("/metrics")).text).size;
    for (let i = 0; i < 50; i++) await server.ask(`/made-up/${i}`);
    const as = await server.bearer("ada");
    await server.ask("/v1/runs/run_00000000z", { as });
    const between = checkExposition((await server.ask("/metrics")).text).size;
    for (let i = 0; i < 50; i++) await server.ask(`/v1/runs/run_${i}`, { as });
    assert.ok(between - before < 60, "a route more at most, and the tokens' own");
    assert.equal(checkExposition((await server.ask("/metrics")).text).size, between);
  });

  it("count what the lists show: an alert in, a run that waits no longer", async () => {
    while ((await metric(server, "holdpoint_runs_waiting")) > 0);
    assert.ok((await metric(server, "holdpoint_incidents_open")) >= 1);
    assert.equal(await metric(server, "holdpoint_replay_mismatched_commands"), 0);
  });
});

type Child = { readonly process: ChildProcess; readonly url: string; readonly secret: string; readonly dir: string };

async function startChild(): Promise<Child> {
  const dir = mkdtempSync(join(tmpdir(), "holdpoint-http-"));
  mkdirSync(join(dir, "data"), { mode: 0o700 });
  writeFileSync(join(dir, "data", "holdpoint.yaml"), "{}\n");
  const secret = createSource(
    join(dir, "data", "sources"),
    { name: "alertmanager", kind: "alertmanager" },
    systemRandom,
  );
  const env = { HOLDPOINT_DATA: join(dir, "data"), HOLDPOINT_CONFIG: join(dir, "owner"), HOLDPOINT_PORT: "0" };
  const child = spawn(process.execPath, [entryOf("serve")], {
    env: { ...process.env, ...env, HOLDPOINT_LOG_LEVEL: "silent" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const found = /ready at (\S+)\n[^]*next/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once("exit", (code) => reject(new Error(`ended with ${code} before it was ready`)));
  });
  return { process: child, url, secret, dir };
}

describe("SIGTERM", () => {
  let child: Child;
  before(async () => {
    child = await startChild();
  });
  after(() => {
    child.process.kill("SIGKILL");
    rmSync(child.dir, { recursive: true, force: true });
  });

  it("ends the process with 0, after the request that was on its way is answered, and takes no new ones", async () => {
    const body = JSON.stringify(delivery({}));
    const { hostname, port } = new URL(child.url);
    const head = `POST /v1/signals/alertmanager HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${child.secret}\r\n`;
    const length = `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
    const socket = connect({ host: hostname, port: Number(port) });
    let answer = "";
    socket.on("data", (chunk) => (answer += chunk.toString()));
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    // The head has arrived when an answer to what was sent before it has.
    socket.write("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" + head + length + body.slice(0, 20));
    while (!answer.includes('"live"')) await new Promise((resolve) => setTimeout(resolve, 5));
    const exited = new Promise<number | null>((resolve) => child.process.once("exit", resolve));
    child.process.kill("SIGTERM");
    while (await accepts(child.url));
    assert.equal(child.process.exitCode, null);
    socket.write(body.slice(20));
    await closed;
    assert.match(answer, /HTTP\/1\.1 202 [^]*"result":"triaged"/);
    assert.equal(await exited, 0);
  });
});

function accepts(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
