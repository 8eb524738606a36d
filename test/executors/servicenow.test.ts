// What ServiceNow gets, and what its silences would do: dropped conditions, protected fields, kept tokens, journals.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { ServicenowOptions } from "../../examples/stand-ins/servicenow.ts";
import { composeTriage, type TriageContext } from "../../src/effects/compose-triage.ts";
import { isAppError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Executor, Plan, StepOutcome } from "../../src/wire/contracts/executor.ts";
import { executeRequest, never, planRequest } from "./contract.ts";
import { CLIENT_SECRET, CREATE_ARGS, PASSWORD, servicenowStage, type ServicenowStage } from "./fixture.ts";

const CREATE = "servicenow.incident.create";
const UPDATE = "servicenow.incident.update";
const SYS_ID = "a".repeat(32);

type Setup = { readonly kind?: string; readonly login?: "basic" | "oauth"; readonly options?: ServicenowOptions };

async function staged(
  t: TestContext,
  { kind = CREATE, login = "basic", options = {} }: Setup = {},
): Promise<ServicenowStage> {
  const stage = await servicenowStage({ kind, login, options });
  t.after(() => stage.close());
  return stage;
}

async function run(stage: ServicenowStage, executor: Executor = stage.build()): Promise<StepOutcome> {
  return executor.execute(executeRequest(await executor.plan(planRequest(stage), never)), never);
}

async function planFields(stage: ServicenowStage, fields: JsonObject): Promise<Plan> {
  return stage.build().plan(planRequest({ kind: UPDATE, args: { sysId: SYS_ID, fields } }), never);
}

function methods(stage: ServicenowStage): readonly string[] {
  return stage.servicenow.received.map(({ method, path }) => `${method} ${path.replace(/[0-9a-f]{32}/, "ID")}`);
}

test("a created incident carries the action's and the incident's ids, its context and its grant", async (t) => {
  const stage = await staged(t);
  const outcome = await run(stage);
  const [incident] = stage.servicenow.incidents;
  assert.deepEqual(outcome, {
    status: "succeeded",
    reference: "INC0010001",
    detail: { sysId: incident?.["sys_id"], number: "INC0010001", correlated: true },
    left: `0@${incident?.["sys_updated_on"]}`,
  });
  assert.equal(incident?.["correlation_id"], "holdpoint.test/log:act_00000000c:inc_000000002");
  assert.equal(incident["correlation_display"], "Holdpoint");
  assert.equal(incident["urgency"], "2");
  assert.equal(incident["assignment_group"], "0123456789abcdef0123456789abcdef");
  assert.match(
    incident["work_notes"] ?? "",
    /^Proposed through Holdpoint as act_00000000c\.\nContext: \{.*"run":"run_000000003"\}\n\nGranted as grt_00000000d: \{.*"decision":"allow"/,
  );
  assert.deepEqual(methods(stage), ["GET /api/now/table/incident", "POST /api/now/table/incident"]);
});

test("a team without a configured group leaves the incident unassigned", async (t) => {
  const stage = await staged(t);
  const args = { ...CREATE_ARGS, team: "constructor" };
  const plan = await stage.build().plan(planRequest({ kind: CREATE, args }), never);
  assert.equal((plan.diff as JsonObject)["assigned"], false);
  assert.ok(!JSON.stringify(plan.calls).includes("assignment_group"));
});

test("the inverse of a create cancels the record it made", async (t) => {
  const stage = await staged(t);
  const executor = stage.build();
  const plan = await executor.plan(planRequest(stage), never);
  await executor.execute(executeRequest(plan), never);
  const inverse = plan.inverse as unknown as { kind: string; args: JsonObject };
  const undo = await executor.plan(planRequest(inverse, "act_00000000z"), never);
  assert.deepEqual((undo.diff as JsonObject)["changes"], [{ field: "state", from: "1", to: "8" }]);
  await executor.execute({ ...executeRequest(undo), idempotencyKey: "act_00000000z" }, never);
  assert.equal(stage.servicenow.incidents[0]?.["state"], "8");
});

test("a record that somebody worked on since it was opened is not canceled", async (t) => {
  const stage = await staged(t);
  const executor = stage.build();
  const plan = await executor.plan(planRequest(stage), never);
  const opened = await executor.execute(executeRequest(plan), never);
  const again = await stage.build().reconcile(executeRequest(plan), never);
  assert.ok(opened.status === "succeeded" && again.status === "happened");
  assert.equal(again.left, opened.left, "found before anybody touched it");
  const inverse = plan.inverse as unknown as { kind: string; args: JsonObject };
  const undo = (left = "") => executor.plan({ ...planRequest(inverse, "act_00000000z"), left }, never);
  assert.equal((await undo(opened.left)).calls.length, 1);
  stage.servicenow.touch(stage.servicenow.incidents[0]?.["sys_id"] ?? "", { comments: "I am on it" });
  const found = await stage.build().reconcile(executeRequest(plan), never);
  assert.ok(found.status === "happened", JSON.stringify(found));
  for (const left of [opened.left, found.left]) await assert.rejects(undo(left), { code: "target-moved" });
});

test("two calls of one create at once make one record", async (t) => {
  const stage = await staged(t);
  const executor = stage.build();
  const request = executeRequest(await executor.plan(planRequest(stage), never));
  const outcomes = await Promise.all([executor.execute(request, never), executor.execute(request, never)]);
  assert.equal(stage.servicenow.incidents.length, 1);
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["succeeded", "unknown"]);
});

