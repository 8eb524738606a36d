// Steps: when they are tried again, when nobody knows, and what settles that.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LIMITS } from "../../src/kernel/limits.ts";
import type { ProposalFacts } from "../../src/kernel/proposal-facts.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

async function begun(repeat: ProposalFacts["repeat"] = "idempotent"): Promise<{ rig: Rig; id: string }> {
  const rig = await Rig.open();
  const { subject: id } = await rig.propose({ kind: "test.free", repeat });
  await rig.begin(id);
  return { rig, id };
}

describe("steps", () => {
  it("begin once; a second begin of a running step is told so", async () => {
    const { rig, id } = await begun();
    assert.equal((await rig.begin(id)).result, "ended");
    assert.deepEqual(rig.all("step.started").length, 1);
  });

  it("wait 1, 2, 4, … at most 30 seconds, or what the target asks for up to a minute", async () => {
    const { rig, id } = await begun();
    const waits: number[] = [];
    for (let i = 0; i < 7; i++) {
      await rig.finish(id, "retry");
      const at = rig.action(id).dueAt ?? 0;
      waits.push((at - rig.nowMs) / 1_000);
      rig.pass(at - rig.nowMs - 1);
      assert.equal((await rig.begin(id)).result, "early");
      rig.pass(1);
      assert.equal((await rig.begin(id)).result, "started");
    }
    assert.deepEqual(waits, [1, 2, 4, 8, 16, 30, 30]);
    await rig.finish(id, "retry", 45_000);
    assert.equal(rig.action(id).dueAt, rig.nowMs + 45_000);
    const { rig: other, id: asked } = await begun();
    await other.finish(asked, "retry", 3_600_000);
    assert.equal(other.action(asked).dueAt, other.nowMs + 60_000);
  });

  it("an answer about an earlier attempt changes nothing", async () => {
    const { rig, id } = await begun();
    const late = { action: id, attempt: 7, status: "succeeded", code: "late", afterMs: 0 } as const;
    assert.equal((await rig.ask("finish-step", late)).result, "ended");
    assert.equal(rig.action(id).status, "executing");
  });

  it("attempts have an end: failed when none had effect, needs attention when one may have", async () => {
    for (const [first, end] of [
      ["retry", "failed"],
      ["unknown", "needs-attention"],
    ] as const) {
      const { rig, id } = await begun();
      (rig.state.actions.get(id) as { attempt: number }).attempt = LIMITS.stepAttemptsMax - 1;
      await rig.finish(id, first);
      rig.pass(60_000);
      await rig.begin(id);
      assert.equal((await rig.finish(id, "retry")).result, end);
    }
  });

  it("a refusal after an attempt of unknown end is not called a failure", async () => {
    const { rig, id } = await begun();
    await rig.finish(id, "unknown");
    rig.pass(1_000);
    await rig.begin(id);
    assert.equal((await rig.finish(id, "failed")).result, "needs-attention");
  });

  it("nobody knowing: the idempotent is repeated, everything else is asked about", async () => {
    for (const [repeat, next] of [
      ["idempotent", "retrying"],
      ["conditional", "reconciling"],
      ["neither", "reconciling"],
    ] as const) {
      const { rig, id } = await begun(repeat);
      assert.equal((await rig.finish(id, "unknown")).result, next);
    }
  });

  it("what the target says settles it", async () => {
    const cases = [
      ["neither", "happened", "succeeded"],
      ["neither", "absent", "granted"],
      ["neither", "unclear", "needs-attention"],
      ["conditional", "unclear", "needs-attention"],
      ["idempotent", "unclear", "granted"],
    ] as const;
    for (const [repeat, found, next] of cases) {
      const { rig, id } = await begun(repeat);
      assert.equal((await rig.reconcile(id, found)).result, next, `${repeat} ${found}`);
    }
  });

  it("what may still show is asked about again, for a quarter of an hour", async () => {
    const { rig, id } = await begun("conditional");
    await rig.finish(id, "unknown");
    assert.equal((await rig.reconcile(id, "unclear", 20_000)).result, "reconciling");
    assert.equal(rig.action(id).dueAt, rig.nowMs + 20_000);
    rig.pass(15 * MINUTE_MS);
    assert.equal((await rig.reconcile(id, "unclear", 20_000)).result, "needs-attention");
  });

  it("a grant that runs out over an unsettled attempt needs attention; it did not expire", async () => {
    const { rig, id } = await begun();
    await rig.finish(id, "unknown");
    await rig.passAndTick(5 * MINUTE_MS);
    assert.deepEqual(rig.typesOf(id).slice(-1), ["action.completed"]);
    assert.equal(rig.last("action.completed").status, "needs-attention");
  });

  it("a person cancels what was granted, and nothing that may have happened", async () => {
    const { rig, id } = await begun();
    const cancel = () => rig.ask("cancel-action", { action: id, code: "by-person" });
    await assert.rejects(cancel(), { code: "action-not-cancellable" });
    await rig.reconcile(id, "unclear");
    assert.equal(rig.action(id).status, "granted");
    await assert.rejects(cancel(), { code: "action-not-cancellable" });
    const { subject } = await rig.propose({ kind: "test.free" });
    assert.equal((await rig.ask("cancel-action", { action: subject, code: "by-person" })).result, "cancelled");
  });
});
