// One step: the plan as it was granted, under the brake, and an end that is fit for the record whatever came back.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import type { Json } from "../../src/core/json.ts";
import { toRecordable } from "../../src/effects/recordable.ts";
import type { StepOutcome } from "../../src/wire/contracts/executor.ts";
import { settle } from "../kernel/rig.ts";
import { DONE, hang, Stage } from "./stage.ts";

describe("a step", () => {
  it("runs no plan but the granted one", async () => {
    const stage = await Stage.open();
    stage.tampered = (body) => ({ ...body, plan: { ...(body["plan"] as object), calls: [{ number: 666 }] } });
    const id = await stage.grant();
    await settle();
    assert.equal(stage.calls.length, 0);
    const { status, code, action } = stage.rig.last("step.finished", id);
    assert.deepEqual({ status, code, action }, { status: "failed", code: "plan-mismatch", action: "failed" });
  });

  it("whose plan was erased fails; one that the store did not give is tried again", async () => {
    const stage = await Stage.open();
    stage.erased.add(stage.rig.state.nextSeq);
    const id = await stage.grant();
    await settle();
    assert.equal(stage.rig.last("step.finished", id).code, "payload-erased");
    stage.tampered = () => {
      throw new Error("the disk is slow");
    };
    const other = await stage.grant();
    await settle();
    assert.equal(stage.status(other), "retrying");
    stage.tampered = null;
    stage.rig.pass(1_000);
    stage.runner.sweep();
    await settle();
    assert.equal(stage.rig.last("step.finished", other).status, "succeeded");
  });

  it("says whether an attempt before it may have had an effect", async () => {
    const stage = await Stage.open();
    const again = { afterMs: 0, code: "busy", detail: null };
    const ends: StepOutcome[] = [
      { ...again, status: "retry" },
      { ...again, status: "unknown" },
      { ...again, status: "retry" },
    ];
    stage.onExecute = async () => ends.shift() ?? DONE;
    const id = await stage.grant("idempotent");
    for (let i = 0; i < 4; i++) {
      await settle();
      stage.rig.pass(60_000);
      stage.runner.sweep();
    }
    await settle();
    assert.equal(stage.rig.last("step.finished", id).status, "succeeded");
    assert.deepEqual(
      stage.calls.map(({ unsettled }) => unsettled),
      [false, false, true, true],
    );
  });

  it("of which a part is missing is run again as soon as its executor says, and left to people where it says never", async () => {
    const stage = await Stage.open();
    let afterMs = 20_000;
    stage.onExecute = async () => ({ status: "partial", afterMs, code: "parts-missing", detail: null });
    const id = await stage.grant("conditional");
    await settle();
    assert.equal(stage.status(id), "retrying");
    const { retryAt } = stage.rig.last("step.finished", id);
    assert.equal(retryAt, stage.rig.nowMs + 20_000);
    afterMs = 0;
    stage.rig.pass(20_000);
    stage.runner.sweep();
    await settle();
    assert.equal(stage.rig.last("step.finished", id).action, "needs-attention");
    assert.equal(stage.calls.length, 2);
  });

  it("that throws ended nobody knows how", async () => {
    const stage = await Stage.open();
    stage.onExecute = () => Promise.reject(new Error("secret in here"));
    const id = await stage.grant();
    await settle();
    assert.equal(stage.rig.last("step.finished", id).status, "unknown");
    assert.ok(!JSON.stringify(stage.rig.writer.kept).includes("secret in here"));
  });

  it("says how it left things as a whole, or that nobody knows", async () => {
    for (const [left, kept] of [
      ["x".repeat(16_384), "x".repeat(16_384)],
      ["x".repeat(16_385), null],
    ] as const) {
      const stage = await Stage.open();
      stage.onExecute = async () => ({ status: "succeeded", reference: "r", detail: null, left });
      await stage.grant();
      await settle();
      const bodies = stage.rig.writer.kept.map(({ payload }) => payload?.body as { left?: Json } | undefined);
      assert.deepEqual(
        bodies.flatMap((body) => (body?.left === undefined ? [] : [body.left])),
        [kept],
      );
    }
  });

  it("an answer that no ledger could hold is made fit for it", async () => {
    const stage = await Stage.open();
    const odd = { lone: "\ud800", nan: Number.NaN, fn: () => 1, big: 2n ** 70n } as unknown as Json;
    stage.onExecute = async () => ({ status: "retry", afterMs: Number.NaN, code: "odd", detail: odd });
    await stage.grant();
    await settle();
    for (const event of stage.rig.writer.kept) {
      canonicalJson(event.facts);
      canonicalJson(event.payload?.body ?? null);
    }
    assert.equal(stage.rig.fatal.length, 0);
  });

  it("is aborted when the brake is pulled, and begins no more until it is released", async () => {
    const stage = await Stage.open();
    let aborted = false;
    stage.onExecute = (_request, signal) =>
      new Promise<StepOutcome>((resolve) => {
        signal.addEventListener("abort", () => {
          aborted = true;
          resolve({ status: "retry", afterMs: 0, code: "aborted", detail: null });
        });
      });
    const id = await stage.grant();
    await settle();
    stage.brake.pull({ service: "cart" });
    await settle();
    assert.ok(aborted);
    stage.rig.pass(1_000);
    stage.runner.sweep();
    await settle();
    assert.equal(stage.calls.length, 1);
    stage.brake.release({ service: "cart" });
    stage.onExecute = async () => DONE;
    stage.runner.sweep();
    await settle();
    assert.equal(stage.rig.last("step.finished", id).status, "succeeded");
  });

  it("begins none under the flag, and the flag aborts what it finds", async () => {
    const stage = await Stage.open();
    stage.onExecute = hang;
    await stage.grant();
    await settle();
    stage.brake.setFlag(true);
    await stage.grant();
    await settle();
    assert.equal(stage.calls.length, 1);
    const action = { agent: "a", agentKind: "agent", person: null, environment: "e", service: "s" } as const;
    assert.ok(stage.brake.blocks({ ...action, kind: "k" }));
    assert.ok(!stage.brake.blocks({ ...action, kind: "killswitch.resume" }));
  });
});

