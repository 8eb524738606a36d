// Storms: many services at once give one page and reviews; ten thousand alerts end in one incident per cause.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LIMITS } from "../../src/kernel/limits.ts";
import { alert, assertReplays, carryOut, ends, named } from "./alerts.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

const PAGE = "pagerduty.trigger";
const SERVICES = LIMITS.stormServices;

/** Services that fail in a way of their own, one every `everyMs`. */
async function fail(rig: Rig, services: number, { from = 0, everyMs = 0 } = {}): Promise<void> {
  for (let i = from; i < from + services; i++) {
    await alert(rig, `s${i}`, named(`service-${i}`, `failure ${i}`));
    rig.pass(everyMs);
  }
}

function stormPages(rig: Rig): readonly string[] {
  const storms = new Set(rig.all("storm.opened").map(({ subject }) => subject));
  const proposed = rig.all("action.proposed").filter(({ facts }) => facts.kind === PAGE);
  return proposed.filter(({ facts }) => storms.has(facts.incident ?? "")).map(({ subject }) => subject);
}

async function inStorm(): Promise<Rig> {
  const rig = await Rig.open();
  await fail(rig, SERVICES);
  return rig;
}

describe("a storm", () => {
  it("opens with the twentieth service within five minutes, in its environment alone, and asks for one page", async () => {
    const rig = await Rig.open();
    await fail(rig, SERVICES - 1, { everyMs: 1_000 });
    await alert(rig, "again", named("service-0", "failure 0"));
    await alert(rig, "elsewhere", { ...named("service-x", "failure x"), environment: "staging" });
    assert.equal(rig.state.storms.size, 0);
    await fail(rig, 1, { from: SERVICES });
    assert.deepEqual([...rig.state.storms.keys()], ["production"]);
    await fail(rig, 10, { from: SERVICES + 1 });
    const [page, ...more] = stormPages(rig);
    assert.deepEqual(more, []);
    assert.equal((await rig.plan(page ?? "")).result, "granted");
    assertReplays(rig);
  });

  it("is none when the services fail one after the other", async () => {
    const rig = await Rig.open();
    await fail(rig, 60, { everyMs: Math.ceil((5 * MINUTE_MS) / (SERVICES - 1)) });
    assert.equal(rig.all("storm.opened").length, 0);
    assert.ok(rig.state.firingServices.size <= SERVICES, "what is out of the window is forgotten");
  });

  it("holds every other page of its environment, and none of another", async () => {
    const rig = await inStorm();
    assert.equal((await rig.plan(await asked(rig))).result, "held");
    const page = await rig.page({ ...named("far", "away"), environment: "staging" });
    assert.equal(rig.action(page).status, "granted");
  });

  it("is over after a quarter of an hour of fewer services; its page is closed and others go out again", async () => {
    const rig = await inStorm();
    const [page = ""] = stormPages(rig);
    await rig.plan(page);
    await carryOut(rig, page);
    await rig.passAndTick(20 * MINUTE_MS - 1);
    assert.equal(rig.state.storms.size, 1);
    await rig.passAndTick(1);
    assert.equal(rig.state.storms.size, 0);
    const resolve = rig.live("pagerduty.resolve");
    assert.equal((await rig.plan(resolve?.id ?? "")).result, "granted");
    assertReplays(rig);
  });

  it("goes on while as many services fire", async () => {
    const rig = await inStorm();
    for (let minute = 0; minute < 30; minute += 10) {
      await rig.passAndTick(10 * MINUTE_MS);
      await fail(rig, SERVICES, { from: 100 + minute * 10 });
    }
    await rig.passAndTick(20 * MINUTE_MS - 1);
    assert.equal(rig.state.storms.size, 1);
    await rig.passAndTick(1);
    assert.equal(rig.state.storms.size, 0);
    assert.equal(stormPages(rig).length, 1);
  });

  it("whose page came to nothing asks for it again", async () => {
    const rig = await inStorm();
    const [first = ""] = stormPages(rig);
    await rig.plan(first);
    await rig.begin(first);
    await rig.finish(first, "retry");
    await rig.passAndTick(5 * MINUTE_MS);
    assert.equal(rig.last("action.expired", first).code, "grant-timeout");
    await rig.passAndTick(MINUTE_MS);
    const second = stormPages(rig)[1] ?? "";
    assert.equal((await rig.plan(second)).result, "granted");
    assertReplays(rig);
  });

  it("waits with its end for a page on its way", async () => {
    const rig = await inStorm();
    const [page = ""] = stormPages(rig);
    await rig.plan(page);
    await rig.begin(page);
    await rig.passAndTick(20 * MINUTE_MS);
    assert.equal(rig.state.storms.size, 1);
    await rig.finish(page, "succeeded");
    await rig.kernel.tick();
    assert.equal(rig.state.storms.size, 0);
    assert.ok(rig.live("pagerduty.resolve"));
  });
});

