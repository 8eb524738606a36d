// The brake over the whole way: the API, the signal and the file each stop what is granted; resuming takes two people.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startPagerduty, type PagerdutyStandIn } from "../../examples/stand-ins/pagerduty.ts";
import { PROPOSER, eventually, noteOf, OWNER, pageOf, SECOND, TestServer, writePolicies } from "./server.ts";

const POLICIES = `# Pages and notes go through; loosening the brake is held for an owner.
apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: everything }
spec:
  match: { actions: [record.note, pagerduty.trigger] }
  rules:
    - name: allowed
      decision: allow
---
apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: enforcement }
spec:
  match: { actions: [killswitch.resume] }
  rules:
    - name: owners-decide
      decision: hold
      route: owners
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: owners }
spec:
  steps:
    - { roles: [owner], within: 1h }
  onTimeout: deny
`;
/** After how long a step is tried again: what is done to it meanwhile has to come before that on a slow machine too. */
const AGAIN_S = 4;
/** Longer than that, so that a brake that does not hold is seen. */
const OBSERVED_MS = AGAIN_S * 1_000 + 600;

const canLimit = spawnSync("prlimit", ["--version"], { stdio: "ignore" }).status === 0;
const needsPrlimit = { skip: canLimit ? false : "prlimit is missing: apt-get install -y util-linux" };

let policies: string;
let pagerduty: PagerdutyStandIn;
let server: TestServer;

before(async () => {
  policies = writePolicies(tmpdir(), POLICIES);
  pagerduty = await startPagerduty();
  server = await TestServer.create({
    policy: { path: policies },
    executors: { pagerduty: { baseUrl: pagerduty.url, integrations: ["default"] } },
  });
  await server.start();
});

after(async () => {
  await server.remove();
  await pagerduty.close();
  rmSync(policies, { recursive: true });
});

it("a preview tells what a pause would stop and changes nothing", async () => {
  const page = await grantedPage("previewed");
  const recorded = (await server.events()).length;
  const preview = await server.ask("PUT", "/v1/killswitch?preview=true", { body: { mode: "pause" } });
  assert.equal(preview.status, 200, JSON.stringify(preview.body));
  assert.deepEqual(
    preview.body.wouldStop.map(({ id }) => id),
    [page],
  );
  assert.equal((await killswitch()).mode, "run");
  const since = (await server.events(recorded)).filter(({ type }) => type.startsWith("brake."));
  assert.deepEqual(since, []);
  await executed(page);
});

it("a pause over the API stops what is granted; resuming it takes a second person, and then it goes on", async () => {
  const page = await grantedPage("paused-by-api");
  const paused = await server.ask("PUT", "/v1/killswitch", { body: { mode: "pause", reason: "drill" } });
  assert.equal(paused.status, 200, JSON.stringify(paused.body));
  await assertStopped(page);

  const refused = await server.propose(noteOf("while paused"), "while-paused");
  assert.equal(refused.body.status, "refused");

  const held = await askToResume();
  const own = await answer(held, OWNER);
  assert.equal(own.body.code, "self-approval", JSON.stringify(own.body));
  await assertStopped(page);
  assert.equal((await answer(held, SECOND)).status, 200);
  await executed(page);
  assert.equal((await killswitch()).mode, "run");
});

it("a brake on something else stops that alone", async () => {
  const scope = { service: "other" };
  await server.ask("PUT", "/v1/killswitch", { body: { mode: "pause", scope } });
  await executed(await grantedPage("not-covered"));
  await resume(scope);
});

it("a call in flight is cut off when the brake is pulled", async () => {
  pagerduty.fail({ mode: "hang" });
  const before = pagerduty.received.length;
  const { body } = await server.propose(pageOf("in-flight"), "in-flight");
  await eventually("the call", () => (pagerduty.received.length > before ? true : undefined));
  await server.ask("PUT", "/v1/killswitch", { body: { mode: "pause" } });
  await eventually("the end of the step", async () => ((await statusOf(body.id)) === "retrying" ? true : undefined));
  await assertStopped(body.id);
  await resume();
  await executed(body.id);
});