describe("triage", () => {
  it("an erased signal is not classified, and a person looks", async () => {
    const stage = await Stage.open();
    for (let seq = 0; seq < 100; seq++) stage.erased.add(seq);
    await stage.signal();
    await settle();
    assert.equal(stage.rig.last("run.unclassified").code, "payload-erased");
    assert.ok(stage.rig.live("servicenow.incident.create"));
  });

  it("a page goes out although its signal was erased meanwhile", async () => {
    const stage = await Stage.open();
    const answer = stage.onClassify;
    stage.onClassify = async () => {
      for (let seq = 0; seq < stage.rig.state.nextSeq; seq++) stage.erased.add(seq);
      return answer();
    };
    await stage.signal();
    await settle();
    assert.equal(stage.calls.length, 1);
    assert.ok(!JSON.stringify(stage.calls[0]?.plan).includes("cart fails"));
  });

  it("a ticket planned after its incident was over still tells of its signal", async () => {
    const stage = await Stage.open();
    stage.onClassify = async () => ({
      classification: "medium",
      confidence: 0.9,
      requires_ticket: true,
      requires_paging: false,
      requires_mim: false,
      recommended_team: "sre",
    });
    const plan = stage.onPlan;
    stage.onPlan = hang;
    const signal = await stage.signal("a:firing");
    await settle();
    await stage.rig.signal({ deliveryKey: "a:resolved", status: "resolved", signature: "s".repeat(64) });
    stage.onPlan = plan;
    stage.newRunner().sweep();
    await settle();
    assert.ok(JSON.stringify(stage.calls[0]?.plan).includes(signal));
  });

  it("an answer that is none is kept as evidence and decides nothing", async () => {
    for (const odd of [
      null,
      "text",
      { classification: "sev9" },
      {
        toJSON: () => {
          throw new Error("no");
        },
      },
      2n,
    ]) {
      const stage = await Stage.open();
      stage.onClassify = async () => odd;
      await stage.signal();
      await settle();
      assert.equal(stage.rig.last("run.unclassified").code, "answer-rejected");
      assert.equal(stage.rig.fatal.length, 0);
    }
  });
});

describe("recordable", () => {
  it("cuts what is deep, long or wide, and says nothing of what is no JSON", () => {
    let deep: unknown = "end";
    for (let i = 0; i < 100; i++) deep = [deep];
    canonicalJson(toRecordable(deep));
    assert.ok(canonicalJson(toRecordable(deep)).includes("cut"));
    assert.equal((toRecordable("x".repeat(100_000)) as string).length, 16_384);
    assert.equal((toRecordable(Array(10_000).fill(1)) as Json[]).length, 256);
    assert.equal(toRecordable(undefined), null);
    assert.equal(toRecordable(Symbol("s")), null);
    assert.deepEqual(toRecordable({ a: Number.POSITIVE_INFINITY }), { a: "Infinity" });
  });
});
