// A change that makes a service unwell is taken back without a person: a real shop, a real database, a real server.

import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { startOperations, type OperationsStandIn } from "../../examples/stand-ins/operations.ts";
import { verifyReceipt } from "../../src/ledger/receipt.ts";
import { startPostgresServer, type PostgresServer } from "../stores/postgres-server.ts";
import { eventually, OWNER, SECOND, TestServer, writePolicies } from "./server.ts";

const POLICIES = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: migration }
spec:
  match: { actions: [sql.migrate, http.call, http.call-once] }
  rules:
    - { name: free, decision: allow }
---
apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: enforcement }
spec:
  match: { actions: [killswitch.resume, domain.release] }
  rules:
    - { name: owners-decide, decision: hold, route: owners }
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: owners }
spec:
  steps:
    - { approvers: { all: [{ role: owner }] }, within: 15m }
---
apiVersion: holdpoint.dev/v1
kind: Verification
metadata: { name: shop }
spec:
  match: { actions: [sql.migrate], services: [shop] }
  settle: 1s
  every: 1s
  samples: 2
  within: 1m
  checks:
    - name: orders
      http: { endpoint: shop, path: /healthz }
    - name: no-orders-left
      sql: { database: shop, query: select count(*) from orders, max: 0 }
---
apiVersion: holdpoint.dev/v1
kind: Verification
metadata: { name: canary }
spec:
  match: { actions: [http.call], services: [canary] }
  every: 1s
  samples: 1
  within: 1m
  checks:
    - name: canary
      http: { endpoint: shop, path: /canary }
`;

let policies: string;
let postgres: PostgresServer;
let shop: Server;
let operations: OperationsStandIn;
/** The canary bears so much of the traffic. */
let bearable = 100;
let server: TestServer;

/** Takes an order of nothing, as its health check, and leaves no trace of it. */
async function canTakeOrders(): Promise<boolean> {
  return postgres.query("begin; insert into orders (amount) values (0); rollback").then(
    () => true,
    async () => {
      await postgres.query("rollback");
      return false;
    },
  );
}

function canaryOperations(baseUrl: string): readonly object[] {
  const shared = { environment: "staging", service: "canary", baseUrl, tokenRef: "http/canary", repeat: "idempotent" };
  const shift = { ...shared, name: "shift", path: "/shift", undo: "shift-back", phases: [5, 25, 100], etag: true };
  const wipe = { ...shared, service: "archive", name: "wipe", path: "/wipe", irreversible: true };
  const flag = { ...shared, service: "flags", name: "flag", path: "/flag", undo: "flag-back" };
  const flagBack = { ...shared, service: "flags", name: "flag-back", path: "/flag-back" };
  const dial = {
    ...shared,
    service: "dials",
    repeat: "neither",
    name: "dial",
    path: "/dial",
    undo: "undial",
    etag: true,
  };
  const undial = { ...shared, service: "dials", name: "undial", path: "/undial", etag: true };
  return [flag, flagBack, dial, undial, shift, { ...shared, name: "shift-back", path: "/shift-back" }, wipe];
}

/** What was asked of the canary, in order. */
function shifted(): readonly { readonly path: string; readonly percent: number; readonly key: unknown }[] {
  const asked = operations.done.filter(({ path }) => path.startsWith("/shift"));
  return asked.map(({ path, body, key }) => ({
    path,
    key,
    percent: (JSON.parse(body) as { percent?: number }).percent ?? 0,
  }));
}

before(async () => {
  policies = writePolicies(tmpdir(), POLICIES);
  postgres = await startPostgresServer();
  await postgres.query("create table orders (id bigserial primary key, amount numeric not null)");
  operations = await startOperations({ token: "operations-token", tags: true });
  shop = createServer((request, response) => {
    if (request.url === "/canary")
      return void response.writeHead((shifted().at(-1)?.percent ?? 0) > bearable ? 503 : 200).end();
    void canTakeOrders().then((isWell) => response.writeHead(isWell ? 200 : 503).end());
  });
  await new Promise<void>((resolve) => shop.listen(0, "127.0.0.1", resolve));
  const database = { name: "shop", environment: "staging", service: "shop", database: "postgres", user: "postgres" };
  const at = { host: "127.0.0.1", port: postgres.port, tls: "off", passwordRef: "sql/shop" };
  server = await TestServer.create({
    policy: { path: policies },
    executors: { sql: { databases: [{ ...database, ...at }] }, http: { operations: canaryOperations(operations.url) } },
    health: {
      databases: { shop: { database: "postgres", user: "postgres", ...at } },
      endpoints: { shop: { baseUrl: `http://127.0.0.1:${(shop.address() as AddressInfo).port}` } },
    },
  });
  server.keepSecret("sql/shop", "test");
  server.keepSecret("http/canary", "operations-token");
  await server.start();
});