it("SIGUSR2 stops everything, on record, until two people resume it", async () => {
  const page = await grantedPage("paused-by-signal");
  server.signal("SIGUSR2");
  await eventually("the brake", async () => ((await killswitch()).mode === "pause" ? true : undefined));
  await assertStopped(page);
  const applied = (await server.events()).findLast(({ type }) => type === "brake.applied");
  assert.equal(applied?.actor, "system:brake-signal");
  await resume();
  await executed(page);
});

it("a file named BRAKE stops everything; an approval alone does not lift it while the file is there", async () => {
  const page = await grantedPage("paused-by-file");
  const file = join(server.dataDir, "BRAKE");
  writeFileSync(file, "");
  await eventually("the flag", async () => ((await killswitch()).flagged === true ? true : undefined));
  await assertStopped(page);
  await resume();
  await assertStopped(page);
  assert.equal((await killswitch()).mode, "pause");
  rmSync(file);
  await executed(page);
});

it("with a store that takes nothing the file still stops, over a restart too", needsPrlimit, async () => {
  const page = await grantedPage("paused-without-a-store");
  const received = pagerduty.received.length;
  const limited = spawnSync("prlimit", ["--pid", String(server.pid), "--fsize=1"]);
  assert.equal(limited.status, 0);
  const file = join(server.dataDir, "BRAKE");
  writeFileSync(file, "");
  const { code } = await server.ended;
  assert.equal(code, 70, "a ledger whose fate is unknown ends the process");
  assert.equal(pagerduty.received.length, received, "nothing was called");

  await server.start();
  assert.equal((await killswitch()).mode, "pause");
  await assertStopped(page);
  rmSync(file);
  await eventually("the flag's end", async () => ((await killswitch()).flagged === false ? true : undefined));
  await assertStopped(page); // the file's brake is on record and does not go away with it
  await resume();
  await executed(page);
});

/** A page that was granted and whose first call was turned away: it will be tried again. */
async function grantedPage(name: string): Promise<string> {
  const before = pagerduty.received.length;
  pagerduty.fail({ mode: "rate-limit", retryAfter: String(AGAIN_S) });
  const { body } = await server.propose(pageOf(name), name);
  await eventually("the first call", () => (pagerduty.received.length > before ? true : undefined));
  await eventually("its end", async () => ((await statusOf(body.id)) === "retrying" ? true : undefined));
  return body.id;
}

async function statusOf(id: string): Promise<string> {
  return String((await server.ask("GET", `/v1/actions/${id}`, { as: PROPOSER })).body.status);
}

async function killswitch(): Promise<{ mode: string; flagged: boolean }> {
  return (await server.ask("GET", "/v1/killswitch")).body;
}

async function assertStopped(id: string): Promise<void> {
  const before = pagerduty.received.length;
  await sleep(OBSERVED_MS);
  assert.equal(pagerduty.received.length, before, "nothing is called under the brake");
  assert.equal(await statusOf(id), "retrying");
}

async function executed(id: string): Promise<void> {
  await eventually(`${id} to succeed`, async () => ((await statusOf(id)) === "succeeded" ? true : undefined));
}

async function askToResume(scope: object = {}): Promise<string> {
  const asked = await server.ask("PUT", "/v1/killswitch", { body: { mode: "run", scope } });
  assert.equal(asked.status, 200, JSON.stringify(asked.body));
  assert.equal(asked.body.resumes[0]?.status, "held");
  return asked.body.resumes[0]?.id ?? "";
}

async function answer(id: string, as: string) {
  const { planHash } = (await server.ask("GET", `/v1/actions/${id}`, { as })).body;
  return server.ask("POST", `/v1/actions/${id}/approvals`, { as, body: { decision: "approve", planHash } });
}

async function resume(scope: object = {}): Promise<void> {
  const { status, body } = await answer(await askToResume(scope), SECOND);
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body.status, "succeeded");
}
