// Inverse dry runs: when one is due, what its answer changes, and what it never changes.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, it } from "node:test";
import type { CommandInputs } from "../../src/kernel/command.ts";
import { LIMITS } from "../../src/kernel/limits.ts";
import { assertReplays } from "./alerts.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

const INVERSE = { kind: "test.undo", repeat: "idempotent", hash: hash("sha256", "inverse") } as const;

async function proposed(of: Partial<CommandInputs["propose-action"]>): Promise<{ rig: Rig; id: string }> {
  const rig = await Rig.open();
  await rig.register("agent:one"); // by the real way: what is recorded is decided again
  const { subject: id } = await rig.propose({ kind: "test.free", ...of });
  await rig.begin(id);
  return { rig, id };
}

type Told = CommandInputs["record-inverse"]["result"];

function tell(rig: Rig, id: string, result: Told, tries = 1) {
  const planHash = result === "planned" ? "0".repeat(64) : null;
  return rig.ask("record-inverse", { action: id, result, code: result === "planned" ? "" : "why", planHash, tries });
}

describe("the dry run of an inverse", () => {
  it("is due once an action that something takes back took effect, whether or not it is verified", async () => {
    const { rig, id } = await proposed({ inverse: INVERSE });
    assert.equal(rig.state.inverses.size, 0, "not while it runs");
    await rig.finish(id, "succeeded");
    const due = rig.state.inverses.get(id);
    assert.deepEqual([due?.inverse, due?.dueAt, due?.tries], [INVERSE, rig.nowMs, 0]);
    assert.equal(due?.endSeq, rig.all("step.finished").at(-1)?.seq);
    assert.equal((await tell(rig, id, "planned")).result, "planned");
    assert.equal(rig.state.inverses.size, 0);
    assertReplays(rig);
  });

  it("is due of what is found to have happened, and of nothing that had no effect or that nothing takes back", async () => {
    const found = await proposed({ inverse: INVERSE, repeat: "neither" });
    await found.rig.finish(found.id, "unknown");
    assert.equal(found.rig.state.inverses.size, 0);
    const { attempt } = found.rig.action(found.id);
    await found.rig.ask("reconcile-step", { action: found.id, attempt, status: "happened", afterMs: 0 });
    assert.equal(found.rig.state.inverses.size, 1);
    const failed = await proposed({ inverse: INVERSE });
    await failed.rig.finish(failed.id, "failed");
    const single = await proposed({});
    await single.rig.finish(single.id, "succeeded");
    assert.deepEqual([failed.rig.state.inverses.size, single.rig.state.inverses.size], [0, 0]);
  });

  it("waits for the last phase, and ends where the action is taken back", async () => {
    const { rig, id } = await proposed({ kind: "test.checked", inverse: INVERSE, phases: 2 });
    await rig.finish(id, "succeeded");
    assert.equal(rig.state.inverses.size, 0, "it goes on to its second phase");
    const report = (result: "pass" | "fail") => {
      const sample = (rig.action(id).verifying?.sample ?? 0) + 1;
      return rig.ask("report-health", { action: id, sample, result, failed: [] });
    };
    for (let i = 0; i < 3; i++) await report("pass");
    await rig.begin(id);
    await rig.finish(id, "succeeded");
    assert.equal(rig.state.inverses.size, 1);
    while (rig.action(id).status === "verifying") await report("fail");
    assert.equal(rig.action(id).status, "reverting");
    assert.equal(rig.state.inverses.size, 0);
    assert.equal((await tell(rig, id, "planned")).result, "ended", "a late word is no event");
    assert.equal(rig.all("inverse.checked").length, 0);
    assertReplays(rig);
  });

  it("is asked for twice more where nobody could tell; a word that comes twice counts once", async () => {
    const { rig, id } = await proposed({ inverse: INVERSE });
    await rig.finish(id, "succeeded");
    await tell(rig, id, "unknown");
    assert.equal(rig.state.inverses.get(id)?.dueAt, rig.nowMs + MINUTE_MS / 2);
    assert.equal((await tell(rig, id, "unknown")).result, "ended");
    await tell(rig, id, "unknown", 2);
    assert.equal(rig.state.inverses.get(id)?.dueAt, rig.nowMs + 5 * MINUTE_MS);
    await tell(rig, id, "unknown", 3);
    assert.equal(rig.state.inverses.size, 0);
    const again = rig.all("inverse.checked").map(({ facts }) => facts.againAt !== null);
    assert.deepEqual(again, [true, true, false]);
    assertReplays(rig);
  });

  it("is not made beyond so many at once, and those that wait keep their places", async () => {
    const { rig, id } = await proposed({ inverse: INVERSE });
    const due = { environment: "e", service: "s", resource: null, inverse: INVERSE, planSeq: 1, endSeq: 2 };
    for (let i = 0; i < LIMITS.inversesMax; i++)
      rig.state.inverses.set(`act_${i}`, { ...due, tries: 0, doneAt: 0, dueAt: 0 });
    await rig.finish(id, "succeeded");
    assert.equal(rig.state.inverses.has(id), false);
    assert.equal(rig.state.inverses.size, LIMITS.inversesMax);
  });
});
