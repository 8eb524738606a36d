// An incident's life: what opens, joins and ends it, what is news about it, and what becomes of its page.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, it } from "node:test";
import { MINUTE_MS, Rig } from "./rig.ts";

const WEEK_MS = 7 * 24 * 60 * MINUTE_MS;

async function onItsWay(): Promise<{ rig: Rig; page: string }> {
  const rig = await Rig.open();
  const page = await rig.page({ deliveryKey: "a:firing" });
  await rig.begin(page);
  return { rig, page };
}

async function paged(): Promise<{ rig: Rig; page: string }> {
  const { rig, page } = await onItsWay();
  await rig.finish(page, "succeeded");
  return { rig, page };
}

describe("incidents", () => {
  it("open with the first signal of a failure; the same again joins and is suppressed", async () => {
    const rig = await Rig.open();
    assert.equal((await rig.signal()).result, "triaged");
    assert.equal((await rig.signal()).result, "suppressed");
    assert.equal((await rig.signal({ service: "search" })).result, "triaged");
    assert.equal(rig.state.incidents.size, 2);
    assert.equal(rig.incident().signalCount, 2);
  });

  it("a delivery that is known changes nothing", async () => {
    const rig = await Rig.open();
    const first = await rig.signal({ deliveryKey: "a:firing" });
    const again = await rig.signal({ deliveryKey: "a:firing" });
    assert.deepEqual(again, { subject: first.subject, result: "known", repeated: true });
  });

  it("worse severity, another detector and half an hour are news", async () => {
    const rig = await Rig.open();
    await rig.signal({ claimedSeverity: "low" });
    assert.equal((await rig.signal({ claimedSeverity: "high" })).result, "triaged");
    assert.equal((await rig.signal({ claimedSeverity: "low" })).result, "suppressed");
    assert.equal((await rig.signal({ claimedSeverity: "high" })).result, "suppressed", "it was that bad before");
    assert.equal((await rig.signal({ detector: "latency" })).result, "triaged");
    assert.equal((await rig.signal({ detector: "latency", source: "dd" })).result, "triaged");
    rig.pass(30 * MINUTE_MS - 1);
    assert.equal((await rig.signal()).result, "suppressed");
    rig.pass(1);
    assert.equal((await rig.signal()).result, "triaged");
  });

  it("names a late detector beside many repeats, and takes no more for news than it can name", async () => {
    const rig = await Rig.open();
    for (let i = 0; i < 40; i++) await rig.signal();
    await rig.signal({ detector: "late" });
    assert.ok(rig.incident().signals.some((one) => one.detector === "late"));
    for (let i = 0; i < 40; i++) await rig.signal({ detector: `d${i}` });
    assert.equal(rig.incident().signals.length, 32);
    assert.equal((await rig.signal({ detector: "yet another" })).result, "suppressed");
  });

  it("end when nothing of them fires any more", async () => {
    const rig = await Rig.open();
    await rig.signal({ deliveryKey: "a:firing" });
    await rig.signal({ deliveryKey: "b:firing" });
    await rig.signal({ deliveryKey: "a:resolved", status: "resolved" });
    assert.equal(rig.state.incidents.size, 1);
    await rig.signal({ deliveryKey: "b:resolved", status: "resolved" });
    assert.equal(rig.state.incidents.size, 0);
    assert.equal(rig.last("incident.resolved").code, "all-clear");
    assert.equal((await rig.signal({ deliveryKey: "c:resolved", status: "resolved" })).result, "unmatched");
  });

  it("a week of silence ends them too", async () => {
    const rig = await Rig.open();
    await rig.signal();
    await rig.passAndTick(WEEK_MS);
    assert.equal(rig.last("incident.resolved").code, "idle");
  });

  it("a week of silence takes back a page that nobody sent, and waits for one on its way", async () => {
    const asked = await Rig.open();
    await asked.signal();
    await asked.classify();
    const unsent = asked.live("pagerduty.trigger")?.id ?? "";
    await asked.passAndTick(WEEK_MS);
    assert.equal(asked.last("action.cancelled", unsent).code, "incident-resolved", "nothing would ever close it");
    assert.equal(asked.state.incidents.size, 0);
    const { rig, page } = await onItsWay();
    await rig.passAndTick(WEEK_MS);
    assert.equal(rig.state.incidents.size, 1);
    await rig.finish(page, "succeeded");
    await rig.passAndTick(1);
    assert.equal(rig.last("incident.resolved").code, "idle");
  });

  it("a resolved one takes back pages that nobody sent", async () => {
    for (const until of ["proposed", "granted"] as const) {
      const rig = await Rig.open();
      await rig.signal({ deliveryKey: "a:firing" });
      await rig.classify();
      const page = rig.live("pagerduty.trigger")?.id ?? "";
      if (until === "granted") await rig.plan(page);
      await rig.signal({ deliveryKey: "a:resolved", status: "resolved" });
      assert.equal(rig.last("action.cancelled", page).code, "incident-resolved");
      assert.equal((await rig.begin(page)).result, "ended");
      assert.equal(rig.live("pagerduty.resolve"), undefined, "nothing was sent, nothing is to be closed");
    }
  });

  it("a resolved one closes the page that was sent", async () => {
    const { rig } = await paged();
    await rig.signal({ deliveryKey: "a:resolved", status: "resolved" });
    const resolve = rig.live("pagerduty.resolve");
    assert.ok(resolve);
    assert.equal((await rig.plan(resolve.id)).result, "granted");
  });

  it("waits for a page on its way: its resolve is never sent before it", async () => {
    const rig = await Rig.open();
    const page = await rig.page({ deliveryKey: "a:firing" });
    await rig.begin(page);
    await rig.signal({ deliveryKey: "a:resolved", status: "resolved" });
    assert.equal(rig.live("pagerduty.resolve"), undefined);
    await rig.finish(page, "unknown");
    assert.equal(rig.last("action.cancelled", page).code, "incident-resolved", "no second try for what is over");
    assert.ok(rig.live("pagerduty.resolve"), "it may have arrived, so it is closed");
    assert.equal(rig.state.incidents.size, 0);
  });

  it("a page that became a duplicate of incidents before is asked for again when this one lasts", async () => {
    const { rig } = await paged();
    await rig.signal({ deliveryKey: "a:resolved", status: "resolved" });
    const second = await rig.page({ deliveryKey: "b:firing" });
    await rig.begin(second);
    await rig.finish(second, "succeeded");
    await rig.signal({ deliveryKey: "b:resolved", status: "resolved" });
    const third = await rig.page({ deliveryKey: "c:firing" });
    assert.deepEqual(rig.typesOf(third).slice(-1), ["action.suppressed"]);
    assert.equal((await rig.signal({ deliveryKey: "c:firing" })).result, "known");
    rig.pass(30 * MINUTE_MS);
    assert.equal((await rig.signal({ deliveryKey: "c:firing" })).result, "triaged");
    await rig.classify();
    const fourth = [...rig.state.actions.values()].findLast(({ kind }) => kind === "pagerduty.trigger");
    assert.equal((await rig.plan(fourth?.id ?? "")).result, "granted");
  });

  it("a page that a pause refused is asked for again", async () => {
    const rig = await Rig.open();
    const brake = await rig.ask("apply-brake", { mode: "pause", scope: {} });
    await rig.page({ deliveryKey: "a:firing" });
    assert.equal(rig.last("action.refused").code, "paused");
    assert.ok(rig.state.brakes.has(brake.subject));
    rig.pass(30 * MINUTE_MS);
    assert.equal((await rig.signal({ deliveryKey: "a:firing" })).result, "triaged");
  });

  it("a page whose grant ran out is asked for again at once and is no duplicate of itself", async () => {
    const rig = await Rig.open();
    await rig.page({ deliveryKey: "a:firing" });
    await rig.passAndTick(5 * MINUTE_MS);
    assert.equal(rig.last("action.expired").code, "grant-timeout");
    const again = await rig.page({ deliveryKey: "a:firing" });
    assert.equal(rig.action(again).status, "granted");
  });

  it("one review at a time; the next one after its answer", async () => {
    const rig = await Rig.open();
    await rig.signal();
    await rig.classify({ confidencePpm: 100_000, requiresTicket: true });
    const page = rig.live("pagerduty.trigger")?.id ?? "";
    const ticket = rig.live("servicenow.incident.create")?.id ?? "";
    assert.equal((await rig.plan(page)).result, "held");
    assert.equal((await rig.plan(ticket)).result, "suppressed");
    assert.equal(rig.last("action.suppressed", ticket).duplicateOf, page);
    assert.equal(rig.incident().review, page);
    await rig.answer(page);
    assert.equal(rig.incident().review, null);
  });

  it("a review that nobody answered is owed: the next delivery is triaged again", async () => {
    const rig = await Rig.open();
    await rig.signal({ deliveryKey: "a:firing" });
    await rig.classify({ confidencePpm: 100_000 });
    await rig.plan(rig.live("pagerduty.trigger")?.id ?? "");
    await rig.passAndTick(15 * MINUTE_MS);
    await rig.passAndTick(15 * MINUTE_MS);
    assert.equal(rig.last("action.expired").code, "hold-timeout");
    assert.equal((await rig.signal({ deliveryKey: "a:firing" })).result, "triaged");
  });

  it("a ticket of an incident that is over keeps its signature: it is no duplicate of another's", async () => {
    const rig = await Rig.open();
    const tickets: string[] = [];
    for (const service of ["cart", "search"]) {
      await rig.signal({ service, deliveryKey: `${service}:firing`, signature: hash("sha256", service) });
      await rig.classify({ requiresTicket: true, requiresPaging: false });
      tickets.push([...rig.state.actions.keys()].at(-1) ?? "");
      await rig.signal({
        service,
        deliveryKey: `${service}:resolved`,
        status: "resolved",
        signature: hash("sha256", service),
      });
    }
    for (const id of tickets) assert.equal((await rig.plan(id)).result, "granted");
  });

  it("an answer that comes after the end proposes nothing", async () => {
    const rig = await Rig.open();
    await rig.signal({ deliveryKey: "a:firing" });
    await rig.signal({ deliveryKey: "a:resolved", status: "resolved" });
    await rig.classify();
    assert.equal(rig.last("run.classified").actions, 0);
    assert.equal(rig.state.actions.size, 0);
  });
});
