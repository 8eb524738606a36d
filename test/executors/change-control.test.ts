// Under change control: nothing runs without an approved change in its window, and taking back waits for none.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startOperations } from "../../examples/stand-ins/operations.ts";
import { startServicenow } from "../../examples/stand-ins/servicenow.ts";
import { isAppError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Awaited, Plan, StepOutcome } from "../../src/wire/contracts/executor.ts";
import { executeRequest, never, planRequest, TestClock } from "./contract.ts";
import { buildExecutor, OPERATIONS_TOKEN, PASSWORD } from "./fixture.ts";

// The test clock stands at 2026-09-21 14:13:20.
const CHANGE = {
  sys_id: "c".repeat(32),
  number: "CHG0030001",
  approval: "approved",
  state: "-1",
  start_date: "2026-09-21 14:00:00",
  end_date: "2026-09-21 15:00:00",
};

const CART = "d".repeat(32);

async function staged(t: TestContext, control: object = {}) {
  const servicenow = await startServicenow({ password: PASSWORD });
  const operations = await startOperations({ token: OPERATIONS_TOKEN });
  t.after(() => Promise.all([servicenow.close(), operations.close()]));
  const target = { service: "cart", baseUrl: operations.url, tokenRef: "http/cart", repeat: "idempotent" };
  const drain = { ...target, environment: "production", name: "drain", path: "/drain", undo: "fill" };
  const fill = { ...target, environment: "production", name: "fill", path: "/fill" };
  const there = { ...target, environment: "staging", name: "drain-there", path: "/drain" };
  const changeControl = { environments: ["production"], kinds: ["http.*"], ...control };
  const auth = { kind: "basic", user: "holdpoint" };
  const config = {
    servicenow: { baseUrl: servicenow.url, auth, changeControl },
    http: { operations: [drain, fill, there] },
  };
  const clock = new TestClock();
  const executor = buildExecutor({ kind: "http.call", config, clock });
  const changes = buildExecutor({ kind: "servicenow.change.create", config, clock });
  const plan = (args: JsonObject, of: object = {}): Promise<Plan> =>
    executor.plan({ ...planRequest({ kind: "http.call", args }), ...of }, never);
  const change = { ...CHANGE };
  servicenow.changes.push(change);
  const awaited = async (planned: Plan): Promise<Awaited> => {
    assert.equal(planned.awaits, true);
    return (await executor.awaited?.(planned, never)) ?? assert.fail("it can be asked");
  };
  return { servicenow, operations, clock, executor, changes, plan, change, awaited };
}

const ARGS = { operation: "drain", change: "CHG0030001" };

test("what is under change control names its change, and runs while that is approved", async (t) => {
  const { operations, executor, plan } = await staged(t);
  const [kind] = executor.kinds.filter((one) => one.kind === "http.call");
  assert.equal(kind?.planning, "reads");
  assert.ok("change" in (kind.argumentsSchema["properties"] as object));
  const planned = await plan(ARGS);
  assert.equal((planned.diff as { under: string }).under, "CHG0030001");
  const { args } = planned.inverse as { args: JsonObject };
  assert.deepEqual(args, { operation: "fill", change: "CHG0030001" }, "taken back under the same change");
  const outcome = await executor.execute(executeRequest(planned), never);
  assert.equal(outcome.status, "succeeded", JSON.stringify(outcome));
  assert.equal(operations.done.length, 1);
});

test("nothing runs under a change that is not there, not approved, not ready or not now; it waits where that may come", async (t) => {
  const { servicenow, operations, executor, plan, change, awaited } = await staged(t);
  const planned = await plan(ARGS);
  const ends: readonly (readonly [object, string, string])[] = [
    [{ approval: "requested" }, "pending", "change-unapproved"],
    [{ approval: "not requested", state: "-5", start_date: "", end_date: "" }, "pending", "change-unapproved"],
    [{ approval: "Approved" }, "pending", "change-unapproved"],
    [{ state: "-3" }, "pending", "change-unready"],
    [{ start_date: "2026-09-21 14:13:21" }, "pending", "change-window"],
    [{ approval: "rejected" }, "over", "change-rejected"],
    [{ approval: "cancelled" }, "over", "change-rejected"],
    [{ state: "0" }, "over", "change-closed"],
    [{ state: "3" }, "over", "change-closed"],
    [{ approval: "requested", state: "4" }, "over", "change-closed"],
    [{ end_date: "2026-09-21 14:13:20" }, "over", "change-window"],
    [{ number: "CHG0030002" }, "over", "change-unknown"],
  ];
  for (const [fields, status, code] of ends) {
    Object.assign(change, CHANGE, fields);
    const outcome: StepOutcome = await executor.execute(executeRequest(planned), never);
    assert.ok(outcome.status === "failed" && outcome.code === code, JSON.stringify([fields, outcome]));
    assert.deepEqual(await awaited(await plan(ARGS)), { status, code }, JSON.stringify(fields));
  }
  Object.assign(change, CHANGE);
  assert.deepEqual(await awaited(planned), { status: "come" });
  for (const odd of [undefined, null, 7, "CHG0030001^ORapproval=approved", "chg0030001", ""]) {
    const args = odd === undefined ? { operation: "drain" } : { operation: "drain", change: odd };
    await assert.rejects(plan(args), (error) => isAppError(error, "arguments-invalid"));
  }
  servicenow.fail({ mode: "status-500", method: "GET" });
  const away = await executor.execute(executeRequest(planned), never);
  assert.equal(away.status, "retry", "ServiceNow may be back soon");
  servicenow.fail({ mode: "status-500", method: "GET" });
  assert.equal((await awaited(planned)).status, "pending", "and the change still be approved");
  assert.equal(operations.done.length, 0);
});

