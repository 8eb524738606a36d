// Operations that configuration names: what may be called, for which target, and how its plan is bound to it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startOperations } from "../../examples/stand-ins/operations.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Executor } from "../../src/wire/contracts/executor.ts";
import { executorsConfigSchema } from "../../src/wire/schemas/executors-config.ts";
import { executeRequest, never, TestClock } from "./contract.ts";
import { buildExecutor, OPERATIONS_TOKEN } from "./fixture.ts";

const CART = { environment: "prod", service: "cart", tokenRef: "http/cart" } as const;

function operations(baseUrl: string): object[] {
  return [
    { ...CART, name: "restart", baseUrl, path: "/restart" },
    { ...CART, name: "drain", baseUrl, path: "/drain?wait=1", repeat: "idempotent", undo: "fill" },
    { ...CART, name: "fill", baseUrl, path: "/fill", repeat: "idempotent" },
  ];
}

function executor(all: readonly object[], kind = "http.call") {
  return buildExecutor({ kind, config: { http: { operations: all } }, clock: new TestClock() });
}

const target = { environment: "production", service: "cart" };
const request = { actionId: "act_000000001", kind: "http.call", target, args: { operation: "drain" }, context: {} };

test("an operation is offered for its own target and by its own kind alone", async (t) => {
  const standIn = await startOperations({ token: OPERATIONS_TOKEN });
  t.after(() => standIn.close());
  const http = executor(operations(standIn.url));
  const refused = { code: "arguments-invalid" };
  assert.equal((await http.plan(request, never)).calls.length, 1);
  await assert.rejects(http.plan({ ...request, target: { ...target, service: "search" } }, never), refused);
  await assert.rejects(http.plan({ ...request, target: { ...target, environment: "staging" } }, never), refused);
  await assert.rejects(http.plan({ ...request, kind: "http.call-once" }, never), refused);
  await assert.rejects(http.plan({ ...request, args: { operation: "restart" } }, never), refused);
  await assert.rejects(http.plan({ ...request, args: { operation: "none" } }, never), refused);
  for (const args of [{ operation: "drain", path: "/admin" }, { operation: "../drain" }, {}]) {
    await assert.rejects(http.plan({ ...request, args }, never), refused);
  }
});

test("what takes an operation back is its inverse, and what nothing takes back is irreversible", async (t) => {
  const standIn = await startOperations({ token: OPERATIONS_TOKEN });
  t.after(() => standIn.close());
  const http = executor(operations(standIn.url));
  const drain = await http.plan(request, never);
  assert.deepEqual(drain.inverse, { kind: "http.call", target, args: { operation: "fill" } });
  const fill = await http.plan({ ...request, args: { operation: "fill" } }, never);
  assert.equal(fill.reversible, false);
});

test("what was changed since is not overwritten where answers have a tag, and the plan says where it would be", async (t) => {
  const standIn = await startOperations({ token: OPERATIONS_TOKEN, tags: true });
  const plain = await startOperations({ token: OPERATIONS_TOKEN });
  t.after(() => Promise.all([standIn.close(), plain.close()]));
  const tagged = (baseUrl: string) => executor(operations(baseUrl).map((one) => ({ ...one, etag: true })));
  const http = tagged(standIn.url);
  const takenBack = async (of: typeof http) => ((await of.plan(request, never)).diff as JsonObject)["takenBack"];
  assert.equal(await takenBack(executor(operations(standIn.url))), "changes-since-are-not-seen");
  assert.equal(await takenBack(http), "unless-changed-since");
  const run = async (of: typeof http, key: string, more: object = {}) =>
    of.execute({ ...executeRequest(await of.plan({ ...request, ...more }, never)), idempotencyKey: key }, never);
  const drained = await run(http, "act_1");
  assert.ok(drained.status === "succeeded" && drained.left === '"v1"', JSON.stringify(drained));
  const back = { args: { operation: "fill" }, left: drained.left };
  assert.equal((await run(http, "act_2", back)).status, "succeeded");
  const again = await run(http, "act_3");
  assert.ok(again.status === "succeeded" && again.left !== undefined);
  standIn.touch();
  const moved = await run(http, "act_4", { ...back, left: again.left });
  assert.deepEqual(moved, { status: "failed", code: "target-moved", detail: null });
  assert.deepEqual(
    standIn.done.map(({ path }) => path),
    ["/drain", "/fill", "/drain"],
  );
  const untold = await run(tagged(plain.url), "act_5");
  assert.ok(untold.status === "succeeded" && untold.left !== undefined);
  await assert.rejects(run(tagged(plain.url), "act_6", { ...back, left: untold.left }), { code: "target-moved" });
  const forged = await run(http, "act_7", { ...back, left: '"v4"\r\nx: y' });
  assert.equal(forged.status, "failed");
});

