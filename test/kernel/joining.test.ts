// Which incident a signal is of, and when one comes back.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LIMITS } from "../../src/kernel/limits.ts";
import { alert, assertReplays, carryOut, closesPage, ends, joinedBy, named, paged } from "./alerts.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

describe("a signal joins", () => {
  it("the incident that holds its failure, else one of its service, else one of the same failure, else opens one", async () => {
    const rig = await Rig.open();
    await alert(rig, "a", named("db", "connections exhausted"));
    await alert(rig, "b", named("db", "connections exhausted"));
    await alert(rig, "c", named("db", "high error rate"));
    await alert(rig, "d", named("cart", "high error rate"));
    await alert(rig, "e", named("search", "disk full"));
    assert.deepEqual(joinedBy(rig), ["opened", "signature", "service", "failure", "opened"]);
    const [incident] = rig.state.incidents.values();
    assert.deepEqual(incident?.services, ["db", "cart"]);
    assertReplays(rig);
  });

  it("by service for ten minutes after the last signal, by failure for five", async () => {
    const rig = await Rig.open();
    await alert(rig, "a", named("db", "x"));
    rig.pass(10 * MINUTE_MS);
    await alert(rig, "b", named("db", "y"));
    rig.pass(5 * MINUTE_MS);
    await alert(rig, "c", named("cart", "y"));
    rig.pass(5 * MINUTE_MS + 1);
    await alert(rig, "d", named("search", "y"));
    rig.pass(10 * MINUTE_MS + 1);
    await alert(rig, "e", named("db", "z"));
    assert.deepEqual(joinedBy(rig), ["opened", "service", "failure", "opened", "opened"]);
  });

  it("nothing of another environment", async () => {
    const rig = await Rig.open();
    await alert(rig, "a", named("db", "x"));
    await alert(rig, "b", { ...named("db", "x"), environment: "staging" });
    assert.deepEqual(joinedBy(rig), ["opened", "opened"]);
  });

  it("and is news when it names a service not named yet", async () => {
    const rig = await Rig.open();
    await alert(rig, "a", named("db", "x"));
    assert.equal((await alert(rig, "b", named("cart", "x"))).result, "triaged");
    assert.equal((await alert(rig, "c", named("cart", "x"))).result, "suppressed");
  });

  it("what an incident has no room to name: it counts, fires, is no news for ever, and ends", async () => {
    const rig = await Rig.open();
    const last = LIMITS.incidentServicesMax + 3;
    for (let i = 0; i < last; i++) await alert(rig, `a${i}`, named(`s${i}`, "x"));
    const incident = rig.incident();
    assert.equal(rig.state.incidents.size, 1);
    assert.equal(incident.services.length, LIMITS.incidentServicesMax);
    assert.equal(incident.signalCount, last);
    for (let i = 0; i < 400; i++) await alert(rig, `b${i}`, named("s0", `failure ${i}`));
    assert.equal(rig.incident().holds.length, LIMITS.incidentHoldsMax);
    assert.equal(rig.incident().failures.length, LIMITS.incidentFailuresMax);
    assert.equal((await alert(rig, "again", named(`s${last - 1}`, "x"))).result, "suppressed");
    for (let i = 0; i < last; i++) await ends(rig, `a${i}`, named(`s${i}`, "x"));
    for (let i = 0; i < 400; i++) await ends(rig, `b${i}`, named("s0", `failure ${i}`));
    await ends(rig, "again", named(`s${last - 1}`, "x"));
    assert.equal(rig.state.incidents.size, 0);
    assertReplays(rig);
  });
});