test("a change covers the services whose configuration items it is about, where those are configured", async (t) => {
  const configurationItems = { cart: ["e".repeat(32), CART], search: ["f".repeat(32)] };
  const { servicenow, operations, executor, changes, plan, change, awaited } = await staged(t, { configurationItems });
  const planned = await plan(ARGS);
  assert.deepEqual((planned.diff as JsonObject)["configurationItems"], configurationItems.cart);
  for (const about of [{}, { cmdb_ci: "" }, { cmdb_ci: "f".repeat(32) }]) {
    Object.assign(change, about);
    assert.deepEqual(await awaited(planned), { status: "over", code: "change-elsewhere" });
    const outcome = await executor.execute(executeRequest(planned), never);
    assert.ok(outcome.status === "failed" && outcome.code === "change-elsewhere", JSON.stringify(outcome));
  }
  Object.assign(change, { cmdb_ci: CART });
  assert.deepEqual(await awaited(planned), { status: "come" });
  assert.equal((await executor.execute(executeRequest(planned), never)).status, "succeeded");
  assert.equal(operations.done.length, 1);
  servicenow.changes.length = 0;
  const asked = await changes.plan(planRequest({ kind: "servicenow.change.create", args: ASKED }), never);
  assert.equal((await changes.execute(executeRequest(asked), never)).status, "succeeded");
  assert.equal(servicenow.changes[0]?.["cmdb_ci"], "e".repeat(32), "what is asked for here covers the service");
  assert.deepEqual(servicenow.complaints, []);
});

test("a service without configuration items has no change, and what was planned before there were any is planned again", async (t) => {
  const { plan } = await staged(t, { configurationItems: { search: [CART] } });
  await assert.rejects(plan(ARGS), (error) => isAppError(error, "arguments-invalid"));
  const [before, after] = [await staged(t), await staged(t, { configurationItems: { cart: [CART] } })];
  Object.assign(after.change, { cmdb_ci: CART });
  const text = JSON.stringify(await before.plan(ARGS));
  const moved = text
    .replaceAll(before.servicenow.url, after.servicenow.url)
    .replaceAll(before.operations.url, after.operations.url);
  assert.deepEqual(await after.awaited(JSON.parse(moved) as Plan), { status: "over", code: "plan-invalid" });
});

test("other environments need no change, and what takes something back waits for none", async (t) => {
  const { servicenow, operations, executor, plan } = await staged(t);
  servicenow.changes.length = 0;
  const there = await plan({ operation: "drain-there" }, { target: { environment: "staging", service: "cart" } });
  assert.equal(there.awaits, undefined);
  assert.equal((await executor.execute(executeRequest(there), never)).status, "succeeded");
  const revert = await plan({ operation: "drain" }, { context: { agent: "system:revert" } });
  const request = { ...executeRequest(revert), idempotencyKey: "act_00000000r" };
  assert.equal((await executor.execute(request, never)).status, "succeeded");
  assert.equal(operations.done.length, 2);
  const earlier = { ...revert, calls: revert.calls.slice(0, -1) };
  const before = await executor.execute(executeRequest(earlier), never);
  assert.ok(before.status === "failed" && before.code === "plan-invalid", "planned before there was change control");
  const forged = {
    ...revert,
    calls: [...revert.calls.slice(0, -1), { ...(revert.calls.at(-1) as object), origin: "http://127.0.0.1:1" }],
  };
  assert.equal((await executor.execute(executeRequest(forged as Plan), never)).status, "failed");
});

const ASKED = {
  shortDescription: "Drain cart",
  justification: "It leaks.",
  implementationPlan: "1. Drain\n2. Look",
  backoutPlan: "Fill it again",
  risk: "low",
  start: "2026-09-21T14:00:00Z",
  end: "2026-09-21T15:00:00Z",
};
const OTHER = "act_00000000x";

