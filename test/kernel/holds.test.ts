// Answers to holds: bound to the bytes of one plan, given once, by somebody else than the proposer, in time.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, it } from "node:test";
import { MINUTE_MS, Rig } from "./rig.ts";

describe("holds", () => {
  it("an approval of one plan does not cover another", async () => {
    const rig = await Rig.open();
    const { subject } = await rig.propose();
    await assert.rejects(rig.answer(subject, { planHash: hash("sha256", "another") }), { code: "plan-mismatch" });
    await assert.rejects(rig.answer(subject, { planHash: "" }), { code: "plan-mismatch" });
    assert.equal((await rig.answer(subject)).result, "granted");
    assert.equal(rig.last("action.granted").planHash, rig.action(subject).planHash);
  });

  it("an answer is used up by the action it was given to", async () => {
    const rig = await Rig.open();
    const [one, two] = [await rig.propose(), await rig.propose()];
    await rig.answer(one.subject);
    assert.equal(rig.action(two.subject).status, "held", "the same plan of another action waits for its own");
    await assert.rejects(rig.answer(one.subject), { code: "action-not-held" });
    await rig.answer(two.subject, { decision: "deny" });
    await assert.rejects(rig.answer(two.subject), { code: "action-not-held" });
  });

  it("nobody answers for themselves, and nobody without the role", async () => {
    const rig = await Rig.open();
    const { subject } = await rig.propose({ person: "ada" });
    await assert.rejects(rig.answer(subject), { code: "self-approval" });
    await assert.rejects(rig.answer(subject, {}, "person:ada-second-login"), { code: "self-approval" });
    await assert.rejects(rig.answer(subject, { decision: "deny" }), { code: "self-approval" });
    const ben = { person: "ben", roles: ["visitor"] };
    await assert.rejects(rig.answer(subject, ben, "person:ben"), { code: "not-eligible" });
    assert.equal((await rig.answer(subject, { person: "ben" }, "person:ben")).result, "granted");
  });

  it("refused answers leave no trace and no effect", async () => {
    const rig = await Rig.open();
    const { subject } = await rig.propose();
    const before = rig.writer.kept.length;
    await assert.rejects(rig.answer(subject, { roles: [] }));
    assert.equal(rig.writer.kept.length, before);
    assert.equal(rig.action(subject).status, "held");
  });

  it("an expired hold takes no answer", async () => {
    const rig = await Rig.open();
    const { subject } = await rig.propose();
    await rig.passAndTick(15 * MINUTE_MS);
    await rig.passAndTick(15 * MINUTE_MS);
    await assert.rejects(rig.answer(subject, { roles: ["owner"] }), { code: "action-not-held" });
  });

  it("an approval satisfies its hold and nothing else: every gate is asked again", async () => {
    const rig = await Rig.open();
    const signature = hash("sha256", "one failure");
    await rig.signal({ signature });
    await rig.classify({ confidencePpm: 100_000 });
    const held = rig.live("pagerduty.trigger")?.id ?? "";
    assert.equal((await rig.plan(held)).result, "held");
    const other = await rig.page({ signature, service: "search" });
    assert.equal(rig.action(other).status, "granted");
    assert.equal((await rig.answer(held)).result, "suppressed", "meanwhile another page went out for it");
    assert.equal(rig.last("action.suppressed", held).duplicateOf, other);
  });

  it("the same idempotency key gives the same action, and refuses another request", async () => {
    const rig = await Rig.open();
    const person = { idempotencyKey: "k", agentKind: "person", person: "ada" } as const;
    const first = await rig.propose({ ...person, requestHash: "r" }, "person:ada");
    assert.deepEqual(await rig.propose({ ...person, requestHash: "r" }, "person:ada"), {
      subject: first.subject,
      result: "known",
      repeated: true,
    });
    await assert.rejects(rig.propose({ ...person, requestHash: "s" }, "person:ada"), { code: "idempotency-conflict" });
  });
});