after(async () => {
  await server.remove();
  shop.closeAllConnections();
  shop.close();
  await postgres.stop();
  await operations.close();
  rmSync(policies, { recursive: true });
});

async function migrate(statements: string, key: string): Promise<string> {
  const proposal = {
    kind: "sql.migrate",
    target: { environment: "staging", service: "shop" },
    arguments: { database: "shop", statements },
  };
  const { body } = await server.ask("POST", "/v1/actions", { as: OWNER, body: proposal, key });
  assert.ok(body.id, JSON.stringify(body));
  return body.id;
}

async function untilStatus(id: string, ...statuses: readonly string[]): Promise<Record<string, unknown>> {
  return eventually(statuses.join(" or "), async () => {
    const { body } = await server.ask("GET", `/v1/actions/${id}`, { as: OWNER });
    return statuses.includes(body.status) ? (body as unknown as Record<string, unknown>) : undefined;
  });
}

type Killswitch = { readonly closed: readonly unknown[]; readonly brakes: readonly unknown[] };

async function killswitch(): Promise<Killswitch> {
  return (await server.ask("GET", "/v1/killswitch", { as: OWNER })).body as unknown as Killswitch;
}

/** Two owners agree: one asks, the other approves. */
async function approved(args: readonly string[]): Promise<void> {
  const asked = server.holdpoint(args);
  const id = /act_\w+/u.exec(asked.text)?.[0] ?? "";
  assert.notEqual(id, "", asked.text);
  const { code, text } = server.holdpoint(["approve", id, "--yes"], SECOND);
  assert.equal(code, 0, text);
}

type Seen = { name: string; result: string; evidence: object };
type Explained = { samples: { failed: string[]; checks: Seen[] }[]; revert: { action: string } };

async function constraints(): Promise<readonly string[]> {
  const { rows } = await postgres.query(
    "select conname from pg_constraint where contype = 'c' and conrelid = 'orders'::regclass",
  );
  return (rows as { conname: string }[]).map(({ conname }) => conname);
}

it("a change that leaves the shop well is done once it is verified", async () => {
  const id = await migrate("ALTER TABLE orders ADD COLUMN note text", "good");
  const done = await untilStatus(id, "succeeded", "failed", "needs-attention");
  assert.equal(done["status"], "succeeded", JSON.stringify(done));
  assert.deepEqual((done["verification"] as { samples: number }).samples, 2);
});

it("what takes a change back is tried without an effect once it is done, and anybody can be shown that", async () => {
  const id = await migrate("ALTER TABLE orders ADD COLUMN tried text", "tried");
  const done = await untilStatus(id, "succeeded");
  const { seq, result, planHash } = done["inverseCheck"] as { seq: number; result: string; planHash: string };
  assert.equal(result, "planned", JSON.stringify(done["inverseCheck"]));
  assert.ok((await columns()).includes("tried"), "nothing was dropped");
  assert.match(JSON.stringify((done["content"] as { inversePlan: object }).inversePlan), /DROP COLUMN/);
  const told = server.holdpoint(["describe", "action", id]).text;
  assert.match(told, new RegExp(`Undo tried +it would go, by plan ${planHash.slice(0, 8)}`));
  assert.match(
    server.holdpoint(["explain", id]).text,
    /taking it back was tried without an effect, at .*: it would go/,
  );
  const root = readFileSync(join(server.dataDir, "root.pub"), "utf8").trim();
  const proven = [id, String(seq)].map(
    (of) => verifyReceipt(server.holdpoint(["receipt", of]).text, root).leaf.event.type,
  );
  assert.deepEqual(proven, ["action.verified", "inverse.checked"]);
});

async function columns(): Promise<readonly string[]> {
  const { rows } = await postgres.query(
    "select column_name from information_schema.columns where table_name = 'orders' order by 1",
  );
  return (rows as { column_name: string }[]).map(({ column_name: name }) => name);
}

async function askForRevert(id: string, key = `revert-${id}`) {
  return server.ask("POST", `/v1/actions/${id}/revert`, { as: OWNER, body: { reason: "not needed" }, key });
}

