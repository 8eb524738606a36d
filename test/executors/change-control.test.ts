// Under change control: nothing runs without an approved change in its window, and taking back waits for none.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startOperations } from "../../examples/stand-ins/operations.ts";
import { startServicenow } from "../../examples/stand-ins/servicenow.ts";
import { isAppError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Plan, StepOutcome } from "../../src/wire/contracts/executor.ts";
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

async function staged(t: TestContext) {
  const servicenow = await startServicenow({ password: PASSWORD });
  const operations = await startOperations({ token: OPERATIONS_TOKEN });
  t.after(() => Promise.all([servicenow.close(), operations.close()]));
  const target = { service: "cart", baseUrl: operations.url, tokenRef: "http/cart", repeat: "idempotent" };
  const drain = { ...target, environment: "production", name: "drain", path: "/drain", undo: "fill" };
  const fill = { ...target, environment: "production", name: "fill", path: "/fill" };
  const there = { ...target, environment: "staging", name: "drain-there", path: "/drain" };
  const changeControl = { environments: ["production"], kinds: ["http.*"] };
  const auth = { kind: "basic", user: "holdpoint" };
  const config = {
    servicenow: { baseUrl: servicenow.url, auth, changeControl },
    http: { operations: [drain, fill, there] },
  };
  const clock = new TestClock();
  const executor = buildExecutor({ kind: "http.call", config, clock });
  const plan = (args: JsonObject, of: object = {}): Promise<Plan> =>
    executor.plan({ ...planRequest({ kind: "http.call", args }), ...of }, never);
  const change = { ...CHANGE };
  servicenow.changes.push(change);
  return { servicenow, operations, clock, executor, plan, change };
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

test("nothing is planned or run under a change that is not there, not approved, not ready or not now", async (t) => {
  const { servicenow, operations, executor, plan, change } = await staged(t);
  const planned = await plan(ARGS);
  const ends: readonly (readonly [object, string])[] = [
    [{ approval: "requested" }, "change-unapproved"],
    [{ approval: "rejected" }, "change-unapproved"],
    [{ approval: "Approved" }, "change-unapproved"],
    [{ state: "3" }, "change-unready"],
    [{ start_date: "2026-09-21 14:13:21" }, "change-window"],
    [{ end_date: "2026-09-21 14:13:20" }, "change-window"],
    [{ number: "CHG0030002" }, "change-unknown"],
  ];
  for (const [fields, code] of ends) {
    Object.assign(change, CHANGE, fields);
    const outcome: StepOutcome = await executor.execute(executeRequest(planned), never);
    assert.ok(outcome.status === "failed" && outcome.code === code, JSON.stringify([fields, outcome]));
    await assert.rejects(plan(ARGS), (error) => isAppError(error, "arguments-invalid") && error.facts["code"] === code);
  }
  Object.assign(change, CHANGE);
  for (const odd of [undefined, null, 7, "CHG0030001^ORapproval=approved", "chg0030001", ""]) {
    const args = odd === undefined ? { operation: "drain" } : { operation: "drain", change: odd };
    await assert.rejects(plan(args), (error) => isAppError(error, "arguments-invalid"));
  }
  servicenow.fail({ mode: "status-500", method: "GET" });
  const away = await executor.execute(executeRequest(planned), never);
  assert.equal(away.status, "retry", "ServiceNow may be back soon");
  assert.equal(operations.done.length, 0);
});

test("other environments need no change, and what takes something back waits for none", async (t) => {
  const { servicenow, operations, executor, plan } = await staged(t);
  servicenow.changes.length = 0;
  const there = await plan({ operation: "drain-there" }, { target: { environment: "staging", service: "cart" } });
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
