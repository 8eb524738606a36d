// Plans in phases: one at a time, each only after the checks of the one before, and none left standing alone.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, it } from "node:test";
import type { CommandInputs } from "../../src/kernel/command.ts";
import { LIMITS, TERMS } from "../../src/kernel/limits.ts";
import { assertReplays } from "./alerts.ts";
import { Rig } from "./rig.ts";

const INVERSE = { kind: "test.undo", repeat: "idempotent", hash: hash("sha256", "inverse") } as const;

async function phased(of: Partial<CommandInputs["propose-action"]> = {}, at?: string) {
  const rig = await Rig.open();
  if (at !== undefined) rig.pass(Date.parse(at) - rig.nowMs);
  await rig.register("agent:one");
  const { subject: id } = await rig.propose({ kind: "test.checked", inverse: INVERSE, phases: 3, ...of });
  return { rig, id };
}

async function pass(rig: Rig, id: string): Promise<string> {
  let result = "";
  for (let sample = 1; rig.state.actions.get(id)?.status === "verifying"; sample++) {
    const input = { action: id, sample, result: "pass", failed: [] } as const;
    ({ result } = await rig.ask("report-health", input));
  }
  return result;
}

/** The first phase is done and verified. */
async function halfDone() {
  const { rig, id } = await phased();
  await rig.begin(id);
  await rig.finish(id, "succeeded");
  assert.equal(await pass(rig, id), "granted");
  return { rig, id };
}

async function assertTakenBack(rig: Rig, id: string, code: string): Promise<void> {
  assert.equal(rig.action(id).status, "reverting");
  assert.equal(rig.last("action.reverting", id).code, code);
  const [revert = ""] = [...rig.state.reverts.keys()];
  assert.equal((await rig.plan(revert)).result, "granted");
  await rig.begin(revert);
  await rig.finish(revert, "succeeded");
  assert.equal(rig.all("action.reverted").at(-1)?.subject, id);
  assert.equal(rig.state.actions.size, 0);
  assertReplays(rig);
}

