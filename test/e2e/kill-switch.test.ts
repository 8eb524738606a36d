// The kill switch over a thousand calls in flight: the report against what the target itself saw, and a store that died.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually, pageOf, TestServer, writePolicies } from "./server.ts";

const POLICIES = `# Every page goes out at once; loosening the brake is held for an owner.
apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: everything }
spec:
  match: { actions: [pagerduty.trigger] }
  rules:
    - name: allowed
      decision: allow
`;
const IN_FLIGHT = 1_000;
const WITHOUT_STORE = 200;
const WAITING = 40;
const AT_ONCE = 32;
/** Longer than the waits after which a step would be tried again. */
const OBSERVED_MS = 2_500;

const canLimit = spawnSync("prlimit", ["--version"], { stdio: "ignore" }).status === 0;
const needsPrlimit = { skip: canLimit ? false : "prlimit is missing: apt-get install -y util-linux" };

/** A target that answers nothing and writes down what it sees, by its own clock. */
class HoldingTarget {
  readonly opened = new Map<string, number>();
  readonly cutOff = new Map<string, number>();
  readonly #open = new Map<string, ServerResponse>();
  readonly #server: Server = createServer((request, response) => void this.#hold(request, response));

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const address = this.#server.address();
    assert.ok(typeof address === "object" && address !== null);
    return `http://127.0.0.1:${address.port}`;
  }

  async #hold(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += String(chunk);
    const { dedup_key: key } = JSON.parse(text) as { dedup_key: string };
    this.opened.set(`${key}#${this.opened.size}`, performance.now());
    this.#open.set(key, response);
    response.on("close", () => {
      if (!response.writableEnded) this.cutOff.set(key, performance.now());
      this.#open.delete(key);
    });
  }

  /** Answers one that it holds, as PagerDuty does. */
  accept(key: string): void {
    const response = this.#open.get(key);
    response?.writeHead(202, { "content-type": "application/json" });
    response?.end(JSON.stringify({ status: "success", message: "Event processed", dedup_key: key }));
  }

  get openKeys(): readonly string[] {
    return [...this.#open.keys()];
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

type Item = { id: string; was: string; end: string | null; afterMs: number | null; clock: string; status: string };
type Report = {
  readonly found: Readonly<Record<string, number>>;
  readonly complete: boolean;
  readonly propagationMs: number;
  readonly report: { readonly ends: Readonly<Record<string, number>>; readonly open: number };
  readonly items: readonly Item[];
  readonly receipts: { readonly applied: object; readonly reported: object };
};

let policies: string;
let target: HoldingTarget;
let server: TestServer;

before(() => {
  policies = writePolicies(tmpdir(), POLICIES);
});

after(() => rmSync(policies, { recursive: true }));

afterEach(async () => {
  await server.remove();
  await target.close();
});

async function startServer(): Promise<void> {
  target = new HoldingTarget();
  const baseUrl = await target.listen();
  server = await TestServer.create({
    policy: { path: policies },
    executors: { pagerduty: { baseUrl, integrations: ["default"] } },
    execution: { concurrentPerKind: IN_FLIGHT, stepTimeoutMs: 120_000 },
    limits: { writes: { burst: 10_000, perSecond: 1_000 } },
  });
  await server.start();
}

/** Proposes so many pages; the ids of their actions by dedup key. */
async function propose(count: number, name: string): Promise<Map<string, string>> {
  const ids = new Map<string, string>();
  const keys = Array.from({ length: count }, (_, i) => `${name}-${i}`);
  const worker = async (): Promise<void> => {
    for (let key = keys.pop(); key !== undefined; key = keys.pop()) {
      const { status, body } = await server.propose(pageOf(key), key);
      assert.ok(status === 200 || status === 202, JSON.stringify(body));
      ids.set(key, body.id);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return ids;
}

async function heldOpen(count: number): Promise<void> {
  await eventually(`${count} calls`, () => (target.openKeys.length === count ? true : undefined));
}

it("a pause over a thousand calls in flight ends them all, and its report is what the target saw", async () => {
  await startServer();
  const inFlight = await propose(IN_FLIGHT, "flight");
  await heldOpen(IN_FLIGHT);
  const waiting = await propose(WAITING, "waiting");
  const [done = ""] = inFlight.keys();
  target.accept(done);
  await eventually("one that waited to take its place", () => (target.opened.size > IN_FLIGHT ? true : undefined));
  await heldOpen(IN_FLIGHT);
  const opened = target.opened.size;
  const open = new Set(target.openKeys);
  const idsOf = (keys: Iterable<string>): string[] =>
    [...keys].map((key) => inFlight.get(key) ?? waiting.get(key) ?? key).sort();

  const preview = (await server.ask("PUT", "/v1/killswitch?preview=true", { body: { mode: "pause" } })).body;
  const { counts } = preview as unknown as { counts: Record<string, number> };
  assert.deepEqual(counts, { "in-flight": IN_FLIGHT, granted: WAITING - 1, scheduled: 0, held: 0, evaluating: 0 });

  const pulledAt = performance.now();
  const paused = await server.ask("PUT", "/v1/killswitch", { body: { mode: "pause", reason: "drill" } });
  assert.equal(paused.status, 200, JSON.stringify(paused.body));
  const { brake } = paused.body as unknown as { brake: string };
  const report = await eventually("the report", async () => {
    const { body } = await server.call("GET", `/v1/killswitch/reports/${brake}`);
    return (body as Report).complete ? (body as Report) : undefined;
  });
  const knownAt = performance.now();

  assert.deepEqual(idsOf(target.cutOff.keys()), idsOf(open), "every call was cut off, as the target saw it");
  assert.deepEqual(target.openKeys, []);
  const listed = report.items.filter(({ was }) => was === "in-flight");
  assert.deepEqual(listed.map(({ id }) => id).sort(), idsOf(open), "the list is what the target held open");
  assert.deepEqual(report.report.ends, { stopped: 0, finished: 0, partial: 0, unconfirmed: IN_FLIGHT });
  assert.ok(listed.every(({ end, clock }) => end === "unconfirmed" && clock === "monotonic"));
  const notBegun = report.items.filter(({ was }) => was === "waiting").map(({ id }) => id);
  const never = [...waiting.keys()].filter((key) => !open.has(key));
  assert.deepEqual(notBegun.sort(), idsOf(never), "what had not begun is named");

  const lastMs = Math.max(...listed.map(({ afterMs }) => afterMs ?? Number.NaN));
  assert.equal(report.propagationMs, lastMs);
  assert.ok(lastMs <= Math.ceil(knownAt - pulledAt), `${lastMs} ms is within what was seen from outside`);
  assert.ok(report.receipts.applied !== null && report.receipts.reported !== null);

  await sleep(OBSERVED_MS);
  assert.equal(target.opened.size, opened, "nothing was called after it");
  const events = await server.events();
  const at = events.findIndex(({ type }) => type === "brake.applied");
  assert.deepEqual(
    events.slice(at).filter(({ type }) => type === "step.started"),
    [],
  );
  assert.ok((await server.verify()).ok);
});

it("with a store that takes nothing it still ends them all, and outlives the process", needsPrlimit, async () => {
  await startServer();
  await propose(WITHOUT_STORE, "flight");
  await heldOpen(WITHOUT_STORE);
  assert.equal((await server.ask("GET", "/v1/killswitch")).body.mode, "run");
  assert.equal(spawnSync("prlimit", ["--pid", String(server.pid), "--fsize=1"]).status, 0);
  const paused = await server.ask("PUT", "/v1/killswitch", { body: { mode: "pause" } });
  assert.notEqual(paused.status, 200, "nobody is told that it is on record");
  assert.equal((await server.ended).code, 70);
  await eventually("the end of every call", () => (target.cutOff.size === WITHOUT_STORE ? true : undefined));
  assert.equal(target.opened.size, WITHOUT_STORE, "nothing else was called");
  assert.ok(existsSync(join(server.dataDir, "BRAKE")), "what is not on record is left as a file");

  await server.start();
  const { mode, flagged } = (await server.ask("GET", "/v1/killswitch")).body;
  assert.deepEqual([mode, flagged], ["pause", true]);
  await sleep(OBSERVED_MS);
  assert.equal(target.opened.size, WITHOUT_STORE, "nothing is called after the restart either");
  const applied = (await server.events()).findLast(({ type }) => type === "brake.applied");
  assert.equal(applied?.actor, "system:brake-file");
});