test("an instance that drops the condition and answers anybody's incident is not believed", async (t) => {
  const stage = await staged(t, { options: { dropsConditions: true } });
  (stage.servicenow.incidents as Record<string, string>[]).push({
    sys_id: SYS_ID,
    number: "INC0000001",
    correlation_id: "",
    sys_mod_count: "4",
    sys_updated_on: "2026-09-21 10:00:00",
  });
  const executor = stage.build();
  const request = executeRequest(await executor.plan(planRequest(stage), never));
  const outcome = await executor.execute(request, never);
  assert.ok(outcome.status === "failed" && outcome.code === "look-up-unreliable", JSON.stringify(outcome));
  assert.equal((await executor.reconcile(request, never)).status, "unclear");
  assert.ok(!methods(stage).some((method) => method.startsWith("POST")));
});

test("a record whose correlation id could not be written says so", async (t) => {
  const stage = await staged(t, { options: { protectedFields: ["correlation_id"] } });
  const outcome = await run(stage);
  assert.ok(outcome.status === "succeeded");
  assert.equal((outcome.detail as JsonObject)["correlated"], false);
});

test("a correlation id that differs in case is somebody else's", async (t) => {
  const stage = await staged(t);
  await run(stage);
  const [incident] = stage.servicenow.incidents;
  if (incident !== undefined) incident["correlation_id"] = incident["correlation_id"]?.toUpperCase() ?? "";
  const outcome = await run(stage);
  assert.ok(outcome.status === "failed" && outcome.code === "look-up-unreliable", JSON.stringify(outcome));
});

test("an OAuth token is asked for once, kept until it expires, and replaced when it is refused early", async (t) => {
  const stage = await staged(t, { kind: UPDATE, login: "oauth", options: { tokenLifetimeS: 600 } });
  const executor = stage.build();
  const plan = (): Promise<Plan> => executor.plan(planRequest(stage), never);
  await plan();
  await plan();
  assert.equal(stage.servicenow.tokensIssued(), 1);
  stage.servicenow.revokeTokens();
  await plan();
  assert.equal(stage.servicenow.tokensIssued(), 2);
  stage.clock.advance(571_000);
  await plan();
  assert.equal(stage.servicenow.tokensIssued(), 3);
  const sent = stage.servicenow.received.filter(({ path }) => path === "/oauth_token.do");
  assert.ok(sent.every(({ body }) => new URLSearchParams(body).get("client_secret") === CLIENT_SECRET));
});

test("a wrong client secret fails, says nothing about it, and is not tried twice", async (t) => {
  const stage = await staged(t, { kind: CREATE, login: "oauth", options: { clientSecret: "another" } });
  const outcome = await run(stage);
  assert.deepEqual(outcome, { status: "failed", code: "credential-refused", detail: { status: 401 } });
  assert.deepEqual(methods(stage), ["POST /oauth_token.do"]);
});

for (const mode of ["garbage", "hang", "status-500", "huge", "drop"] as const) {
  test(`a token endpoint that answers ${mode} had no effect, and is asked again later`, async (t) => {
    const stage = await staged(t, { kind: CREATE, login: "oauth" });
    const executor = stage.build();
    const plan = await executor.plan(planRequest(stage), never);
    stage.servicenow.fail({ mode, path: "/oauth_token.do" });
    const outcome = await executor.execute(executeRequest(plan, 200), never);
    assert.ok(outcome.status === "retry" && outcome.detail === null, JSON.stringify(outcome));
    assert.equal((await executor.execute(executeRequest(plan), never)).status, "succeeded");
    assert.equal(stage.servicenow.incidents.length, 1);
  });
}