describe("a plan in phases", () => {
  it("begins each phase after the checks of the one before it, and is done after those of the last", async () => {
    const { rig, id } = await phased();
    const seen: unknown[] = [];
    for (let phase = 1; phase <= 3; phase++) {
      await rig.begin(id);
      seen.push(rig.last("step.started", id).phase);
      assert.equal((await rig.finish(id, "succeeded")).result, "verifying");
      assert.equal((await rig.begin(id)).result, "ended", "nothing begins while it is checked");
      assert.equal(await pass(rig, id), phase < 3 ? "granted" : "succeeded");
    }
    assert.deepEqual(seen, [1, 2, 3]);
    assert.deepEqual(
      rig.all("action.advanced").map(({ facts }) => facts.phase),
      [2, 3],
    );
    assertReplays(rig);
  });

  it("lasts under one grant as long as all of its phases may take", async () => {
    const { rig, id } = await phased();
    const { expiresAt, verify } = rig.last("action.granted", id);
    assert.ok(verify !== undefined);
    assert.equal(expiresAt, rig.state.time + 3 * (TERMS.grantMs + verify.withinMs) + TERMS.revertMs);
    await rig.begin(id);
    await rig.finish(id, "succeeded");
    rig.pass(60_000);
    await pass(rig, id);
    assert.equal(rig.action(id).grant?.beginBy, rig.nowMs + TERMS.grantMs);
  });

  it("that nothing checks is refused", async () => {
    const { rig, id } = await phased({ kind: "test.free" });
    assert.equal(rig.last("action.refused", id).code, "phases-unchecked");
  });

  it("is taken back as a whole when a later phase is not well", async () => {
    const { rig, id } = await halfDone();
    await rig.begin(id);
    await rig.finish(id, "succeeded");
    for (const sample of [1, 2])
      await rig.ask("report-health", { action: id, sample, result: "fail", failed: ["front"] });
    await assertTakenBack(rig, id, "unhealthy");
  });

  it("is checked to its end when its grant is taken back during its last call, and stopped before there is another", async () => {
    const { rig, id } = await halfDone();
    await rig.begin(id);
    await rig.finish(id, "succeeded");
    await pass(rig, id);
    await rig.begin(id);
    await rig.ask("revoke-grant", { grant: rig.action(id).grant?.id ?? "" });
    assert.equal((await rig.finish(id, "succeeded")).result, "verifying");
    await rig.passAndTick(1_000);
    assert.equal(await pass(rig, id), "succeeded");
    const other = await halfDone();
    await other.rig.begin(other.id);
    await other.rig.ask("revoke-grant", { grant: other.rig.action(other.id).grant?.id ?? "" });
    await other.rig.finish(other.id, "succeeded");
    await other.rig.passAndTick(1_000);
    assert.equal(await pass(other.rig, other.id), "granted");
    await other.rig.passAndTick(1_000);
    await assertTakenBack(other.rig, other.id, "phase-stopped");
  });

  it("is taken back when a later phase is refused by its target, and not when the first one is", async () => {
    const { rig, id } = await halfDone();
    await rig.begin(id);
    assert.equal((await rig.finish(id, "failed")).result, "reverting");
    await assertTakenBack(rig, id, "phase-failed");
    const first = await phased();
    await first.rig.begin(first.id);
    assert.equal((await first.rig.finish(first.id, "failed")).result, "failed");
  });

  it("is taken back when its window ends between two phases, and no later one begins", async () => {
    const opens = await Rig.open();
    const window = { notAfter: opens.nowMs + 60_000 };
    const { rig, id } = await phased({ window });
    await rig.begin(id);
    await rig.finish(id, "succeeded");
    rig.pass(60_000);
    await pass(rig, id);
    assert.equal((await rig.begin(id)).result, "expired");
    await rig.passAndTick(0);
    await assertTakenBack(rig, id, "phase-stopped");
  });

  it("is taken back when it cannot go on in time, or is held back for so long", async () => {
    const { rig, id } = await halfDone();
    await rig.ask("apply-brake", { mode: "pause", scope: {} });
    await assert.rejects(rig.begin(id), /brake/);
    await rig.passAndTick(TERMS.grantMs);
    await assertTakenBack(rig, id, "phase-stopped");
  });

  it("is taken back when a freeze of policy begins, or its domain is closed, before a later phase", async () => {
    const { rig, id } = await phased({ kind: "test.frozen" }, "2026-09-21T23:59:30Z");
    await rig.begin(id);
    await rig.finish(id, "succeeded");
    rig.pass(30_000);
    assert.equal(await pass(rig, id), "reverting");
    await assertTakenBack(rig, id, "phase-stopped");
    const other = await phased();
    await other.rig.begin(other.id);
    await other.rig.finish(other.id, "succeeded");
    const waits = await other.rig.propose({ kind: "test.free" });
    other.rig.state.blocked.set("production|cart", "act_other");
    assert.equal(await pass(other.rig, other.id), "reverting");
    assert.equal((await other.rig.begin(waits.subject)).result, "refused", "granted before, and not begun");
    assert.equal(other.rig.last("action.refused", waits.subject).code, "domain-blocked");
  });

  it("is taken back when its agent is revoked between two phases", async () => {
    const { rig, id } = await halfDone();
    await rig.ask("revoke-agent", { agent: rig.action(id).agent });
    await rig.passAndTick(1_000);
    await assertTakenBack(rig, id, "phase-stopped");
  });

  it("is taken back when whoever asked cancels it between two phases", async () => {
    const { rig, id } = await halfDone();
    const cancel = { action: id, code: "no-longer-wanted" } as const;
    assert.equal((await rig.ask("cancel-action", cancel)).repeated, false);
    assert.equal((await rig.ask("cancel-action", cancel)).repeated, true);
    assert.equal((await rig.begin(id)).result, "revoked", "no further phase begins");
    await rig.passAndTick(1_000);
    await assertTakenBack(rig, id, "phase-stopped");
  });

  it("is left to people where nobody can tell whether a later phase happened", async () => {
    const { rig, id } = await halfDone();
    await rig.begin(id);
    assert.equal((await rig.finish(id, "partial", 0)).result, "needs-attention");
    assertReplays(rig);
  });

  it("has its attempts for each phase", async () => {
    const { rig, id } = await halfDone();
    for (let attempt = 1; attempt < LIMITS.stepAttemptsMax; attempt++) {
      rig.pass(31_000);
      if ((await rig.begin(id)).result !== "started") break;
      assert.equal((await rig.finish(id, "retry")).result, "retrying", `attempt ${attempt}`);
    }
  });

  it("begins no later phase in a freeze that began after the one before it passed, nor tries it again there", async () => {
    for (const isTried of [false, true]) {
      const { rig, id } = await phased({ kind: "test.frozen", person: "ada" }, "2026-09-21T23:59:30Z");
      await rig.begin(id);
      await rig.finish(id, "succeeded");
      assert.equal(await pass(rig, id), "granted");
      if (isTried) {
        assert.equal((await rig.begin(id)).result, "started");
        await rig.finish(id, "retry");
      }
      rig.pass(60_000);
      assert.equal((await rig.begin(id)).result, "revoked");
      assert.equal(rig.last("action.grant-revoked", id).code, "phase-stopped");
      await rig.passAndTick(0);
      await assertTakenBack(rig, id, "phase-stopped");
    }
  });
});
