// Incidents that are brought together, and those that people take apart.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { alert, assertReplays, closesPage, ends, named, paged } from "./alerts.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

describe("two incidents that a signal brings together", () => {
  const DB = named("db", "connections exhausted");
  const CART = named("cart", "high error rate");
  const LINK = named("db", "high error rate");

  it("become the older one, which names, counts and ends all of it", async () => {
    const rig = await Rig.open();
    await alert(rig, "a", DB);
    await alert(rig, "b", CART);
    const [older, newer] = [...rig.state.incidents.keys()];
    assert.equal((await alert(rig, "c", LINK)).result, "triaged", "that is news");
    assert.deepEqual([...rig.state.incidents.keys()], [older]);
    assert.equal(rig.last("incident.merged", newer).into, older);
    const { services, signalCount, absorbed } = rig.incident();
    assert.deepEqual([services, signalCount, absorbed], [["db", "cart"], 3, [newer]]);
    assertReplays(rig);
    for (const [name, of] of [
      ["a", DB],
      ["b", CART],
      ["c", LINK],
    ] as const)
      await ends(rig, name, of);
    assert.equal(rig.state.incidents.size, 0);
    assertReplays(rig);
  });

  it("keep one page: where both were paged, the absorbed one's is closed, and no later page goes out", async () => {
    const rig = await Rig.open();
    await paged(rig, "a", DB);
    await paged(rig, "b", CART);
    const newer = [...rig.state.incidents.keys()][1];
    await alert(rig, "c", LINK);
    assert.equal(rig.live("pagerduty.resolve")?.incident, newer);
    await closesPage(rig);
    await rig.classify();
    const again = rig.live("pagerduty.trigger")?.id ?? "";
    assert.equal((await rig.plan(again)).result, "suppressed");
    assertReplays(rig);
  });

  it("keep the absorbed one's page where only that was paged: it is closed under its own key at the end", async () => {
    const rig = await Rig.open();
    await alert(rig, "a", DB);
    await rig.classify({ requiresPaging: false });
    await paged(rig, "b", CART);
    const newer = [...rig.state.incidents.keys()][1];
    await alert(rig, "c", LINK);
    assert.equal(rig.live("pagerduty.resolve"), undefined);
    await rig.classify();
    const again = rig.live("pagerduty.trigger")?.id ?? "";
    assert.equal((await rig.plan(again)).result, "suppressed", "the page that stands is this incident's");
    for (const [name, of] of [
      ["a", DB],
      ["b", CART],
      ["c", LINK],
    ] as const)
      await ends(rig, name, of);
    assert.equal(rig.live("pagerduty.resolve")?.incident, newer);
    await closesPage(rig);
    assertReplays(rig);
  });

  it("wait for each other while a page of the newer is on its way", async () => {
    const rig = await Rig.open();
    await alert(rig, "a", DB);
    await rig.classify({ requiresPaging: false });
    const page = await rig.page({ deliveryKey: "b:firing", ...CART });
    await rig.begin(page);
    await alert(rig, "c", LINK);
    assert.equal(rig.state.incidents.size, 2);
    await rig.finish(page, "succeeded");
    await alert(rig, "d", { ...named("db", "high latency"), failure: CART.failure ?? "" });
    assert.equal(rig.state.incidents.size, 1);
  });

  it("are asked about once: one review stays", async () => {
    const rig = await Rig.open();
    for (const [name, of] of [
      ["a", DB],
      ["b", CART],
    ] as const) {
      await alert(rig, name, of);
      await rig.classify({ requiresPaging: false, requiresTicket: true, confidencePpm: 100_000 });
      const ticket = [...rig.state.actions.keys()].at(-1) ?? "";
      assert.equal((await rig.plan(ticket)).result, "held");
    }
    await alert(rig, "c", LINK);
    const held = [...rig.state.actions.values()].filter(({ status }) => status === "held");
    assert.deepEqual(
      held.map(({ id }) => id),
      [rig.incident().review],
    );
    assertReplays(rig);
  });

  it("what a classifier says about the absorbed one is done for the survivor", async () => {
    const rig = await Rig.open();
    await alert(rig, "a", DB);
    await alert(rig, "b", CART);
    const [older] = [...rig.state.incidents.keys()];
    await alert(rig, "c", LINK);
    assert.equal(rig.state.runs.size, 3);
    for (let i = 0; i < 3; i++) await rig.classify();
    assert.deepEqual([...new Set([...rig.state.actions.values()].map(({ incident }) => incident))], [older]);
    const results = [];
    for (const { id } of [...rig.state.actions.values()]) results.push((await rig.plan(id)).result);
    assert.deepEqual(results, ["granted", "suppressed", "suppressed"], "one page for all of it");
  });
});

describe("an incident that people split", () => {
  const DB = named("db", "x");
  const CART = named("cart", "x");

  async function joined(): Promise<Rig> {
    const rig = await Rig.open();
    await alert(rig, "a", DB);
    await alert(rig, "b", CART);
    assert.equal(rig.state.incidents.size, 1);
    return rig;
  }

  function split(rig: Rig, incident: string, services: readonly string[]) {
    return rig.ask("split-incident", { incident, services, roles: ["on-call"] }, "person:ada");
  }

  it("becomes two, each with its own alerts, and the new one is triaged", async () => {
    const rig = await joined();
    const { id } = rig.incident();
    const { subject, result } = await split(rig, id, ["cart"]);
    assert.equal(result, "split");
    const [one, other] = [rig.state.incidents.get(id), rig.state.incidents.get(subject)];
    assert.deepEqual([one?.services, other?.services], [["db"], ["cart"]]);
    assert.deepEqual([one?.firing.map(({ key }) => key), other?.firing.map(({ key }) => key)], [["a"], ["b"]]);
    assert.equal(rig.last("run.opened").incident, subject);
    assertReplays(rig);
    await ends(rig, "b", CART);
    assert.deepEqual([...rig.state.incidents.keys()], [id]);
    assertReplays(rig);
  });

  it("stays two, whatever either of them names later", async () => {
    const rig = await joined();
    const { id } = rig.incident();
    const { subject } = await split(rig, id, ["cart"]);
    await alert(rig, "c", named("cart", "y"));
    await alert(rig, "d", { ...named("db", "z"), failure: named("", "y").failure ?? "" });
    rig.pass(11 * MINUTE_MS);
    await alert(rig, "e", DB);
    await alert(rig, "f", { ...named("cart", "w"), failure: DB.failure ?? "" });
    assert.ok(rig.state.incidents.has(id) && rig.state.incidents.has(subject));
    assert.ok(!rig.state.incidents.get(id)?.services.includes("cart"));
    assertReplays(rig);
  });

  it("gives away neither what it is named after nor what it does not name, and must be open", async () => {
    const rig = await joined();
    const { id } = rig.incident();
    for (const services of [["db"], ["cart", "db"], ["search"]]) {
      await assert.rejects(split(rig, id, services), { code: "request-invalid" });
    }
    const unknown = split(rig, "inc_none", ["cart"]);
    await assert.rejects(unknown, { code: "incident-not-found" });
    const input = { incident: id, services: ["cart"], roles: ["visitor"] };
    await assert.rejects(rig.ask("split-incident", input), { code: "not-eligible" });
  });
});
