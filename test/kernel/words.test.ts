// What pagers and trackers say of our own incidents: shown, never obeyed, and heard when somebody resolves a page.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CommandInputs } from "../../src/kernel/command.ts";
import { LIMITS } from "../../src/kernel/limits.ts";
import { alert, assertReplays, carryOut, closesPage, ends, named, paged } from "./alerts.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

type Said = Partial<CommandInputs["note-incident"]>;

let words = 0;

function say(rig: Rig, subject: string, of: Said = {}) {
  const told = {
    source: "pagerduty",
    system: "pagerduty",
    state: "acknowledged",
    record: "P1",
    revision: null,
  } as const;
  const input = { ...told, subject, at: rig.nowMs, deliveryKey: `w${words++}:tracked`, ...of };
  return rig.ask("note-incident", input, "source:pagerduty");
}

/** An incident that was paged about; gives its id. */
async function pagedIncident(): Promise<{ rig: Rig; id: string }> {
  const rig = await Rig.open();
  await paged(rig, "a", named("cart", "down"));
  return { rig, id: rig.incident().id };
}

const pages = (rig: Rig): number => rig.all("action.granted").filter(({ subject }) => isPage(rig, subject)).length;

function isPage(rig: Rig, id: string): boolean {
  return rig.all("action.proposed").some(({ subject, facts }) => subject === id && facts.kind === "pagerduty.trigger");
}

/** The next run of the incident asks for its page once more. */
async function triagedAgain(rig: Rig, severity: "high" | "sev1" = "high"): Promise<void> {
  while (rig.state.runs.size > 0) await rig.classify({ severity });
  for (const { id, planHash } of rig.state.actions.values()) if (planHash === null) await rig.plan(id);
}

describe("a word about an incident", () => {
  it("is on record once, and is how the incident stands there", async () => {
    const { rig, id } = await pagedIncident();
    assert.equal((await say(rig, id, { deliveryKey: "w:tracked" })).result, "noted");
    assert.equal((await say(rig, id, { deliveryKey: "w:tracked", state: "resolved" })).result, "known");
    assert.deepEqual(rig.incident().stands, { pagerduty: { state: "acknowledged", at: rig.nowMs, revision: null } });
    assertReplays(rig);
  });

  it("that was overtaken changes nothing, by the sender's count or by its clock", async () => {
    const { rig, id } = await pagedIncident();
    const state = () => [rig.incident().stands.pagerduty?.state, rig.incident().stands.servicenow?.state];
    const t = rig.nowMs;
    await say(rig, id, { state: "acknowledged", at: t + 2_000 });
    await say(rig, id, { state: "open", at: t + 1_000 });
    await say(rig, id, { state: "updated", at: t + 3_000 });
    const servicenow = { source: "servicenow", system: "servicenow" } as const;
    await say(rig, id, { ...servicenow, state: "resolved", at: t, revision: 7 });
    await say(rig, id, { ...servicenow, state: "acknowledged", at: t, revision: 6 });
    assert.deepEqual(state(), ["acknowledged", "resolved"]);
    await say(rig, id, { ...servicenow, state: "reopened", at: t, revision: 8 });
    await say(rig, id, { state: "resolved", at: null });
    assert.deepEqual(state(), ["acknowledged", "reopened"], "what is not plausible is taken for the time it came");
    rig.pass(4_000);
    await say(rig, id, { state: "resolved", at: null });
    assert.deepEqual(state(), ["resolved", "reopened"]);
    assertReplays(rig);
  });

  it("about one that is over, or was never here, is on record and does nothing", async () => {
    const { rig, id } = await pagedIncident();
    await ends(rig, "a", named("cart", "down"));
    for (const subject of [id, "inc_000000zzz", "act_000000001", "stm_000000001"]) {
      assert.equal((await say(rig, subject, { state: "resolved" })).result, "noted");
    }
    assert.equal(rig.all("incident.noted").length, 4);
    assertReplays(rig);
  });

  it("about one that another absorbed is about that one", async () => {
    const rig = await Rig.open();
    await alert(rig, "a", named("cart", "down"));
    rig.pass(11 * MINUTE_MS);
    await alert(rig, "b", named("search", "slow"));
    const [first, second] = [...rig.state.incidents.keys()];
    await alert(rig, "c", named("cart", "down"));
    await alert(rig, "d", named("cart", "slow"));
    assert.equal(rig.state.incidents.size, 1);
    await say(rig, second ?? "");
    assert.equal(rig.incident().id, first);
    assert.equal(rig.incident().stands.pagerduty?.state, "acknowledged");
  });

  it("takes its room among deliveries, of which the oldest of whoever has the most leaves", async () => {
    const { rig, id } = await pagedIncident();
    for (let i = rig.state.deliveries.size; i < LIMITS.deliveryKeysMax; i++) await say(rig, id);
    await say(rig, id);
    assert.equal(rig.state.deliveries.size, LIMITS.deliveryKeysMax);
    assert.ok(rig.last("incident.noted").forgets?.endsWith(":tracked"));
    assert.ok(rig.state.deliveries.has("a:firing"), "no alert is forgotten for it");
  });
});

describe("a page that somebody resolves while its alert still fires", () => {
  it("leaves the incident open, and pages nobody about it for half an hour", async () => {
    const { rig, id } = await pagedIncident();
    rig.pass(25 * MINUTE_MS);
    await say(rig, id, { state: "resolved" });
    assert.equal(rig.state.incidents.size, 1);
    assert.equal(rig.live("pagerduty.resolve"), undefined);
    rig.pass(10 * MINUTE_MS); // half an hour after the page, a quarter after its resolve
    await alert(rig, "b", named("cart", "down"));
    await triagedAgain(rig);
    assert.equal(pages(rig), 1);
    rig.pass(20 * MINUTE_MS);
    await alert(rig, "b", named("cart", "down"));
    await triagedAgain(rig);
    assert.equal(pages(rig), 2, "it still fires");
    assertReplays(rig);
  });

  it("pages again at once when it gets worse", async () => {
    const { rig, id } = await pagedIncident();
    await say(rig, id, { state: "resolved" });
    await alert(rig, "b", { ...named("cart", "down"), claimedSeverity: "sev1" });
    await triagedAgain(rig, "sev1");
    assert.equal(pages(rig), 2);
  });

  it("pages again after half an hour when it still fires, though its source repeats nothing", async () => {
    const { rig, id } = await pagedIncident();
    await say(rig, id, { state: "resolved" });
    await rig.passAndTick(34 * MINUTE_MS);
    assert.equal(rig.state.runs.size, 0);
    await rig.passAndTick(MINUTE_MS);
    await triagedAgain(rig);
    assert.equal(pages(rig), 2);
  });

  it("is closed like any other when the alert ends", async () => {
    const { rig, id } = await pagedIncident();
    await say(rig, id, { state: "resolved" });
    await ends(rig, "a", named("cart", "down"));
    await closesPage(rig);
    assert.equal(rig.state.incidents.size, 0);
  });

  it("before it was sent again says nothing about the page that stands now", async () => {
    const { rig, id } = await pagedIncident();
    const before = rig.nowMs - 1;
    await alert(rig, "b", { ...named("cart", "down"), claimedSeverity: "sev1" });
    await rig.classify({ severity: "sev1" });
    rig.pass(1_000);
    const page = rig.live("pagerduty.trigger")?.id ?? "";
    await rig.plan(page);
    await carryOut(rig, page);
    await say(rig, id, { state: "resolved", at: before });
    assert.equal(rig.incident().retriageAt, null);
  });
});
