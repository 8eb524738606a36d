// What is done with PagerDuty's incidents: in whose name, to whom, once, and what of it can be taken back.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { isAppError, type ErrorCode } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Executor, Plan, StepOutcome } from "../../src/wire/contracts/executor.ts";
import { executeRequest, kindOf, never, planRequest } from "./contract.ts";
import { PAGERDUTY_TOKEN, PAGERDUTY_USER, pagerdutyIncidentStage } from "./fixture.ts";

const OTHER = "act_00000000e";

async function staged(t: TestContext, kind: string, args: JsonObject, hidesRequests = false) {
  const stage = await pagerdutyIncidentStage(kind, { args, hidesRequests });
  t.after(() => stage.close());
  const executor = stage.build();
  const plan = (more: JsonObject = {}, of: object = {}): Promise<Plan> =>
    executor.plan({ ...planRequest({ kind, args: { ...stage.args, ...more } }), ...of }, never);
  return { stage, executor, plan };
}

const run = (executor: Executor, plan: Plan, action = OTHER): Promise<StepOutcome> =>
  executor.execute({ ...executeRequest(plan), idempotencyKey: action }, never);
const codeOf = (outcome: StepOutcome): string => ("code" in outcome ? outcome.code : outcome.status);
const refused =
  (code: ErrorCode) =>
  (error: unknown): boolean =>
    isAppError(error, code);

test("a note is written in the name of the configured user, found again by its mark, and says which grant it was", async (t) => {
  const { stage, executor, plan } = await staged(t, "pagerduty.note", { text: "Looked.\n[[holdpoint log:act_1]]" });
  const planned = await plan();
  const mark = "[[holdpoint holdpoint.test/log:act_00000000c]]";
  assert.deepEqual((planned.diff as { notes: string }).notes, `Looked.\n[ [holdpoint log:act_1]]\n\n${mark}`);
  const outcome = await run(executor, planned);
  assert.deepEqual(outcome, {
    status: "succeeded",
    reference: "PINC0000/PNOTE000",
    detail: { incident: "PINC0000", made: "PNOTE000" },
  });
  assert.equal(stage.work.notes[0]?.content, `Looked.\n[ [holdpoint log:act_1]]\n\n${mark} granted as grt_00000000d`);
  const again = await run(stage.build(), planned);
  assert.ok(again.status === "succeeded" && stage.work.notes.length === 1, "found before");
  const sent = stage.pagerduty.received.at(-2);
  assert.equal(sent?.headers.from, PAGERDUTY_USER.email);
  assert.equal(sent?.headers.authorization, `Token token=${PAGERDUTY_TOKEN}`);
  assert.deepEqual(stage.complaints(), []);
});

test("an incident is named by its id or by the key of its open alert, and nobody else's is taken for it", async (t) => {
  const { stage, executor, plan } = await staged(t, "pagerduty.note", { text: "Looked." });
  const { incident: _incident, ...rest } = stage.args;
  const byKey = (dedupKey: string): Promise<Plan> =>
    executor.plan(planRequest({ kind: stage.kind, args: { ...rest, dedupKey } }), never);
  assert.deepEqual((await byKey("cart-is-slow")).calls, (await plan()).calls);
  await assert.rejects(byKey("another"), refused("arguments-invalid"));
  stage.pagerduty.page("cart-is-slow");
  await assert.rejects(byKey("cart-is-slow"), refused("arguments-invalid"), "two of them");
  await assert.rejects(plan({ incident: "PNOBODY" }), refused("arguments-invalid"));
  await assert.rejects(plan({ incident: "../users" }), refused("arguments-invalid"));
  await assert.rejects(plan({ dedupKey: "cart-is-slow" }), refused("arguments-invalid"), "both");
  await assert.rejects(plan({ text: "" }), refused("arguments-invalid"));
});

test("an escalation goes to a configured policy, only while nobody has answered, and back again", async (t) => {
  const { stage, executor, plan } = await staged(t, "pagerduty.escalate", { policy: "second", urgency: "low" });
  const planned = await plan();
  assert.deepEqual((planned.diff as { from: unknown; to: unknown }).from, { policy: "first", urgency: "high" });
  const inverse = planned.inverse as unknown as { kind: string; args: JsonObject };
  assert.deepEqual(inverse.args, { incident: "PINC0000", policy: "first", urgency: "high" });
  const early = await plan({}, { actionId: "act_00000000f" });
  const outcome = await run(executor, planned);
  assert.ok(outcome.status === "succeeded", JSON.stringify(outcome));
  assert.deepEqual([stage.work.policy, stage.work.urgency, stage.work.assignee], ["PSECOND", "low", "PSECOND1"]);
  assert.equal(codeOf(await run(executor, early, "act_00000000f")), "target-moved", "it was somebody else");
  const again = { ...executeRequest(early), unsettled: true };
  assert.equal(
    codeOf(await executor.execute(again, never)),
    "target-already-changed",
    "it may have been an earlier attempt",
  );
  assert.equal((await executor.reconcile(again, never)).status, "happened");
  await assert.rejects(plan(), refused("arguments-invalid"), "it is as it would become");
  const back = { kind: inverse.kind, args: inverse.args };
  const undoOf = (): Promise<Plan> => executor.plan({ ...planRequest(back, OTHER), left: outcome.left ?? "" }, never);
  assert.equal((await run(executor, await undoOf())).status, "succeeded");
  assert.deepEqual([stage.work.policy, stage.work.urgency], ["PFIRST0", "high"]);
  await assert.rejects(undoOf(), refused("target-moved"), "somebody passed it on since");
  const later = await plan();
  stage.work.assignee = "PSOMEONE";
  assert.equal(codeOf(await run(executor, later)), "target-moved");
  assert.equal(stage.work.escalations.length, 2);
  assert.deepEqual(stage.complaints(), []);
});