test("what is done in phases is planned as a whole, and each is called for as configured", async (t) => {
  const standIn = await startOperations({ token: OPERATIONS_TOKEN });
  t.after(() => standIn.close());
  const shift = { ...CART, name: "shift", baseUrl: standIn.url, path: "/shift", repeat: "idempotent", undo: "fill" };
  const all = (phases: readonly number[]): object[] => [...operations(standIn.url), { ...shift, phases }];
  const asked = { ...request, args: { operation: "shift", body: { to: "v2" } } };
  const http = executor(all([5, 100]));
  const plan = await http.plan(asked, never);
  assert.deepEqual(plan.phases, ["5 %", "100 %"]);
  const step = { ...executeRequest(plan), idempotencyKey: "act_00000000c.2" };
  assert.equal((await http.execute({ ...step, phase: 2 }, never)).status, "succeeded");
  assert.equal((await http.execute({ ...step, phase: 3 }, never)).status, "failed");
  assert.equal((await executor(all([5, 50])).execute({ ...step, phase: 2 }, never)).status, "failed");
  assert.deepEqual(
    standIn.done.map(({ body }) => JSON.parse(body) as unknown),
    [{ percent: 100, to: "v2" }],
  );
  const own = { ...asked, args: { operation: "shift", body: { percent: 100 } } };
  await assert.rejects(http.plan(own, never), { code: "arguments-invalid" });
  for (const phases of [[100], [50, 25], [0, 100], [5, 5]]) assert.throws(() => executor(all(phases)), String(phases));
  assert.throws(() => executor([{ ...CART, name: "shift", baseUrl: standIn.url, path: "/shift", phases: [5, 100] }]));
});

test("a plan is run only as configuration still has it", async (t) => {
  const standIn = await startOperations({ token: OPERATIONS_TOKEN });
  t.after(() => standIn.close());
  const all = operations(standIn.url);
  const plan = await executor(all).plan(request, never);
  const configured = (more: object): Executor => {
    return executor(all.map((one) => ({ ...one, undo: undefined, ...more })));
  };
  const terms = [{ path: "/elsewhere" }, { method: "PATCH" }, { repeat: "neither" }, { irreversible: true }];
  for (const changed of [...terms.map(configured), executor(all.slice(0, 1))]) {
    const outcome = await changed.execute(executeRequest(plan), never);
    assert.deepEqual(outcome, { status: "failed", code: "plan-invalid", detail: null });
  }
  assert.equal(standIn.received.length, 0);
  assert.equal((await executor(all).execute(executeRequest(plan), never)).status, "succeeded");
  assert.equal(standIn.received[0]?.query.get("wait"), "1");
});

test("one that must not be repeated is left to people when its answer is lost", async (t) => {
  const standIn = await startOperations({ token: OPERATIONS_TOKEN });
  t.after(() => standIn.close());
  const once = executor(operations(standIn.url), "http.call-once");
  const plan = await once.plan({ ...request, kind: "http.call-once", args: { operation: "restart" } }, never);
  standIn.fail({ mode: "act-then-drop" });
  assert.equal((await once.execute(executeRequest(plan), never)).status, "unknown");
  assert.equal((await once.reconcile(executeRequest(plan), never)).status, "unclear");
  assert.equal(once.kinds.find(({ kind }) => kind === "http.call-once")?.repeat, "neither");
});

test("configuration with two of one name, or an undo of another target, is refused", () => {
  const parse = (all: object[]) => executorsConfigSchema.safeParse({ http: { operations: all } }).success;
  const [restart, drain, fill] = operations("https://cart.example") as [object, object, object];
  assert.equal(parse([restart, drain, fill]), true);
  assert.equal(parse([restart, restart]), false);
  assert.equal(parse([drain]), false);
  assert.equal(parse([drain, { ...fill, service: "search" }]), false);
  assert.equal(parse([{ ...restart, path: "//elsewhere/x" }]), false);
  assert.equal(parse([{ ...restart, irreversible: true }]), true);
  assert.equal(parse([{ ...drain, irreversible: true }, fill]), false, "it can be undone");
  const forGood = { http: { operations: [drain, { ...fill, irreversible: true }] } };
  const refused = executorsConfigSchema.safeParse(forGood).error?.issues.map(({ message }) => message);
  assert.deepEqual(refused, ["an undo is irreversible: it would run without a person"]);
  assert.throws(() => executor([{ ...restart, baseUrl: "http://cart.example" }]), { code: "config-invalid" });
});
