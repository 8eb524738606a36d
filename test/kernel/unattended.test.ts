// Reviews that nobody answers: what is serious is paged about all the same, within what policy allows.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SignalFacts } from "../../src/kernel/signal-facts.ts";
import type { ClassificationFacts } from "../../src/kernel/events.ts";
import { DEAD_MAN } from "../../src/kernel/triage-kinds.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

const UNSURE: Partial<ClassificationFacts> = { confidencePpm: 500_000 };

/** An incident whose page waits for people, until the last window of its route has ended. */
async function unanswered(of: Partial<SignalFacts>, classified: Partial<ClassificationFacts> = UNSURE) {
  const rig = await Rig.open();
  await rig.signal(of);
  await rig.classify(classified);
  const held = [...rig.state.actions.keys()][0] as string;
  assert.equal((await rig.plan(held)).result, "held");
  await rig.passAndTick(15 * MINUTE_MS);
  assert.deepEqual(
    rig.last("hold.escalated", held).asks.seats[0]?.roles,
    ["owner"],
    "the next of the route is asked first",
  );
  await rig.passAndTick(15 * MINUTE_MS);
  assert.equal(rig.last("action.expired", held).code, "hold-timeout");
  return { rig, held };
}

function deadMans(rig: Rig): readonly string[] {
  return rig.all("action.proposed").flatMap((event) => (event.actor === DEAD_MAN ? [event.subject] : []));
}

describe("an unattended review", () => {
  it("of an incident that claims high pages", async () => {
    const { rig, held } = await unanswered({ claimedSeverity: "high" });
    const [page] = deadMans(rig);
    assert.ok(page !== undefined && page !== held);
    assert.equal((await rig.plan(page)).result, "granted");
    assert.equal(rig.action(page).incident, rig.incident().id);
  });

  it("pages when a ticket was what waited, and when the classifier alone said high", async () => {
    const ticket = { ...UNSURE, requiresPaging: false, requiresTicket: true };
    assert.equal(deadMans((await unanswered({ claimedSeverity: "sev1" }, ticket)).rig).length, 1);
    assert.equal(deadMans((await unanswered({ claimedSeverity: "none" })).rig).length, 1);
  });

  it("of anything less ends safely and wakes nobody", async () => {
    const medium = { ...UNSURE, severity: "medium" } as const;
    const { rig } = await unanswered({ claimedSeverity: "medium" }, medium);
    assert.deepEqual(deadMans(rig), []);
  });

  it("of an incident that is over wakes nobody", async () => {
    const rig = await Rig.open();
    const ticket = { ...UNSURE, requiresPaging: false, requiresTicket: true };
    await rig.signal({ deliveryKey: "x:firing" });
    await rig.classify(ticket);
    await rig.plan([...rig.state.actions.keys()][0] as string);
    await rig.signal({ deliveryKey: "x:resolved", status: "resolved" });
    await rig.passAndTick(15 * MINUTE_MS);
    await rig.passAndTick(15 * MINUTE_MS);
    assert.deepEqual(deadMans(rig), []);
  });

  it("that a person answered in time does not page", async () => {
    const rig = await Rig.open();
    await rig.signal();
    await rig.classify(UNSURE);
    const held = rig.live("pagerduty.trigger")?.id ?? "";
    await rig.plan(held);
    await rig.answer(held, { decision: "deny" });
    await rig.passAndTick(15 * MINUTE_MS);
    await rig.passAndTick(15 * MINUTE_MS);
    assert.deepEqual(deadMans(rig), []);
  });

  it("of an agent's own proposal, of no incident, only ends", async () => {
    const rig = await Rig.open();
    const { subject } = await rig.propose();
    await rig.passAndTick(15 * MINUTE_MS);
    await rig.passAndTick(15 * MINUTE_MS);
    assert.equal(rig.last("action.expired", subject).code, "hold-timeout");
    assert.deepEqual(deadMans(rig), []);
  });
});

describe("signals that derive from others", () => {
  it("confirm nothing: a major incident waits for an independent one", async () => {
    for (const derived of [true, undefined] as const) {
      const rig = await Rig.open();
      const signature = "f".repeat(64);
      await rig.signal({ signature, claimedSeverity: "sev1" });
      const second = { signature, source: "pd", detector: "pagerduty", claimedSeverity: "sev1" } as const;
      await rig.signal(derived === undefined ? second : { ...second, derived });
      await rig.classify({ severity: "sev1", requiresMim: true, requiresPaging: false });
      const major = rig.live("incident.declare-major")?.id ?? "";
      assert.equal((await rig.plan(major)).result, derived === true ? "held" : "granted");
    }
  });
});