it("what has ended is taken back when a person asks, as an action of its own, by whoever types its target's name", async () => {
  const id = await migrate("ALTER TABLE orders ADD COLUMN second text", "second");
  await untilStatus(id, "succeeded");
  const { body } = await askForRevert(id);
  const held = await untilStatus(body.id, "held", "refused", "succeeded");
  assert.equal(held["status"], "held", "dropping a column is for people to sign, whatever it undoes");
  assert.equal(held["revertOf"], id);
  const answer = { decision: "approve", planHash: held["planHash"] };
  const approve = (confirm: object) =>
    server.ask("POST", `/v1/actions/${body.id}/approvals`, { as: SECOND, body: { ...answer, ...confirm } });
  for (const typed of [{}, { confirm: "staging" }, { confirm: "SHOP" }]) {
    assert.equal((await approve(typed)).body.code, "confirmation-missing");
  }
  assert.ok((await columns()).includes("second"));
  assert.equal((await approve({ confirm: "shop" })).status, 200);
  await untilStatus(body.id, "succeeded");
  assert.ok(!(await columns()).includes("second"));
  assert.equal((await askForRevert(id)).body.id, body.id, "the same key is the same revert");
});

it("a revert that somebody asks for overwrites no newer change, and what left nothing behind has none", async () => {
  const id = await migrate("ALTER TABLE orders ADD COLUMN third text", "third");
  await untilStatus(id, "succeeded");
  await postgres.query("alter table orders alter column third type varchar(20)");
  const asked = server.holdpoint(["revert", id, "--reason", "not needed", "--wait", "20"]);
  assert.match(asked.text, /^act_\w+ refused \(target-moved\)/m);
  assert.equal(asked.code, 4);
  assert.ok((await columns()).includes("third"));
  const [, refused = ""] = /(act_\w+)/.exec(asked.text) ?? [];
  assert.equal((await askForRevert(refused)).body.code, "action-not-revertible");
  assert.equal((await askForRevert("act_00000zzzz")).body.code, "action-not-found");
});

/** Until it has ended, under the name of the operation and a number. */
async function operated(kind: string, service: string, [operation, n]: [string, number]) {
  const proposal = { kind, target: { environment: "staging", service }, arguments: { operation, body: { n } } };
  const { body } = await server.ask("POST", "/v1/actions", { as: OWNER, body: proposal, key: `${operation}-${n}` });
  return untilStatus(body.id, "succeeded", "reverted", "refused", "failed", "needs-attention");
}

async function takenBack({ id }: Record<string, unknown>, key?: string): Promise<readonly unknown[]> {
  const asked = await askForRevert(String(id), key);
  const { status, code } = await untilStatus(asked.body.id, "succeeded", "refused", "failed");
  return [status, code];
}

function called(path: RegExp): readonly string[] {
  return operations.done.map((one) => one.path).filter((one) => path.test(one));
}

it("what tells nothing of itself is taken back over no later change that was made here", async () => {
  const flag = (n: number) => operated("http.call", "flags", ["flag", n]);
  const [first, second] = [await flag(1), await flag(2)];
  assert.deepEqual(await takenBack(first), ["refused", "target-moved"]);
  assert.deepEqual(called(/flag/), ["/flag", "/flag"], "nothing was called");
  assert.equal((await takenBack(second))[0], "succeeded");
  assert.equal((await takenBack(first, "once-more"))[0], "succeeded", "what came later is undone");
  assert.deepEqual(called(/flag/), ["/flag", "/flag", "/flag-back", "/flag-back"]);
});

it("what compares is not taken back where nobody saw how it left its target", async () => {
  const dial = (n: number) => operated("http.call-once", "dials", ["dial", n]);
  operations.fail({ mode: "act-then-drop", method: "POST", path: "/dial" });
  const [lost, later] = [await dial(1), await dial(2)];
  assert.deepEqual(await takenBack(lost), ["refused", "target-moved"]);
  assert.equal((await takenBack(later))[0], "succeeded", "of which it is known");
  assert.deepEqual(called(/dial/), ["/dial", "/dial", "/undial"]);
});