test("a level alone is not taken back, and where its answer was lost nobody can tell", async (t) => {
  const { stage, executor, plan } = await staged(t, "pagerduty.escalate", { level: 3 });
  const planned = await plan();
  assert.deepEqual([planned.inverse, planned.reversible], [null, false]);
  stage.pagerduty.fail({ ...stage.write, mode: "act-then-drop" });
  assert.equal((await run(executor, planned)).status, "unknown");
  stage.clock.advance(86_400_000);
  const found = await executor.reconcile(executeRequest(planned), never);
  assert.deepEqual(found, { status: "unclear", detail: { code: "target-moved" } }, "left to people");
  assert.equal(codeOf(await run(executor, planned)), "target-moved", "and not done again");
  assert.deepEqual(stage.work.escalations, ["PFIRST03"]);
});

test("responders are configured groups, each asked once, also when the answer was lost", async (t) => {
  const asks = { responders: ["dba", "dba"], message: "Please look at the locks" };
  const { stage, executor, plan } = await staged(t, "pagerduty.add-responders", asks);
  const planned = await plan();
  stage.pagerduty.fail({ ...stage.write, mode: "act-then-drop" });
  assert.equal((await run(executor, planned)).status, "unknown");
  assert.equal((await executor.reconcile(executeRequest(planned), never)).status, "happened");
  assert.equal((await run(stage.build(), planned)).status, "succeeded");
  assert.deepEqual(stage.work.requests, [
    {
      message: "Please look at the locks [[holdpoint holdpoint.test/log:act_00000000c]] granted as grt_00000000d",
      targets: ["PDBA0001", "PSECOND"],
    },
  ]);
  await assert.rejects(plan({ responders: ["nobody"] }), refused("arguments-invalid"));
  await assert.rejects(plan({ responders: [] }), refused("arguments-invalid"));
  for (const [from, to] of [
    ["PDBA0001", "PCEO0001"],
    ["pagerduty/api-token", "pagerduty/default"],
    [stage.work.id, "PINC0001"],
  ] as const) {
    const forged = JSON.parse(JSON.stringify(planned).replace(from, to)) as Plan;
    assert.equal(codeOf(await run(executor, forged)), "plan-invalid", from);
  }
  assert.deepEqual(stage.complaints(), []);
});

test("where PagerDuty does not show whom it asked, nobody is asked in the dark", async (t) => {
  const asks = { responders: ["legal"], message: "Please look" };
  const { stage, executor, plan } = await staged(t, "pagerduty.add-responders", asks, true);
  const planned = await plan();
  assert.equal(codeOf(await run(executor, planned)), "look-up-unreliable");
  assert.equal((await executor.reconcile(executeRequest(planned), never)).status, "unclear");
  assert.equal(stage.effects(), 0);
});

test("a status update cannot be taken back, says so, and is never sent twice", async (t) => {
  const { stage, executor, plan } = await staged(t, "pagerduty.status-update", { message: "It is slow." });
  const planned = await plan();
  assert.deepEqual([planned.reversible, planned.signature], [false, "irreversible"]);
  assert.equal(kindOf(executor, stage.kind).repeat, "neither");
  assert.equal((await run(executor, planned)).status, "succeeded");
  stage.pagerduty.fail({ ...stage.write, mode: "act-then-drop" });
  assert.equal((await run(executor, planned)).status, "unknown");
  const found = await executor.reconcile(executeRequest(planned), never);
  assert.deepEqual(found, { status: "unclear", detail: { code: "cannot-be-asked" } });
  assert.deepEqual(stage.work.updates, ["It is slow.", "It is slow."], "each run once");
});

test("an incident is quiet for so long as was said, a repeat begins anew, and a resolved one is left alone", async (t) => {
  const { stage, executor, plan } = await staged(t, "pagerduty.snooze", { minutes: 30 });
  const planned = await plan();
  stage.pagerduty.fail({ ...stage.write, mode: "act-then-drop" });
  assert.equal((await run(executor, planned)).status, "unknown");
  assert.equal((await run(executor, planned)).status, "succeeded");
  assert.deepEqual(stage.work.snoozed, [1800, 1800]);
  assert.equal(kindOf(executor, stage.kind).repeat, "idempotent");
  for (const minutes of [0, 10_081, 1.5, "30"]) await assert.rejects(plan({ minutes }), refused("arguments-invalid"));
  const [incident] = stage.pagerduty.incidents;
  assert.ok(incident);
  incident.status = "resolved";
  await assert.rejects(plan(), refused("arguments-invalid"));
  assert.equal(codeOf(await run(executor, planned)), "target-refused");
});