test("an update shows what changes, and its inverse puts it back", async (t) => {
  const stage = await staged(t, { kind: UPDATE });
  const executor = stage.build();
  const plan = await planFields(stage, { state: 2, urgency: 3, description: "known cause", workNotes: "on it" });
  assert.deepEqual(plan.diff, {
    number: "INC0010001",
    changes: [
      { field: "description", from: "", to: "known cause" },
      { field: "state", from: "1", to: "2" },
    ],
    adds: { work_notes: "on it" },
  });
  assert.equal(plan.fingerprint, "0@2026-09-21 10:00:00");
  const outcome = await executor.execute(executeRequest(plan), never);
  assert.ok(outcome.status === "succeeded" && outcome.left !== undefined, JSON.stringify(outcome));
  assert.match(stage.servicenow.incidents[0]?.["work_notes"] ?? "", /^on it\n\nGranted as grt_00000000d: /);
  const inverse = plan.inverse as unknown as { kind: string; args: JsonObject };
  assert.deepEqual(inverse.args, { sysId: SYS_ID, fields: { description: "", state: 1 } });
  const asked = { ...planRequest(inverse, "act_00000000z"), left: outcome.left };
  stage.servicenow.touch(SYS_ID, { urgency: "1", state: "3" });
  await assert.rejects(executor.plan(asked, never), { code: "target-moved" }, "somebody set the state anew");
  stage.servicenow.touch(SYS_ID, { state: "2" });
  const undo = await executor.plan(asked, never);
  await executor.execute({ ...executeRequest(undo), idempotencyKey: "act_00000000z" }, never);
  assert.equal(stage.servicenow.incidents[0]?.["state"], "1");
});

test("a record that moved since it was planned is left alone", async (t) => {
  const stage = await staged(t, { kind: UPDATE });
  const executor = stage.build();
  const plan = await executor.plan(planRequest(stage), never);
  // To other values, and by a person to the very ones that were planned.
  for (const values of [{ urgency: "1" }, (plan.calls[0] as { body: Record<string, string> }).body]) {
    stage.servicenow.touch(SYS_ID, values);
    const outcome = await executor.execute(executeRequest(plan), never);
    assert.ok(outcome.status === "failed" && outcome.code === "target-moved", JSON.stringify(outcome));
  }
  assert.ok(!methods(stage).some((method) => method.startsWith("PATCH")));
});

test("a record that moved to what was planned after an unclear attempt may be our own work: that is asked about, not failed", async (t) => {
  const stage = await staged(t, { kind: UPDATE });
  const request = executeRequest(await stage.build().plan(planRequest(stage), never));
  stage.servicenow.fail({ mode: "act-then-drop", method: "PATCH" });
  await stage.build().execute(request, never);
  const next = stage.build();
  assert.deepEqual(await next.execute({ ...request, unsettled: true }, never), {
    status: "unknown",
    code: "target-already-changed",
    detail: null,
  });
  assert.equal((await next.reconcile(request, never)).status, "happened");
});

test("fields that ServiceNow left out of a change are not reported as changed", async (t) => {
  const stage = await staged(t, { kind: UPDATE, options: { protectedFields: ["state"] } });
  const executor = stage.build();
  const request = executeRequest(await executor.plan(planRequest(stage), never));
  const outcome = await executor.execute(request, never);
  assert.deepEqual(outcome, {
    status: "unknown",
    code: "partly-applied",
    detail: { number: "INC0010001", refused: ["state"] },
  });
  const found = await executor.reconcile(request, never);
  assert.ok(found.status === "unclear" && found.afterMs === undefined, "people have to look");
});

test("a journal entry cannot be taken back, and is not believed to have happened without proof", async (t) => {
  const stage = await staged(t, { kind: UPDATE });
  const executor = stage.build();
  const plan = await planFields(stage, { workNotes: "looked at it" });
  assert.equal(plan.inverse, null);
  assert.equal(plan.reversible, false);
  stage.servicenow.fail({ mode: "act-then-drop", method: "PATCH" });
  await executor.execute(executeRequest(plan), never);
  stage.clock.advance(86_400_000);
  const found = await executor.reconcile(executeRequest(plan), never);
  assert.ok(found.status === "unclear" && found.afterMs === undefined);
});

test("nothing an agent writes reaches a journal as HTML", async (t) => {
  const stage = await staged(t, { kind: UPDATE });
  const plan = await planFields(stage, { workNotes: "[code]<img src=x>[/code] [ CODE ]<b>" });
  assert.deepEqual((plan.diff as JsonObject)["adds"], { work_notes: "(code)<img src=x>(/code) (code)<b>" });
  const context = { run: "[code]<script>[/code]" };
  const create = await stage.build().plan({ ...planRequest({ kind: CREATE, args: CREATE_ARGS }), context }, never);
  assert.ok(!JSON.stringify(create.calls).includes("[code]"));
});