it("a change that makes it unwell is taken back by itself, though everything is paused, and the record tells it", async () => {
  const id = await migrate("ALTER TABLE orders ADD CONSTRAINT positive CHECK (amount > 0) NOT VALID", "bad");
  await untilStatus(id, "verifying", "reverting", "reverted");
  await server.ask("PUT", "/v1/killswitch", { as: OWNER, body: { mode: "pause", reason: "what is going on?" } });
  const reverted = await untilStatus(id, "reverted", "needs-attention");
  assert.equal(reverted["status"], "reverted", JSON.stringify(reverted));
  assert.equal(reverted["code"], "unhealthy");
  assert.deepEqual(await constraints(), []);
  assert.equal(await canTakeOrders(), true);
  const revert = await server.ask("GET", `/v1/actions/${String(reverted["revert"])}`, { as: OWNER });
  assert.equal(revert.body.status, "succeeded");
  const { body: explained } = await server.ask("GET", `/v1/actions/${id}/explain`, { as: OWNER });
  const { outcome, text } = explained as unknown as { outcome: Explained; text: string };
  assert.deepEqual(outcome.samples[0]?.failed, ["orders"]);
  assert.deepEqual(outcome.samples[0]?.checks[0], {
    name: "orders",
    result: "fail",
    evidence: { status: 503, wanted: [200] },
  });
  assert.equal(outcome.revert.action, reverted["revert"]);
  assert.match(
    text,
    /checked by shop from .* within .*; it is taken back by itself then \[\d+\]\n +[\d.]+ s after it was done: fail: orders \[\d+\]\n +orders: fail status=503 wanted=\[200\]/,
  );
  assert.match(
    text,
    /taken back by act_\w+ under rvt_\w+, because unhealthy \[\d+\]\n +undone [\d.]+ s after it was done, [\d.]+ s before the right to ended/,
  );
  const { findings } = await server.verify();
  assert.deepEqual(findings, []);
});

it("traffic is shifted in steps, each after the checks of the one before, and back as a whole when one is not well", async () => {
  const shift = (n: number) => operated("http.call", "canary", ["shift", n]);
  await approved(["kill", "--resume"]);
  const done = await shift(1);
  assert.equal(done["status"], "succeeded", JSON.stringify(done));
  assert.deepEqual(done["phases"], { at: 3, of: 3 });
  operations.touch(); // what somebody changed since is not overwritten
  assert.equal((await takenBack(done))[1], "target-moved");
  bearable = 10;
  const back = await shift(2);
  assert.equal(back["status"], "reverted", JSON.stringify(back));
  assert.deepEqual(back["phases"], { at: 2, of: 3 });
  const calls = shifted().map(({ path, percent }) => `${path} ${percent}`);
  assert.deepEqual(calls, ["/shift 5", "/shift 25", "/shift 100", "/shift 5", "/shift 25", "/shift-back 0"]);
  assert.equal(new Set(shifted().map(({ key }) => key)).size, calls.length, "each under a key of its own");
});

it("a change that nobody can take back closes its service, which is seen everywhere until owners release it", async () => {
  const id = await migrate("ALTER TABLE orders ADD CONSTRAINT positive CHECK (amount > 0) NOT VALID", "stuck");
  await untilStatus(id, "verifying", "reverting");
  await postgres.query("alter table orders add column since text"); // what somebody changed since is not overwritten
  const stuck = await untilStatus(id, "reverted", "needs-attention");
  assert.equal(stuck["status"], "needs-attention", JSON.stringify(stuck));
  await postgres.query("alter table orders drop constraint positive");

  const closed = { environment: "staging", service: "shop", because: id };
  assert.deepEqual((await killswitch()).closed, [closed]);
  const shown = server.holdpoint(["kill", "status"]);
  assert.match(shown.text, new RegExp(`^staging/shop +${id}$`, "mu"));
  const refused = await migrate("ALTER TABLE orders ADD COLUMN refused text", "refused");
  assert.equal((await untilStatus(refused, "refused"))["code"], "domain-blocked");

  const named = ["-a", "environment=Staging", "-a", "service=SHOP"]; // as actions are named, however it is written
  await approved([
    "propose",
    "domain.release",
    "-e",
    "holdpoint",
    "-s",
    "holdpoint",
    ...named,
    "--reason",
    "well again",
  ]);
  assert.deepEqual((await killswitch()).closed, []);
  const next = await migrate("ALTER TABLE orders ADD COLUMN again text", "again");
  await untilStatus(next, "succeeded");
});

it("what nothing takes back waits for a person who types its target's name, though policy lets it go", async () => {
  const before = operations.done.length;
  const target = { environment: "staging", service: "archive" };
  const proposal = { kind: "http.call", target, arguments: { operation: "wipe" } };
  const { body } = await server.ask("POST", "/v1/actions", { as: OWNER, body: proposal, key: "wipe" });
  const held = await untilStatus(body.id, "held", "succeeded", "refused");
  assert.equal(held["status"], "held");
  const approve = (confirm: object) =>
    server.ask("POST", `/v1/actions/${body.id}/approvals`, {
      as: SECOND,
      body: { decision: "approve", planHash: held["planHash"], ...confirm },
    });
  assert.equal((await approve({})).body.code, "confirmation-missing");
  assert.equal(operations.done.length, before);
  assert.equal((await approve({ confirm: "archive" })).status, 200);
  await untilStatus(body.id, "succeeded");
  assert.equal(operations.done.length, before + 1);
});
