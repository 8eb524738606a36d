// Incidents of one cause, as the runtime model measured it: joined by what is recorded of that, and kept apart without.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Relation } from "../../src/wire/types/relation.ts";
import { alert, assertReplays, carryOut, named } from "./alerts.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

const DB = named("db", "connections exhausted");
const CART = named("cart", "high error rate");
const WEB = named("web", "slow answers");
const CHECKOUT = named("checkout", "exceptions");

const causes = (cause: string, effect: string, lowPpm = 300_000): Relation => ({ cause, effect, lowPpm });

/** The model's word about the newest run. */
function relate(rig: Rig, ...relations: readonly Relation[]) {
  const run = [...rig.state.runs.keys()].at(-1) ?? "";
  return rig.ask("relate-incidents", { run, modelVersion: 7, relations }, "system:effects");
}

const servicesOf = (rig: Rig): readonly string[] =>
  [...rig.state.incidents.values()].map(({ services }) => services.join(" "));

async function two(rig: Rig): Promise<void> {
  await alert(rig, "a", DB);
  await alert(rig, "b", CART);
  assert.equal(rig.state.incidents.size, 2);
}

describe("two incidents of which one's failure is the other's", () => {
  for (const [name, relation] of [
    ["the later one suffers from the older", causes("db", "cart")],
    ["the later one is the cause of the older", causes("cart", "db")],
  ] as const) {
    it(`become one where ${name}, and the record says by what measurement`, async () => {
      const rig = await Rig.open();
      await two(rig);
      const [older, newer] = [...rig.state.incidents.keys()];
      assert.equal((await relate(rig, relation)).result, "merged");
      assert.deepEqual([...rig.state.incidents.keys()], [older]);
      const { with: other, cause, effect, lowPpm, modelVersion } = rig.last("incident.related", newer);
      assert.deepEqual({ other, cause, effect, lowPpm, modelVersion }, { other: older, ...relation, modelVersion: 7 });
      assert.equal(rig.last("incident.merged", newer).into, older);
      assertReplays(rig);
    });
  }

  it("ask for one page: the run that was under way goes on for both", async () => {
    const rig = await Rig.open();
    await alert(rig, "a", DB);
    await rig.classify();
    const page = rig.live("pagerduty.trigger")?.id ?? "";
    await rig.plan(page);
    await carryOut(rig, page);
    await alert(rig, "b", CART);
    await relate(rig, causes("db", "cart"));
    await rig.classify();
    const again = rig.live("pagerduty.trigger")?.id ?? "";
    assert.equal((await rig.plan(again)).result, "suppressed");
    assertReplays(rig);
  });

  it("stay two where less was measured, where people split them, and where the older one fell silent", async () => {
    const rig = await Rig.open();
    await two(rig);
    const size = rig.writer.kept.length;
    assert.equal((await relate(rig, causes("db", "cart", 99_999))).result, "unrelated");
    assert.equal(rig.writer.kept.length, size, "nothing to record");
    await relate(rig, causes("db", "cart"));
    const split = { incident: rig.incident().id, services: ["cart"], roles: ["on-call"] };
    await rig.ask("split-incident", split, "person:ada");
    assert.equal((await relate(rig, causes("db", "cart"))).result, "unrelated");
    const silent = await Rig.open();
    await alert(silent, "a", DB);
    silent.pass(11 * MINUTE_MS);
    await alert(silent, "b", CART);
    assert.equal((await relate(silent, causes("db", "cart"))).result, "unrelated");
    assert.equal(silent.state.incidents.size, 2);
  });

  it("stay two in two environments, whatever is said", async () => {
    const rig = await Rig.open();
    await alert(rig, "a", { ...DB, environment: "staging" });
    await alert(rig, "b", CART);
    await relate(rig, causes("db", "cart"));
    assert.equal(rig.state.incidents.size, 2);
  });
});

describe("a third incident", () => {
  async function cartAndWeb(rig: Rig): Promise<void> {
    await alert(rig, "a", CART);
    await alert(rig, "b", WEB);
    await relate(rig, causes("cart", "web"));
    assert.deepEqual(servicesOf(rig), ["cart web"]);
  }

  it("that only hurts what has its cause already is another's business", async () => {
    const rig = await Rig.open();
    await cartAndWeb(rig);
    await alert(rig, "c", CHECKOUT);
    await relate(rig, causes("cart", "web"), causes("checkout", "web"));
    assert.deepEqual(servicesOf(rig), ["cart web", "checkout"]);
    assertReplays(rig);
  });

  it("that is the cause of several brings all of them together", async () => {
    const rig = await Rig.open();
    await cartAndWeb(rig);
    await alert(rig, "c", CHECKOUT);
    await alert(rig, "d", DB);
    await relate(rig, causes("cart", "web"), causes("checkout", "web"), causes("db", "cart"), causes("db", "checkout"));
    assert.equal(rig.state.incidents.size, 1);
    assert.deepEqual(rig.incident().services.toSorted(), ["cart", "checkout", "db", "web"]);
    assertReplays(rig);
  });

  it("joins those that explain each other in a circle", async () => {
    const rig = await Rig.open();
    await two(rig);
    const circle = [causes("db", "cart"), causes("cart", "db")];
    await relate(rig, ...circle);
    await alert(rig, "c", WEB);
    await relate(rig, ...circle, causes("cart", "web"));
    assert.equal(rig.state.incidents.size, 1);
  });
});

describe("the model's word", () => {
  it("about a run that is over, or nobody opened, changes nothing", async () => {
    const rig = await Rig.open();
    await two(rig);
    await rig.classify();
    const size = rig.writer.kept.length;
    const input = { run: "run_00000000z", modelVersion: 7, relations: [causes("db", "cart")] };
    assert.equal((await rig.ask("relate-incidents", input, "system:effects")).result, "ended");
    assert.equal(rig.writer.kept.length, size);
  });
});
