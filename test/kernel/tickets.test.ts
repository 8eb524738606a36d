// Tickets are kept in step: told of news, resolved when their incident is over, worked on again when it comes back.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LIMITS } from "../../src/kernel/limits.ts";
import type { Action } from "../../src/kernel/state.ts";
import { alert, assertReplays, ends, named } from "./alerts.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

const TICKET = "servicenow.incident.create";
const UPDATE = "servicenow.incident.update";
const CART = named("cart", "down");

async function classified(rig: Rig): Promise<void> {
  while (rig.state.runs.size > 0) {
    await rig.classify({ requiresPaging: false, requiresTicket: true, severity: "medium" });
  }
}

/** What triage asks of tickets now. */
const said = (rig: Rig): readonly (string | undefined)[] =>
  [...rig.state.actions.values()].filter(({ kind }) => kind === UPDATE).map(({ operand }) => operand?.split(":")[0]);

function only(rig: Rig, kind: string): Action {
  return rig.live(kind) ?? assert.fail(`no ${kind}`);
}

async function done(rig: Rig, kind: string): Promise<void> {
  const { id } = only(rig, kind);
  assert.equal((await rig.plan(id)).result, "granted");
  await rig.begin(id);
  await rig.finish(id, "succeeded");
}

/** An incident with its ticket. */
async function ticketed(): Promise<Rig> {
  const rig = await Rig.open();
  await alert(rig, "a", CART);
  await classified(rig);
  await done(rig, TICKET);
  return rig;
}

