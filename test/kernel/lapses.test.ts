// Alerts whose sources never tell of their end: how long they keep an incident open, and what follows.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LIMITS } from "../../src/kernel/limits.ts";
import { alert, assertReplays, closesPage, ends, named, paged } from "./alerts.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

const LAPSE_MS = 120 * MINUTE_MS;
const ENDLESS = { endless: true } as const;

describe("an alert that never tells of its end", () => {
  it("counts as over two hours after it was last heard of: the incident ends, and its page is closed", async () => {
    const rig = await Rig.open();
    await paged(rig, "first", ENDLESS);
    rig.pass(60 * MINUTE_MS);
    await alert(rig, "second", ENDLESS);
    await rig.passAndTick(60 * MINUTE_MS);
    assert.deepEqual(rig.last("incident.lapsed"), { alerts: 1 }, "the first one");
    assert.equal(rig.state.incidents.size, 1);
    await rig.passAndTick(60 * MINUTE_MS - 1);
    assert.equal(rig.state.incidents.size, 1);
    await rig.passAndTick(1);
    assert.equal(rig.last("incident.resolved").code, "quiet");
    await closesPage(rig);
    assertReplays(rig);
  });

  it("keeps no incident open whose other alerts have ended, and ends none that still fires", async () => {
    const rig = await Rig.open();
    await alert(rig, "metric");
    await alert(rig, "event", ENDLESS);
    await rig.passAndTick(LAPSE_MS);
    assert.equal(rig.incident().firing.length, 1, "the metric's");
    await ends(rig, "metric");
    assert.equal(rig.last("incident.resolved").code, "all-clear");
    await alert(rig, "metric again");
    await alert(rig, "event again", ENDLESS);
    await ends(rig, "metric again");
    assert.equal(rig.state.incidents.size, 1, "the event was heard of just now");
    await rig.passAndTick(LAPSE_MS);
    assert.equal(rig.state.incidents.size, 0);
    assertReplays(rig);
  });

  it("opens its incident again when it comes back soon, and another one later", async () => {
    const rig = await Rig.open();
    await alert(rig, "first", ENDLESS);
    const { id } = rig.incident();
    await rig.passAndTick(LAPSE_MS);
    rig.pass(29 * MINUTE_MS);
    await alert(rig, "second", ENDLESS);
    assert.equal(rig.incident().id, id);
    await rig.passAndTick(LAPSE_MS);
    rig.pass(30 * MINUTE_MS);
    await alert(rig, "third", ENDLESS);
    assert.notEqual(rig.incident().id, id);
    assertReplays(rig);
  });

  it("lapses in the incident that it is of after a split, and stays where alerts beyond the bound fire", async () => {
    const rig = await Rig.open();
    await alert(rig, "cart", named("cart", "timeouts"));
    await alert(rig, "search", { ...named("search", "timeouts"), ...ENDLESS });
    const { id } = rig.incident();
    await rig.kernel.submit({
      type: "split-incident",
      actor: "person:ada",
      input: { incident: id, services: ["search"], roles: ["on-call"] },
    });
    assert.equal(rig.state.incidents.size, 2);
    await rig.passAndTick(LAPSE_MS);
    assert.deepEqual([...rig.state.incidents.keys()], [id]);
    for (let i = 0; i <= LIMITS.incidentFiringMax; i++) {
      await alert(rig, `many${i}`, { ...named("cart", "timeouts"), ...ENDLESS });
    }
    await ends(rig, "cart", named("cart", "timeouts"));
    await rig.passAndTick(LAPSE_MS);
    assert.equal(rig.incident().firing.length, 1, "one entry for those beyond the bound, of which nothing is known");
    assertReplays(rig);
  });
});
