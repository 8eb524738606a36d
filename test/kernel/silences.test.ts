// Maintenance silences: quiet while they last, nothing lost when they end, and never without somebody's word.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LIMITS, TERMS } from "../../src/kernel/limits.ts";
import type { SilenceTerms } from "../../src/wire/types/silence.ts";
import { alert, assertReplays, carryOut, ends, named, paged } from "./alerts.ts";
import { MINUTE_MS, Rig } from "./rig.ts";
import { silenceProposal } from "./silence-proposal.ts";

const HOUR_MS = 60 * MINUTE_MS;

async function propose(rig: Rig, of: Partial<SilenceTerms> = {}): Promise<string> {
  const startsAt = of.startsAt ?? rig.nowMs;
  const wide = { environment: "production", service: null, signature: null };
  const terms = { ...wide, startsAt, endsAt: startsAt + HOUR_MS, ...of };
  return (await rig.ask("propose-action", silenceProposal(terms, "ben"), "person:ben")).subject;
}

/** A silence of an hour that somebody approved; gives its id. */
async function silenced(rig: Rig, of: Partial<SilenceTerms> = {}): Promise<string> {
  const action = await propose(rig, of);
  await rig.answer(action);
  return [...rig.state.silences.keys()].at(-1) ?? assert.fail("it did not begin");
}

async function opened(of: Partial<SilenceTerms> = {}): Promise<{ rig: Rig; silence: string }> {
  const rig = await Rig.open();
  return { rig, silence: await silenced(rig, of) };
}