describe("an incident that ended", () => {
  it("goes on under the same id when its failure comes back within half an hour, and is paged again", async () => {
    const rig = await Rig.open();
    await paged(rig, "a");
    const { id } = rig.incident();
    await ends(rig, "a");
    await closesPage(rig);
    rig.pass(30 * MINUTE_MS - 1);
    const again = await rig.page({ deliveryKey: "b:firing" });
    assert.equal(rig.incident().id, id);
    assert.equal(joinedBy(rig).at(-1), "reopened");
    assert.equal(rig.action(again).incident, id);
    assert.equal(rig.action(again).status, "granted");
    assertReplays(rig);
  });

  it("is another one after that", async () => {
    const rig = await Rig.open();
    await alert(rig, "a");
    await ends(rig, "a");
    rig.pass(30 * MINUTE_MS);
    await alert(rig, "b");
    assert.equal(joinedBy(rig).at(-1), "opened");
  });

  it("is another one while its page is still to be closed: that resolve would close the next page too", async () => {
    const rig = await Rig.open();
    await paged(rig, "a");
    await ends(rig, "a");
    await alert(rig, "b");
    assert.equal(joinedBy(rig).at(-1), "opened");
  });

  it("leaves memory when many have ended since", async () => {
    const rig = await Rig.open();
    for (let i = 0; i <= LIMITS.resolvedIncidentsMax; i++) {
      await alert(rig, `a${i}`, named(`s${i}`, `x${i}`));
      await ends(rig, `a${i}`, named(`s${i}`, `x${i}`));
    }
    assert.equal(rig.state.resolved.size, LIMITS.resolvedIncidentsMax);
    assert.equal(rig.state.joins.resolved.size, LIMITS.resolvedIncidentsMax);
    assertReplays(rig);
  });
});

describe("an incident that comes and goes", () => {
  /** It has been opened again for the third time within half an hour, and its last page stands. */
  async function flapping(): Promise<Rig> {
    const rig = await Rig.open();
    for (let i = 0; i < 3; i++) {
      await alert(rig, `a${i}`);
      await ends(rig, `a${i}`);
      rig.pass(5 * MINUTE_MS);
    }
    await paged(rig, "last");
    assert.deepEqual(rig.last("incident.flapping"), { times: 3 });
    return rig;
  }

  it("is flapping from the third return on: its page stays, and no other follows, until a quarter of an hour of quiet", async () => {
    const rig = await flapping();
    const pages = rig.all("step.started").length;
    for (let i = 0; i < 10; i++) {
      await ends(rig, i === 0 ? "last" : `b${i - 1}`);
      assert.equal(rig.state.incidents.size, 1);
      assert.equal(rig.live("pagerduty.resolve"), undefined);
      await rig.passAndTick(2 * MINUTE_MS);
      await alert(rig, `b${i}`);
    }
    await ends(rig, "b9");
    assert.equal(rig.all("step.started").length, pages);
    await rig.passAndTick(15 * MINUTE_MS - 1);
    assert.equal(rig.state.incidents.size, 1);
    await rig.passAndTick(1);
    assert.equal(rig.state.incidents.size, 0);
    await closesPage(rig);
    assertReplays(rig);
  });

  it("returns that lie further apart are none", async () => {
    const rig = await Rig.open();
    for (let i = 0; i < 6; i++) {
      await alert(rig, `a${i}`);
      await ends(rig, `a${i}`);
      rig.pass(16 * MINUTE_MS);
    }
    assert.equal(rig.all("incident.reopened").length, 5);
    assert.equal(rig.all("incident.flapping").length, 0);
  });
});

describe("a page of an incident that was paged", () => {
  it("goes out within half an hour when it has become worse, and not otherwise", async () => {
    const rig = await Rig.open();
    await paged(rig, "a");
    const results = [];
    for (const severity of ["high", "sev1", "sev1"] as const) {
      await alert(rig, `b${results.length}`, { detector: `d${results.length}` });
      await rig.classify({ severity });
      const page = rig.live("pagerduty.trigger")?.id ?? "";
      const { result } = await rig.plan(page);
      if (result === "granted") await carryOut(rig, page);
      results.push(result);
    }
    assert.deepEqual(results, ["suppressed", "granted", "suppressed"]);
  });

  it("is one for all failures that joined it, and so is its ticket", async () => {
    const rig = await Rig.open();
    await alert(rig, "a", named("db", "x"));
    await alert(rig, "b", named("cart", "x"));
    const results: Record<string, string[]> = {};
    for (let run = 0; run < 2; run++) {
      await rig.classify({ requiresTicket: true });
      for (const { id, kind } of [...rig.state.actions.values()].slice(-2)) {
        const { result } = await rig.plan(id);
        (results[kind] ??= []).push(result);
        if (result === "granted") await carryOut(rig, id);
      }
    }
    assert.deepEqual(results, {
      "pagerduty.trigger": ["granted", "suppressed"],
      "servicenow.incident.create": ["granted"],
      "servicenow.incident.update": ["granted"],
    });
  });
});
