// Plans that need a person's signature: held whatever policy says, and granted only once one has signed.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, it } from "node:test";
import { IRREVERSIBLE } from "../../src/wire/types/approvals.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

type Planned = { readonly rig: Rig; readonly id: string; readonly result: string };

async function planned(kind: string, signature?: string, resource: string | null = null): Promise<Planned> {
  const rig = await Rig.open();
  const { subject: id } = await rig.propose({ kind, planHash: null, resource });
  const why = signature === undefined ? {} : { signature };
  const { result } = await rig.ask("plan-action", { action: id, planHash: hash("sha256", "p"), code: "", ...why });
  return { rig, id, result };
}

describe("a plan that needs a signature", () => {
  it("is held where policy allows, on its route, and says why", async () => {
    assert.equal((await planned("test.free")).result, "granted");
    const { rig, id, result } = await planned("test.free", "destructive");
    assert.equal(result, "held");
    assert.equal(rig.action(id).hold?.route, "on-call");
    const verdict = rig.last("action.held", id).evaluation.verdicts.find(({ gate }) => gate.startsWith("kernel/"));
    assert.deepEqual(verdict, { code: "destructive", evidence: {}, gate: "kernel/signature", verdict: "hold" });
  });

  it("runs once a person has signed, and still only within policy", async () => {
    const { rig, id } = await planned("test.limited", "destructive");
    assert.equal((await rig.answer(id)).result, "granted");
    const late = await planned("test.limited", "destructive");
    for (let i = 0; i < 7; i++) await late.rig.propose({ kind: "test.limited" });
    assert.equal((await late.rig.answer(late.id)).result, "refused");
  });

  it("runs nothing when nobody signs", async () => {
    const { rig, id } = await planned("test.free", "opaque");
    await rig.passAndTick(15 * MINUTE_MS);
    await rig.passAndTick(15 * MINUTE_MS);
    assert.equal(rig.last("action.expired", id).code, "hold-timeout");
  });

  it("is asked of owners where policy names nobody", async () => {
    const rig = await Rig.open();
    const { subject: id } = await rig.propose({ kind: "record.note", environment: "staging", planHash: null });
    const input = { action: id, planHash: hash("sha256", "p"), code: "", signature: "destructive" };
    assert.equal((await rig.ask("plan-action", input)).result, "held");
    assert.ok(["owners", "on-call"].includes(rig.action(id).hold?.route ?? ""));
  });
});

describe("a plan that nothing takes back", () => {
  it("is approved only by a person who typed its target's name, and denied by anybody without", async () => {
    const { rig, id } = await planned("test.free", IRREVERSIBLE);
    for (const confirm of [undefined, "", "CART", "cart ", "production", "production/cart"]) {
      await assert.rejects(rig.answer(id, confirm === undefined ? {} : { confirm }), { code: "confirmation-missing" });
    }
    assert.equal(rig.action(id).status, "held");
    assert.equal((await rig.answer(id, { confirm: "cart" })).result, "granted");
    const other = await planned("test.free", IRREVERSIBLE);
    assert.equal((await other.rig.answer(other.id, { decision: "deny" })).result, "denied");
  });

  it("asks for the service, never for what the proposer calls its resource", async () => {
    const { rig, id } = await planned("test.free", IRREVERSIBLE, "scratch");
    await assert.rejects(rig.answer(id, { confirm: "scratch" }), { code: "confirmation-missing" });
    assert.equal((await rig.answer(id, { confirm: "cart" })).result, "granted");
  });
});