/** The page that a classifier's answer asks for. */
async function asked(rig: Rig): Promise<string> {
  await rig.classify();
  const pages = [...rig.state.actions.values()].filter(
    ({ kind, incident }) => kind === PAGE && incident?.startsWith("inc"),
  );
  return pages.at(-1)?.id ?? "";
}

const CASCADE = 58;
const ALERTS = 10_000;

/** One alert of the storm: of the database that fails, of what needs it, or of one of two failures beside it. */
function stormAlert(i: number) {
  const isOther = i >= 2_000 && i % 100 < 2;
  if (isOther) {
    const other = i % 100 === 0 ? named("billing", "certificate expired") : named("archive", "disk full");
    return { name: `other-${i % 100}-${i % 40}`, of: { ...other, environment: "production" } };
  }
  const step = Math.min(CASCADE - 1, Math.floor(i / 20));
  const service = step === 0 ? "db" : `service-${i % step}`;
  // The database runs out of connections first, and then answers with errors as all that needs it does.
  const failure = step === 0 && i < 10 ? "connections exhausted" : ["high error rate", "high latency"][i % 2];
  return { name: `${service}-${i % 7}`, of: named(service, failure ?? "") };
}

describe("ten thousand alerts over sixty services, of one cascading failure and two others", () => {
  it("end in three incidents, one page for all of it within the limits, and three reviews; the same on replay", async () => {
    const rig = await Rig.open();
    const names = new Map<string, ReturnType<typeof stormAlert>["of"]>();
    for (let i = 0; i < ALERTS; i++) {
      const { name, of } = stormAlert(i);
      names.set(name, of);
      await alert(rig, `${name}-${i}`, of);
      rig.pass(60);
      await answerAll(rig, i === 0 ? 600_000 : 900_000);
      assertBounded(rig);
    }
    assert.equal(new Set([...names.values()].map(({ service }) => service)).size, 60);
    const open = [...rig.state.incidents.values()];
    assert.deepEqual(
      open.map(({ services }) => services.length).toSorted((a, b) => a - b),
      [1, 1, 58],
    );
    assert.equal(
      open.reduce((sum, { signalCount }) => sum + signalCount, 0),
      ALERTS,
    );
    const granted = rig.all("action.granted").map(({ subject }) => subject);
    const pages = rig
      .all("action.proposed")
      .filter(({ facts, subject }) => facts.kind === PAGE && granted.includes(subject));
    assert.equal(stormPages(rig).length, 1);
    assert.deepEqual(
      pages.map(({ facts }) => facts.incident?.slice(0, 3)),
      ["inc", "stm"],
      "the first incident before it was a storm, then the storm",
    );
    const held = rig.all("action.held").map(({ subject }) => subject);
    assert.equal(held.length, 3);
    assert.deepEqual(new Set(held), new Set(open.map(({ review }) => review)));
    assertReplays(rig);
  });

  /** The classifier is unsure about the very first alert and sure of all others; what is granted is carried out. */
  async function answerAll(rig: Rig, confidencePpm: number): Promise<void> {
    while (rig.state.runs.size > 0) await rig.classify({ confidencePpm, requiresTicket: true });
    for (const { id, planHash } of [...rig.state.actions.values()]) {
      if (planHash !== null) continue;
      if ((await rig.plan(id)).result === "granted") await carryOut(rig, id);
    }
  }

  function assertBounded({ state }: Rig): void {
    assert.ok(state.incidents.size <= 3, `${state.incidents.size} incidents`);
    assert.ok(state.actions.size <= 3, `${state.actions.size} actions`);
    assert.equal(state.runs.size, 0);
    assert.ok(state.firingServices.size <= 60);
    assert.ok(state.deliveries.size <= LIMITS.deliveryKeysMax);
    assert.ok(state.duplicates.size + state.counters.size <= 64, `${state.duplicates.size} marks`);
    for (const { firing, signals, services, holds } of state.incidents.values()) {
      assert.ok(firing.length <= LIMITS.incidentFiringMax + 1 && signals.length <= LIMITS.incidentSignalsMax);
      assert.ok(services.length <= LIMITS.incidentServicesMax && holds.length <= LIMITS.incidentHoldsMax);
    }
  }
});

it("an end of every alert of a storm ends its incidents", async () => {
  const rig = await inStorm();
  for (let i = 0; i < SERVICES; i++) await ends(rig, `s${i}`, named(`service-${i}`, `failure ${i}`));
  assert.equal(rig.state.incidents.size, 0);
  assertReplays(rig);
});