describe("the ticket of an incident", () => {
  it("is told of news with each run, and no second one is opened", async () => {
    const rig = await ticketed();
    const { id, ticket } = rig.incident();
    assert.match(ticket?.name ?? "", new RegExp(`^act_[0-9a-z]{9}:${id}$`));
    await alert(rig, "b", named("cart", "slow"));
    await alert(rig, "c", { ...CART, claimedSeverity: "sev1" });
    await classified(rig);
    assert.deepEqual(said(rig), ["news"]);
    assert.equal(rig.live(TICKET), undefined);
    await done(rig, UPDATE);
    assertReplays(rig);
  });

  it("is told one thing at a time: what came meanwhile is told after that, once", async () => {
    const rig = await ticketed();
    for (const failure of ["slow", "full", "stuck"]) {
      await alert(rig, failure, named("cart", failure));
      await alert(rig, `${failure} worse`, { ...named("cart", failure), detector: failure });
      await classified(rig);
    }
    assert.deepEqual(said(rig), ["news"]);
    const last = rig.all("run.classified").at(-1)?.subject;
    assert.notEqual(only(rig, UPDATE).run, last);
    await done(rig, UPDATE);
    assert.deepEqual(said(rig), ["news"]);
    assert.equal(only(rig, UPDATE).run, last);
    await done(rig, UPDATE);
    assert.deepEqual(said(rig), []);
    assertReplays(rig);
  });

  it("is resolved when the incident ends, and worked on again when it comes back", async () => {
    const rig = await ticketed();
    await ends(rig, "a", CART);
    assert.deepEqual(said(rig), ["end"]);
    await done(rig, UPDATE);
    assert.equal(rig.state.owedEnds.size, 0);
    rig.pass(MINUTE_MS);
    await alert(rig, "b", CART);
    await classified(rig);
    assert.deepEqual(said(rig), ["again"]);
    await done(rig, UPDATE);
    await ends(rig, "b", CART);
    assert.deepEqual(said(rig), ["end"]);
    assertReplays(rig);
  });

  it("that somebody resolved there is left alone", async () => {
    const rig = await ticketed();
    const word = {
      source: "servicenow",
      system: "servicenow",
      state: "resolved",
      record: "INC1",
      revision: 3,
    } as const;
    await rig.ask("note-incident", { ...word, subject: rig.incident().id, at: rig.nowMs, deliveryKey: "w:tracked" });
    await ends(rig, "a", CART);
    assert.deepEqual(said(rig), []);
  });

  it("is told again that it is over while nothing comes of it, and less and less often", async () => {
    const rig = await ticketed();
    await ends(rig, "a", CART);
    for (let tries = 1; tries < LIMITS.resolveTriesMax; tries++) {
      await rig.ask("plan-action", { action: only(rig, UPDATE).id, planHash: null, code: "target-unavailable" });
      assert.deepEqual(said(rig), []);
      await rig.passAndTick(60 * MINUTE_MS);
      assert.deepEqual(said(rig), ["end"], `try ${tries + 1}`);
    }
    await rig.ask("plan-action", { action: only(rig, UPDATE).id, planHash: null, code: "target-unavailable" });
    await rig.passAndTick(24 * 60 * MINUTE_MS);
    assert.deepEqual(said(rig), []);
    assert.equal(rig.state.owedEnds.size, 0);
    assertReplays(rig);
  });

  it("waits out a pause, and is not resolved once it fails again", async () => {
    const rig = await ticketed();
    const { subject: brake } = await rig.ask("apply-brake", { mode: "pause", scope: {} }, "person:ada");
    await ends(rig, "a", CART);
    await rig.plan(only(rig, UPDATE).id);
    assert.equal(rig.last("action.refused").code, "paused");
    await rig.passAndTick(10 * MINUTE_MS);
    assert.deepEqual(said(rig), []);
    await alert(rig, "b", CART);
    await rig.ask("release-brake", { brake, person: "ada", requestHash: "r" }, "person:ada");
    await rig.answer(only(rig, "killswitch.resume").id, { person: "ben", roles: ["owner"] }, "person:ben");
    await rig.passAndTick(1_000);
    assert.deepEqual(said(rig), []);
    await classified(rig);
    assert.deepEqual(said(rig), ["again"]);
    assert.equal(rig.state.owedEnds.size, 0);
    assertReplays(rig);
  });

  it("that is over there already is not told again", async () => {
    const rig = await ticketed();
    await ends(rig, "a", CART);
    await rig.ask("plan-action", { action: only(rig, UPDATE).id, planHash: null, code: "arguments-invalid" });
    assert.equal(rig.state.owedEnds.size, 0);
  });

  it("that is opened when its incident is over already is resolved at once", async () => {
    const rig = await Rig.open();
    await alert(rig, "a", CART);
    await classified(rig);
    const { id } = only(rig, TICKET);
    await rig.plan(id);
    await rig.begin(id);
    await ends(rig, "a", CART);
    assert.equal(rig.state.incidents.size, 0);
    await rig.finish(id, "succeeded");
    assert.deepEqual(said(rig), ["end"]);
    assertReplays(rig);
  });

  it("of one that is absorbed is resolved where the other has its own, and goes on where it has none", async () => {
    for (const [first, second, expected] of [
      [true, true, ["end", "news"]],
      [false, true, ["news"]],
    ] as const) {
      const rig = await Rig.open();
      await alert(rig, "a", CART);
      await classified(rig);
      if (first) await done(rig, TICKET);
      else await rig.ask("plan-action", { action: only(rig, TICKET).id, planHash: null, code: "refused" });
      rig.pass(6 * MINUTE_MS);
      await alert(rig, "b", named("search", "slow"));
      await classified(rig);
      if (second) await done(rig, TICKET);
      await alert(rig, "c", named("cart", "slow"));
      assert.equal(rig.state.incidents.size, 1, "they are one");
      await classified(rig);
      assert.deepEqual(said(rig), expected);
      assertReplays(rig);
    }
  });

  it("is resolved in the end though that of one it absorbed was resolved before", async () => {
    const rig = await ticketed();
    rig.pass(6 * MINUTE_MS);
    await alert(rig, "b", named("search", "slow"));
    await classified(rig);
    await done(rig, TICKET);
    const [, absorbed = ""] = [...rig.state.incidents.keys()];
    await alert(rig, "c", named("cart", "slow"));
    await done(rig, UPDATE);
    const word = {
      source: "servicenow",
      system: "servicenow",
      state: "resolved",
      record: "INC2",
      revision: 2,
    } as const;
    await rig.ask(
      "note-incident",
      { ...word, subject: absorbed, at: rig.nowMs, deliveryKey: "w:tracked" },
      "source:servicenow",
    );
    assert.equal(rig.last("incident.noted").aside, true);
    assert.deepEqual(rig.incident().stands, {}, "its own ticket is open");
    await classified(rig);
    for (const update of [...rig.state.actions.values()]) if (update.kind === UPDATE) await done(rig, UPDATE);
    await ends(rig, "a", CART);
    await ends(rig, "b", named("search", "slow"));
    await ends(rig, "c", named("cart", "slow"));
    assert.equal(rig.state.incidents.size, 0);
    assert.deepEqual(said(rig), ["end"]);
    assertReplays(rig);
  });

  it("is told nothing that nobody allowed: people are asked about its end alone", async () => {
    const rig = await Rig.open(undefined, "assist");
    await alert(rig, "a", CART);
    await classified(rig);
    const { id } = only(rig, TICKET);
    assert.equal((await rig.plan(id)).result, "held");
    await rig.answer(id);
    await rig.begin(id);
    await rig.finish(id, "succeeded");
    await alert(rig, "c", { ...CART, claimedSeverity: "sev1" });
    await classified(rig);
    assert.equal((await rig.plan(only(rig, UPDATE).id)).result, "refused");
    assert.equal(rig.last("action.refused").code, "not-asked");
    await ends(rig, "a", CART);
    await ends(rig, "c", CART);
    assert.equal((await rig.plan(only(rig, UPDATE).id)).result, "held");
  });
});