test("an old value that arguments cannot carry leaves a plan without an inverse", async (t) => {
  const stage = await staged(t, { kind: UPDATE });
  stage.servicenow.touch(SYS_ID, { short_description: "bell\u0007" });
  const plan = await planFields(stage, { shortDescription: "quiet" });
  assert.equal(plan.inverse, null);
  assert.equal(plan.reversible, false);
});

const REFUSED: readonly (readonly [string, JsonObject])[] = [
  ["both ways to name the record", { sysId: SYS_ID, correlationId: "x", fields: { state: 2 } }],
  ["no way to name the record", { fields: { state: 2 } }],
  ["a condition in the correlation id", { correlationId: "x^ORnumber=INC1", fields: { state: 2 } }],
  ["a script in the correlation id", { correlationId: "JavaScript:gs.log", fields: { state: 2 } }],
  ["a path in the sys_id", { sysId: "../../sys_user", fields: { state: 2 } }],
  ["no field", { sysId: SYS_ID, fields: {} }],
  ["a field that is not offered", { sysId: SYS_ID, fields: { active: false } }],
  ["a record that does not exist", { sysId: "b".repeat(32), fields: { state: 2 } }],
  ["a correlation id that no record has", { correlationId: "nobody", fields: { state: 2 } }],
  ["values that the record already has", { sysId: SYS_ID, fields: { state: 1 } }],
];
for (const [name, args] of REFUSED) {
  test(`an update with ${name} is refused when planned`, async (t) => {
    const stage = await staged(t, { kind: UPDATE });
    const planned = stage.build().plan(planRequest({ kind: UPDATE, args }), never);
    await assert.rejects(planned, (error) => isAppError(error, "arguments-invalid"));
  });
}

test("what triage says of its ticket's incident is written there, and its end once, on a record that is not over", async (t) => {
  const stage = await staged(t);
  await run(stage);
  const executor = stage.build();
  const tickets = { prefix: "holdpoint.test/log", resolvedState: 6, closeCode: "Resolved by caller" };
  const compose = (say: string): JsonObject => {
    const action = {
      id: "act_00000000z",
      kind: UPDATE,
      agent: "system:triage",
      operand: `${say}:act_00000000c:inc_000000002`,
      service: "cart",
      environment: "production",
      incident: "inc_000000002",
      run: "run_000000003",
      classification: null,
    };
    const context = {
      action,
      origin: "",
      page: "",
      services: ["cart", "search"],
      signalIds: [],
      signal: null,
      tickets,
    };
    return composeTriage(context as unknown as TriageContext);
  };
  const tell = async (say: string): Promise<string> => {
    const plan = await executor.plan(planRequest({ kind: UPDATE, args: compose(say) }, "act_00000000z"), never);
    return (await executor.execute({ ...executeRequest(plan), idempotencyKey: `${say} z` }, never)).status;
  };
  const record = (): Record<string, string> => stage.servicenow.incidents.at(-1) as Record<string, string>;
  assert.equal(await tell("news"), "succeeded");
  assert.match(record()["work_notes"] ?? "", /News of incident inc_000000002\..*\n.*Services: cart, search\./s);
  assert.equal(await tell("end"), "succeeded");
  assert.deepEqual([record()["state"], record()["close_code"]], ["6", "Resolved by caller"]);
  await assert.rejects(tell("end"), (error) => isAppError(error, "arguments-invalid"));
  assert.equal(await tell("again"), "succeeded");
  assert.equal(record()["state"], "2");
});

test("a correlation id that two records share names neither", async (t) => {
  const stage = await staged(t, { kind: UPDATE });
  const incidents = stage.servicenow.incidents as Record<string, string>[];
  incidents.push({ ...incidents[0], sys_id: "b".repeat(32), number: "INC0010002" });
  const args = { correlationId: "by-hand-1", fields: { state: 2 } };
  await assert.rejects(stage.build().plan(planRequest({ kind: UPDATE, args }), never), (error) =>
    isAppError(error, "arguments-invalid"),
  );
});

test("planning an update while ServiceNow is away says so, without its words", async (t) => {
  const stage = await staged(t, { kind: UPDATE });
  stage.servicenow.fail({ mode: "status-500" });
  await assert.rejects(stage.build().plan(planRequest(stage), never), (error) => {
    assert.ok(isAppError(error, "target-unavailable"));
    return !JSON.stringify(error.facts).includes(PASSWORD);
  });
});