describe("a silence", () => {
  it("waits for somebody else's word, and begins with it", async () => {
    const rig = await Rig.open();
    const action = await propose(rig);
    assert.equal(rig.action(action).status, "held");
    assert.equal((await alert(rig, "before")).result, "triaged");
    await assert.rejects(rig.answer(action, { person: "ben" }, "person:ben"), { code: "self-approval" });
    assert.equal((await rig.answer(action)).result, "succeeded");
    assert.equal(rig.last("silence.created").action, action);
    assert.equal((await alert(rig, "after", named("search", "down"))).result, "silenced");
    assertReplays(rig);
  });

  it("is refused before anybody is asked when it could not begin", async () => {
    const rig = await Rig.open();
    const now = rig.nowMs;
    for (const wrong of [
      { endsAt: now },
      { startsAt: now, endsAt: now + TERMS.silenceMs + 1 },
      { startsAt: now + TERMS.silenceAheadMs + 1 },
      { startsAt: now - 2 * HOUR_MS, endsAt: now - HOUR_MS },
      { environment: "" },
      { service: "" },
      { startsAt: Number.NaN, endsAt: now + 1 },
    ] as const) {
      const terms = { environment: "production", service: null, signature: null, startsAt: now, endsAt: now + HOUR_MS };
      const proposal = { ...silenceProposal(terms, "ben"), operand: JSON.stringify({ ...terms, ...wrong }) };
      const asked = rig.ask("propose-action", proposal, "person:ben");
      await assert.rejects(asked, { code: "arguments-invalid" }, JSON.stringify(wrong));
    }
    for (const operand of ["", "null", "[]", "{}", "7"]) {
      const proposal = { ...silenceProposal({} as SilenceTerms, "ben"), operand };
      await assert.rejects(rig.ask("propose-action", proposal, "person:ben"), { code: "arguments-invalid" }, operand);
    }
    assert.equal(rig.state.actions.size, 0);
  });

  it("that is approved when its time is over fails, and keeps nothing quiet", async () => {
    const rig = await Rig.open();
    const action = await propose(rig, { endsAt: rig.nowMs + MINUTE_MS });
    rig.pass(MINUTE_MS);
    await rig.answer(action);
    assert.equal(rig.last("action.completed", action).code, "failed");
    assert.equal((await alert(rig, "a")).result, "triaged");
  });

  it("records what fires, and opens no run, no incident, no page", async () => {
    const { rig, silence } = await opened();
    const { subject } = await alert(rig, "a");
    assert.equal(rig.last("signal.received", subject).silence, silence);
    assert.deepEqual([rig.state.incidents.size, rig.state.runs.size, rig.state.actions.size], [0, 0, 0]);
    assert.equal((await alert(rig, "a")).result, "known");
    assertReplays(rig);
  });

  it("covers its own environment, service and failure, from its first instant until before its last", async () => {
    const rig = await Rig.open();
    const startsAt = rig.nowMs + 10 * MINUTE_MS;
    const { signature = "" } = named("cart", "disk");
    await silenced(rig, { service: "cart", signature, startsAt });
    const disk = async (name: string) => (await alert(rig, name, named("cart", "disk"))).result;
    assert.equal(await disk("early"), "triaged");
    rig.pass(10 * MINUTE_MS);
    assert.equal(await disk("first"), "silenced");
    assert.notEqual((await alert(rig, "other", named("cart", "memory"))).result, "silenced");
    assert.notEqual(
      (await alert(rig, "there", { ...named("cart", "disk"), environment: "staging" })).result,
      "silenced",
    );
    assert.notEqual((await alert(rig, "theirs", { ...named("search", "x"), signature })).result, "silenced");
    rig.pass(HOUR_MS - 1);
    assert.equal(await disk("last"), "silenced");
    rig.pass(1);
    assert.notEqual(await disk("late"), "silenced");
  });

  it("triages what still fires when it ends, and not what ended meanwhile", async () => {
    const { rig, silence } = await opened();
    const { subject: still } = await alert(rig, "still", named("cart", "down"));
    await alert(rig, "over", named("search", "down"));
    assert.equal((await alert(rig, "over", { ...named("search", "down"), status: "resolved" })).result, "resolved");
    await rig.passAndTick(HOUR_MS - 1);
    assert.equal(rig.state.incidents.size, 0);
    await rig.passAndTick(1);
    assert.equal(rig.last("silence.ended", silence).code, "expired");
    assert.deepEqual(rig.incident().services, ["cart"]);
    assert.deepEqual(rig.last("run.opened").signal, still);
    assert.deepEqual([rig.state.silences.size, rig.state.silenced.size], [0, 0]);
    await rig.classify();
    const page = rig.live("pagerduty.trigger")?.id ?? "";
    assert.equal((await rig.plan(page)).result, "granted");
    await carryOut(rig, page);
    await ends(rig, "still", named("cart", "down"));
    assert.equal(rig.state.incidents.size, 0, "its end is that of any other");
    assertReplays(rig);
  });

  it("ends at once when somebody says so, without anybody's approval, also while everything is paused", async () => {
    const { rig, silence } = await opened();
    await alert(rig, "a");
    await rig.ask("apply-brake", { mode: "pause", scope: {} }, "person:ada");
    const end = () => rig.ask("end-silence", { silence }, "person:ben");
    assert.deepEqual([(await end()).repeated, (await end()).repeated], [false, true]);
    assert.equal((await alert(rig, "b")).result, "triaged");
    await rig.kernel.tick();
    assert.equal(rig.all("signal.released").length, 1);
    await assert.rejects(end(), { code: "silence-not-found" });
    assertReplays(rig);
  });

  it("hands over to another that still covers the same", async () => {
    const { rig, silence } = await opened();
    const longer = await silenced(rig, { service: "cart", endsAt: rig.nowMs + 2 * HOUR_MS });
    await alert(rig, "a", named("cart", "down"));
    await alert(rig, "b", named("search", "down"));
    await rig.passAndTick(HOUR_MS);
    assert.deepEqual(
      [...rig.state.silenced.values()].map((one) => one.silence),
      [longer],
    );
    assert.deepEqual(rig.incident().services, ["search"]);
    assert.equal(rig.all("silence.ended").length, 1);
    assert.ok(!rig.state.silences.has(silence));
    await rig.passAndTick(HOUR_MS);
    assert.equal(rig.all("signal.released").length, 2);
    assertReplays(rig);
  });

  it("is no storm, however many services it keeps quiet; what still fires afterwards may be one", async () => {
    const { rig } = await opened();
    for (let i = 0; i < LIMITS.stormServices + 5; i++) await alert(rig, `s${i}`, named(`service-${i}`, `failure ${i}`));
    assert.equal(rig.state.storms.size, 0);
    assert.equal(rig.state.firingServices.size, 0);
    await rig.passAndTick(HOUR_MS);
    assert.equal(rig.state.storms.size, 1);
    assertReplays(rig);
  });

  it("of what an open incident holds asks nobody about it again until it ends", async () => {
    const rig = await Rig.open();
    await paged(rig, "a");
    await ends(rig, "a");
    await alert(rig, "b");
    await rig.classify();
    await rig.ask("plan-action", { action: rig.live("pagerduty.trigger")?.id ?? "", planHash: null, code: "refused" });
    await silenced(rig, { service: "cart" });
    const proposed = () => rig.all("action.proposed").filter(({ facts }) => facts.kind === "pagerduty.trigger").length;
    const before = proposed();
    await rig.passAndTick(40 * MINUTE_MS);
    assert.equal((await alert(rig, "b")).result, "known");
    assert.deepEqual([rig.state.runs.size, proposed()], [0, before]);
    await rig.passAndTick(20 * MINUTE_MS);
    await rig.kernel.tick();
    assert.equal(rig.state.runs.size, 1, "it still fires, and nobody heard");
    assertReplays(rig);
  });

  it("forgets what its source will never end, unless it fired shortly before; its next repetition is news", async () => {
    const { rig } = await opened();
    await alert(rig, "old", { ...named("cart", "evicted"), endless: true });
    await rig.passAndTick(HOUR_MS - TERMS.stillFiresMs + 1);
    await alert(rig, "new", { ...named("search", "evicted"), endless: true });
    await rig.passAndTick(TERMS.stillFiresMs - 1);
    assert.deepEqual(rig.incident().services, ["search"]);
    assert.equal(rig.state.silences.size, 0);
    assert.equal((await alert(rig, "old", { ...named("cart", "evicted"), endless: true })).result, "triaged");
    assertReplays(rig);
  });

  it("that has no room for an alert lets it through", async () => {
    const { rig } = await opened();
    const { silenced: table } = rig.state;
    await alert(rig, "first");
    const [one] = table.values();
    assert.ok(one);
    for (let i = table.size; i < LIMITS.silencedAlertsMax; i++) (table as Map<string, unknown>).set(`full ${i}`, one);
    assert.equal((await alert(rig, "more")).result, "triaged");
    assert.equal(table.size, LIMITS.silencedAlertsMax);
  });

  it("of many alerts triages them in parts, none twice", async () => {
    const { rig, silence } = await opened();
    for (let i = 0; i < 2_300; i++) await alert(rig, `s${i}`, named("cart", `failure ${i}`));
    await rig.ask("end-silence", { silence });
    for (const left of [1_300, 300, 0]) {
      await rig.kernel.tick();
      assert.equal(rig.state.silenced.size, left);
    }
    assert.equal(rig.state.silences.size, 0);
    assert.equal(rig.incident().firing.length, LIMITS.incidentFiringMax + 1);
    assertReplays(rig);
  });

  it("is one of a bounded number", async () => {
    const rig = await Rig.open();
    for (let i = 0; i < LIMITS.silencesMax; i++) await silenced(rig, { service: `s${i}` });
    await assert.rejects(propose(rig, { service: "more" }), { code: "overloaded" });
  });
});
