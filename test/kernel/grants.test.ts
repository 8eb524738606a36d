// Grants taken back: what has not begun ends, what is under way is asked about, what is done stays done.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MINUTE_MS, Rig } from "./rig.ts";

const free = { kind: "test.free" } as const;
const ADA = "person:ada";

const grantOf = (rig: Rig, subject: string): string => rig.last("action.granted", subject).grant;
const revoke = (rig: Rig, grant: string, by = ADA) => rig.ask("revoke-grant", { grant }, by);

describe("a grant that is taken back", () => {
  it("before anything began ends its action, gives back what it took, and allows nothing more", async () => {
    const rig = await Rig.open();
    for (let i = 0; i < 7; i++) {
      const { subject } = await rig.propose({ kind: "test.limited" });
      if (i > 0) continue;
      const { result } = await revoke(rig, grantOf(rig, subject));
      assert.equal(result, "cancelled");
      assert.equal((await rig.begin(subject)).result, "ended");
      assert.deepEqual([rig.last("action.grant-revoked", subject).code], ["by-request"]);
    }
    assert.equal(
      (await rig.propose({ kind: "test.limited" })).result,
      "granted",
      "the one that never began is not counted",
    );
    assert.equal((await rig.propose({ kind: "test.limited" })).result, "refused");
  });

  it("while its call is under way leaves no second attempt, and the end says what became of it", async () => {
    for (const [status, end] of [
      ["retry", "cancelled"],
      ["failed", "cancelled"],
      ["succeeded", "succeeded"],
      ["partial", "needs-attention"],
    ] as const) {
      const rig = await Rig.open();
      const { subject } = await rig.propose(free);
      await rig.begin(subject);
      assert.equal((await revoke(rig, grantOf(rig, subject))).result, "executing");
      assert.equal((await revoke(rig, grantOf(rig, subject))).repeated, true);
      const ended = await rig.finish(subject, status);
      assert.equal(ended.result, end, status);
    }
  });

  it("by its own agent is given up", async () => {
    const rig = await Rig.open();
    const { subject } = await rig.propose(free, "agent:two");
    await revoke(rig, grantOf(rig, subject), "agent:two");
    assert.equal(rig.last("action.grant-revoked", subject).code, "given-up");
  });

  it("is one under which something may still begin: not one that ended, ran out, or is being checked", async () => {
    const rig = await Rig.open();
    const late = await rig.propose(free);
    await rig.passAndTick(6 * MINUTE_MS);
    const checked = await rig.propose({ kind: "test.checked" });
    await rig.begin(checked.subject);
    await rig.finish(checked.subject, "succeeded");
    for (const grant of [grantOf(rig, late.subject), grantOf(rig, checked.subject), "grt_000000001", ""]) {
      await assert.rejects(revoke(rig, grant), { code: "grant-ended" });
    }
    assert.equal(rig.action(checked.subject).status, "verifying");
  });
});