test("nothing runs until the change that was asked for is approved, and taking the asking back cancels it", async (t) => {
  const { servicenow, operations, executor, changes, plan, awaited } = await staged(t);
  servicenow.changes.length = 0;
  const asked = await changes.plan(planRequest({ kind: "servicenow.change.create", args: ASKED }), never);
  const made = await changes.execute(executeRequest(asked), never);
  assert.ok(made.status === "succeeded", JSON.stringify(made));
  const [record] = servicenow.changes;
  assert.ok(record !== undefined && record["number"] === made.reference);
  const { implementation_plan: how, backout_plan: back, risk, type, start_date: start, end_date: end } = record;
  assert.deepEqual(
    [how, back, risk, type, start, end],
    ["1. Drain\n2. Look", "Fill it again", "4", "normal", "2026-09-21 14:00:00", "2026-09-21 15:00:00"],
  );
  assert.match(record["work_notes"] ?? "", /^Proposed through Holdpoint as act_00000000c\.[^]*Granted as grt_/);
  const args = { operation: "drain", change: made.reference };
  const planned = await plan(args);
  assert.deepEqual(await awaited(planned), { status: "pending", code: "change-unapproved" });
  assert.equal(operations.done.length, 0);
  servicenow.touch(record["sys_id"] ?? "", { approval: "approved", state: "-1" });
  assert.deepEqual(await awaited(planned), { status: "come" });
  assert.equal((await executor.execute(executeRequest(planned), never)).status, "succeeded");
  assert.equal(operations.done.length, 1);
  const inverse = asked.inverse as unknown as { kind: string; args: JsonObject };
  const undo = await changes.plan(planRequest({ kind: inverse.kind, args: inverse.args }, OTHER), never);
  assert.equal((await changes.execute(executeRequest(undo), never)).status, "succeeded");
  assert.deepEqual([record["state"], record["approval"]], ["4", "approved"]);
  assert.deepEqual(await awaited(await plan(args)), { status: "over", code: "change-closed" }, "canceled");
  assert.deepEqual(servicenow.complaints, []);
});

test("a change is closed with its code and its notes, and no field that would approve it can be named", async (t) => {
  const { servicenow, changes, change } = await staged(t);
  Object.assign(change, { close_code: "", close_notes: "", comments: "", sys_mod_count: "0" });
  Object.assign(change, { sys_updated_on: "2026-09-21 10:00:00", correlation_id: "" });
  const kind = "servicenow.change.update";
  const update = (fields: JsonObject, rest: JsonObject = {}): Promise<Plan> =>
    changes.plan(planRequest({ kind, args: { sysId: CHANGE.sys_id, fields, ...rest } }), never);
  const close = { state: 3, closeCode: "successful", closeNotes: "Drained.", comments: "It is over." };
  const planned = await update(close, { whileActive: true });
  assert.deepEqual((planned.inverse as { args: JsonObject }).args["fields"], {
    state: -1,
    closeCode: "",
    closeNotes: "",
  });
  assert.equal((await changes.execute(executeRequest(planned), never)).status, "succeeded");
  assert.deepEqual([change.state, Reflect.get(change, "close_code")], ["3", "successful"]);
  assert.equal(Reflect.get(change, "comments"), "It is over.");
  await assert.rejects(update({ closeNotes: "More." }, { whileActive: true }), (error) =>
    isAppError(error, "arguments-invalid"),
  );
  for (const fields of [{ approval: "approved" }, { start: "2026-09-21T14:00:00Z" }, { urgency: 1 }, {}]) {
    await assert.rejects(update(fields), (error) => isAppError(error, "arguments-invalid"), JSON.stringify(fields));
  }
  const path = `/api/now/table/incident/${CHANGE.sys_id}`;
  const elsewhere = { ...planned, calls: [{ ...(planned.calls[0] as object), path }] };
  const end = await changes.execute(executeRequest(elsewhere), never);
  assert.ok(end.status === "failed" && end.code === "plan-invalid");
  assert.deepEqual(servicenow.complaints, []);
});

test("what no change can be asked for with is refused when it is planned, and other templates when it runs", async (t) => {
  const { servicenow, changes } = await staged(t);
  servicenow.changes.length = 0;
  const kind = "servicenow.change.create";
  const { backoutPlan: _plan, ...planless } = ASKED;
  const { end: _end, ...endless } = ASKED;
  for (const args of [
    planless,
    endless,
    { ...ASKED, end: ASKED.start },
    { ...ASKED, start: "2026-02-30T14:00:00Z" },
    { ...ASKED, start: "2026-09-21 14:00:00" },
    { ...ASKED, risk: "none" },
    { ...ASKED, type: "standard" },
    { ...ASKED, template: "restart" },
    { type: "standard", template: "restart", shortDescription: "x" },
    { type: "standard", template: "__proto__", shortDescription: "x" },
  ]) {
    await assert.rejects(changes.plan(planRequest({ kind, args }), never), (error) =>
      isAppError(error, "arguments-invalid"),
    );
  }
  const planned = await changes.plan(planRequest({ kind, args: ASKED }), never);
  for (const path of [`/api/sn_chg_rest/change/standard/${"7".repeat(32)}`, "/api/now/table/incident"]) {
    const forged = { ...planned, calls: [{ ...(planned.calls[0] as object), path }] };
    const end = await changes.execute(executeRequest(forged), never);
    assert.ok(end.status === "failed" && end.code === "plan-invalid");
  }
  assert.equal(servicenow.changes.length, 0);
});
