// A page is closed at the pager when its incident is over, whatever stood in the way at the time.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LIMITS } from "../../src/kernel/limits.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

/** An incident whose page went out, and which is over. */
async function over(before: (rig: Rig) => Promise<unknown> = () => Promise.resolve()): Promise<Rig> {
  const rig = await Rig.open();
  const page = await rig.page({ deliveryKey: "a:firing" });
  await rig.begin(page);
  await rig.finish(page, "succeeded");
  await before(rig);
  await rig.signal({ deliveryKey: "a:resolved", status: "resolved" });
  return rig;
}

function liveResolve(rig: Rig): string {
  const action = rig.live("pagerduty.resolve");
  if (action === undefined) throw new Error("no resolve is live");
  return action.id;
}

async function release(rig: Rig): Promise<void> {
  const [brake] = rig.state.brakes.keys();
  const input = { brake: brake ?? "", person: "ben", requestHash: "r" };
  const { subject } = await rig.ask("release-brake", input, "person:ben");
  await rig.answer(subject, { roles: ["owner"] });
}

/** From the plan to the pager's yes. */
async function closes(rig: Rig): Promise<void> {
  const id = liveResolve(rig);
  assert.equal((await rig.plan(id)).result, "granted");
  await rig.begin(id);
  assert.equal((await rig.finish(id, "succeeded")).result, "succeeded");
  assert.equal(rig.state.owedResolves.size, 0);
}

for (const mode of ["pause", "dry-run"] as const) {
  describe(`a page whose incident ends under a ${mode}`, () => {
    it("is closed after the brake is lifted", async () => {
      const rig = await over((one) => one.ask("apply-brake", { mode, scope: {} }));
      await rig.plan(liveResolve(rig));
      assert.equal(rig.live("pagerduty.resolve"), undefined);
      const events = rig.writer.kept.length;
      await rig.passAndTick(3 * 24 * 60 * MINUTE_MS);
      assert.equal(rig.writer.kept.length, events, "waiting adds nothing to the log");
      await release(rig);
      await rig.kernel.tick();
      await closes(rig);
    });
  });
}

describe("a page that could not be closed while the pager was away", () => {
  it("is closed by a later attempt", async () => {
    const rig = await over();
    const first = liveResolve(rig);
    await rig.plan(first);
    await rig.begin(first);
    await rig.finish(first, "retry");
    await rig.passAndTick(5 * MINUTE_MS);
    assert.equal(rig.last("action.expired", first).code, "grant-timeout");
    await rig.passAndTick(5 * MINUTE_MS - 1);
    assert.equal(rig.live("pagerduty.resolve"), undefined);
    await rig.passAndTick(1);
    await closes(rig);
  });

  it("is tried again when nobody knows whether the last attempt arrived", async () => {
    const rig = await over();
    const first = liveResolve(rig);
    await rig.plan(first);
    await rig.begin(first);
    await rig.finish(first, "unknown");
    await rig.passAndTick(5 * MINUTE_MS);
    await rig.passAndTick(5 * MINUTE_MS);
    assert.notEqual(liveResolve(rig), first);
    await closes(rig);
  });

  it("is left to people after many attempts, on record", async () => {
    for (const end of ["refused", "expired", "failed"] as const) {
      const rig = await over();
      const ids: string[] = [];
      for (let attempt = 0; attempt < LIMITS.resolveTriesMax; attempt++) {
        const id = liveResolve(rig);
        ids.push(id);
        if (end === "refused") await rig.ask("plan-action", { action: id, planHash: null, code: "planning-failed" });
        else await rig.plan(id);
        if (end === "expired") await rig.passAndTick(5 * MINUTE_MS);
        if (end === "failed") {
          await rig.begin(id);
          await rig.finish(id, "failed");
        }
        await rig.passAndTick(60 * MINUTE_MS);
      }
      const last = ids.at(-1) ?? "";
      assert.equal(new Set(ids).size, LIMITS.resolveTriesMax);
      if (end === "failed") assert.equal(rig.last("step.finished", last).action, "needs-attention");
      else {
        const { code, status } = rig.last("action.completed", last);
        assert.deepEqual([code, status], ["page-open", "needs-attention"]);
      }
      assert.equal(rig.live("pagerduty.resolve"), undefined);
      assert.equal(rig.state.owedResolves.size, 0);
    }
  });

  it("is no longer tried when a person takes the attempt back", async () => {
    const rig = await over();
    await rig.plan(liveResolve(rig));
    await rig.ask("cancel-action", { action: liveResolve(rig), code: "by-hand" });
    assert.equal(rig.state.owedResolves.size, 0);
  });
});
