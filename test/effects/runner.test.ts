// The runner: each effect once, none lost, none waiting for ever behind another.

import assert from "node:assert/strict";
import { AppError } from "../../src/core/errors.ts";
import type { Plan } from "../../src/wire/contracts/executor.ts";
import { describe, it } from "node:test";
import type { JsonObject } from "../../src/core/json.ts";
import { settle } from "../kernel/rig.ts";
import { CLASSIFICATION, DONE, hang, Stage, planOf } from "./stage.ts";

const TICKET_ONLY = { requires_paging: false, requires_ticket: true };

describe("the effect runner", () => {
  it("takes an alert through classification and plan to its page", async () => {
    const stage = await Stage.open();
    await stage.signal();
    await settle();
    assert.equal(stage.calls.length, 1);
    const [call] = stage.calls;
    const said = JSON.stringify(call?.plan);
    assert.ok(said.includes("test/inc_") && said.includes("cart fails"), said);
    assert.notDeepEqual(call?.justification["verdicts"], []);
    assert.equal(stage.runner.running, 0);
    assert.deepEqual(stage.problems, []);
  });

  it("starts nothing before its step is durable, and nothing when that is unknown", async () => {
    const stage = await Stage.open();
    const id = await stage.grant();
    await settle();
    assert.equal(stage.calls.length, 1, "the first went");
    stage.rig.writer.held = true;
    void stage.grant().catch(() => undefined);
    await settle();
    stage.rig.writer.end();
    await settle();
    assert.equal(stage.rig.writer.waiting[0]?.events[0]?.type, "step.started");
    assert.equal(stage.calls.length, 1);
    stage.rig.writer.end(new Error("lost"));
    await settle();
    stage.runner.sweep();
    await settle();
    assert.equal(stage.calls.length, 1);
    assert.equal(stage.rig.fatal.length, 1);
    assert.equal(stage.status(id), "step.finished");
  });

  it("never starts what runs: sweeps and events beside it change nothing", async () => {
    const stage = await Stage.open();
    stage.onExecute = hang;
    await stage.grant();
    await settle();
    for (let i = 0; i < 5; i++) stage.runner.sweep();
    await settle();
    assert.equal(stage.calls.length, 1);
    assert.equal(stage.runner.running, 1);
  });

  it("ends a step that hangs over its time as unknown", async () => {
    for (const [repeat, next] of [
      ["idempotent", "retrying"],
      ["conditional", "step.finished"],
      ["neither", "step.reconciled"],
    ] as const) {
      const stage = await Stage.open();
      stage.onExecute = hang;
      stage.onReconcile = async () =>
        repeat === "neither" ? { status: "unclear", detail: null } : { status: "absent", detail: null };
      const id = await stage.grant(repeat);
      await settle();
      stage.onExecute = async () => DONE;
      await stage.endTerms();
      await settle();
      assert.equal(stage.status(id), next, repeat);
      assert.equal(stage.rig.all("step.finished")[0]?.facts.status, "unknown");
      assert.equal(stage.runner.running, 0);
    }
  });

  it("a plan and a classification that hang end too", async () => {
    const stage = await Stage.open();
    stage.onClassify = hang;
    await stage.signal();
    await settle();
    assert.equal(stage.runner.running, 1);
    stage.onPlan = hang;
    await stage.endTerms();
    assert.equal(stage.rig.last("run.unclassified").code, "classifier-failed");
    assert.equal(stage.runner.running, 1, "the review of it is being planned");
    await stage.endTerms();
    assert.equal(stage.rig.last("action.refused").code, "planning-failed");
    assert.equal(stage.runner.running, 0);
  });

  it("a plan of fifty megabytes, or none at all, is refused before anything is made of it", async () => {
    const whole = planOf({});
    const garbage: readonly (readonly [unknown, string])[] = [
      [{ ...whole, diff: { text: "x".repeat(50 * 1_048_576) } }, "plan-too-large"],
      [{ ...whole, calls: Array.from({ length: 200_000 }, () => ({ call: "x".repeat(20) })) }, "plan-too-large"],
      [null, "planning-failed"],
      ["plan", "planning-failed"],
      [{ ...whole, calls: "all of them" }, "planning-failed"],
      [{ ...whole, reversible: "yes" }, "planning-failed"],
      [{ ...whole, signature: { toString: () => "none" } }, "planning-failed"],
      [{ ...whole, size: -5 }, "planning-failed"],
      [{ ...whole, size: Number.NaN }, "planning-failed"],
      [{ ...whole, diff: { lone: "\ud800" } }, "request-invalid"],
    ];
    for (const [plan, code] of garbage) {
      const stage = await Stage.open();
      stage.onPlan = async () => plan as Plan;
      await stage.signal();
      await settle();
      assert.equal(stage.rig.last("action.refused").code, code);
      assert.deepEqual(stage.calls, []);
      assert.ok(JSON.stringify(stage.rig.writer.kept).length < 5 * 1_048_576, "none of it is in the record");
    }
  });

  it("what is wrong with arguments is told with the refusal, and of what a target says its code alone", async () => {
    for (const [code, facts, body] of [
      ["arguments-invalid", {}, { detail: "region is one of eu, us" }],
      ["target-moved", {}, undefined],
      ["target-moved", { relations: ["orders", "items"] }, { detail: "orders, items" }],
      ["target-forbidden", { code: "credential-missing" }, { detail: "credential-missing" }],
      ["target-forbidden", { code: "password hunter2 is wrong" }, undefined],
    ] as const) {
      const stage = await Stage.open();
      stage.onPlan = () => Promise.reject(new AppError(code, "region is one of eu, us", facts));
      await stage.signal();
      await settle();
      assert.equal(stage.rig.last("action.refused").code, code);
      const refused = stage.rig.writer.kept.find(({ type }) => type === "action.refused");
      assert.deepEqual(refused?.payload?.body, body);
    }
  });

  it("what finds no room waits and then goes, without a sweep", async () => {
    const stage = await Stage.open();
    const waiting: (() => void)[] = [];
    stage.onExecute = () => new Promise((resolve) => waiting.push(() => resolve(DONE)));
    for (let i = 0; i < 100; i++) await stage.grant();
    await settle();
    assert.equal(stage.calls.length, 32);
    while (waiting.length > 0) {
      waiting.shift()?.();
      await settle();
    }
    assert.equal(stage.calls.length, 100);
    assert.equal(stage.rig.state.actions.size, 0);
  });

  it("an action that no executor offers is refused as such, which tells what to configure", async () => {
    const stage = await Stage.open();
    stage.executors.delete("pagerduty.trigger");
    await stage.signal();
    await settle();
    assert.equal(stage.rig.last("action.refused").code, "executor-missing");
  });

  it("what nobody classified is reviewed as a ticket, as a page where there are no tickets, and never pages by itself", async () => {
    for (const [missing, reviewed] of [
      [[], "servicenow.incident.create"],
      [["servicenow.incident.create"], "pagerduty.trigger"],
    ] as const) {
      const stage = await Stage.open();
      for (const kind of missing) stage.executors.delete(kind);
      stage.onClassify = async () => "no classification";
      await stage.signal();
      await settle();
      const held = [...stage.rig.state.actions.values()].map(({ kind, status }) => `${kind} ${status}`);
      assert.deepEqual(held, [`${reviewed} held`]);
      assert.deepEqual(stage.calls, []);
    }
  });

  it("a ticket that waits for people is asked about as a page where there are no tickets, and one that needs none is not", async () => {
    for (const [confidence, asked] of [
      [0.5, ["pagerduty.trigger held"]],
      [0.9, []],
    ] as const) {
      const stage = await Stage.open();
      stage.executors.delete("servicenow.incident.create");
      stage.onClassify = async () => ({ ...CLASSIFICATION, ...TICKET_ONLY, confidence });
      await stage.signal();
      await settle();
      const live = [...stage.rig.state.actions.values()].map(({ kind, status }) => `${kind} ${status}`);
      assert.deepEqual(live, asked);
      assert.equal(stage.rig.last("action.refused").code, "executor-missing");
      assert.deepEqual(stage.calls, [], "nobody is woken whom the classifier did not want woken");
    }
  });

  it("a page becomes a ticket where there is no pager, unless one was asked for anyway", async () => {
    for (const requires_ticket of [false, true]) {
      const stage = await Stage.open();
      stage.executors.delete("pagerduty.trigger");
      stage.onClassify = async () => ({ ...CLASSIFICATION, requires_ticket });
      await stage.signal();
      await settle();
      assert.deepEqual(
        stage.calls.map(({ plan }) => (plan.calls[0] as JsonObject)["urgency"]),
        [1],
      );
    }
  });

  it("where nothing is configured a run that nobody classified ends, and its refusals say why", async () => {
    const stage = await Stage.open();
    for (const kind of ["servicenow.incident.create", "pagerduty.trigger"]) stage.executors.delete(kind);
    stage.onClassify = async () => "no classification";
    await stage.signal();
    await settle();
    assert.equal(stage.rig.state.actions.size, 0);
    assert.deepEqual(
      stage.rig.all("action.refused").map(({ facts }) => facts.code),
      ["executor-missing", "executor-missing"],
    );
  });

  it("where nothing is configured what would be reviewed is asked for once each way, and never again", async () => {
    for (const wanted of [TICKET_ONLY, {}]) {
      const stage = await Stage.open();
      for (const kind of ["servicenow.incident.create", "pagerduty.trigger"]) stage.executors.delete(kind);
      stage.onClassify = async () => ({ ...CLASSIFICATION, ...wanted, confidence: 0.5 });
      await stage.signal();
      await settle();
      assert.equal(stage.rig.state.actions.size, 0);
      assert.equal(stage.rig.all("action.refused").length, 2);
    }
  });

  it("a system that hangs keeps no other waiting", async () => {
    const stage = await Stage.open();
    stage.onExecute = (request) => (isPage(request) ? Promise.resolve(DONE) : hang());
    for (let i = 0; i < 40; i++) await stage.grant();
    await settle();
    await stage.signal();
    await settle();
    assert.ok(stage.rig.all("step.finished").length > 0, "the page went out");
  });

  it("the end of a step that the kernel would not take is told again, and not asked about", async () => {
    const stage = await Stage.open();
    let answer: () => void = () => undefined;
    stage.onExecute = () => new Promise((resolve) => (answer = () => resolve(DONE)));
    stage.onReconcile = async () => assert.fail("it is known how it ended");
    const id = await stage.grant("neither");
    await settle();
    stage.rig.nowMs += 3_600_000; // the clock jumps: nothing is taken until a person confirms it
    answer();
    await settle();
    assert.equal(stage.status(id), "executing");
    assert.ok(stage.problems.includes("clock-suspect"));
    stage.rig.clock.confirm();
    stage.runner.sweep();
    await settle();
    assert.equal(stage.rig.last("step.finished", id).status, "succeeded");
    assert.equal(stage.calls.length, 1);
  });

  it("what an earlier process began is asked about, and run again only when it never happened", async () => {
    for (const [found, calls, last] of [
      ["happened", 1, "step.reconciled"],
      ["absent", 2, "step.finished"],
      ["unclear", 1, "step.reconciled"],
    ] as const) {
      const stage = await Stage.open();
      stage.onExecute = hang;
      const id = await stage.grant("neither");
      await settle();
      stage.onExecute = async () => DONE;
      stage.onReconcile = async () => ({ status: found, reference: "r", detail: null });
      stage.newRunner().sweep();
      await settle();
      assert.equal(stage.calls.length, calls, found);
      assert.equal(stage.status(id), last, found);
    }
  });

  for (const afterMs of [20_000, 0.4]) {
    it(`asks again later when the target says that its answer may still come, in ${afterMs} ms`, async () => {
      const stage = await Stage.open();
      let asked = 0;
      stage.onExecute = async () => ({ status: "unknown", code: "lost", detail: null });
      stage.onReconcile = async () =>
        ++asked === 1
          ? { status: "unclear", detail: null, afterMs }
          : { status: "happened", reference: "r", detail: null };
      const id = await stage.grant("conditional");
      await settle();
      stage.runner.sweep();
      await settle();
      assert.deepEqual([asked, stage.status(id)], [1, "reconciling"]);
      stage.rig.pass(20_000);
      stage.runner.sweep();
      await settle();
      assert.equal(stage.rig.last("step.reconciled", id).action, "succeeded");
    });
  }

  it("stops after what runs, and starts nothing more", async () => {
    const stage = await Stage.open();
    let answer: () => void = () => undefined;
    stage.onExecute = () => new Promise((resolve) => (answer = () => resolve(DONE)));
    await stage.grant();
    await settle();
    const stopped = stage.runner.stop();
    await stage.grant();
    answer();
    await stopped;
    stage.runner.sweep();
    await settle();
    assert.equal(stage.calls.length, 1);
  });
});

function isPage(request: { justification: Record<string, unknown> }): boolean {
  return request.justification["run"] !== null;
}
