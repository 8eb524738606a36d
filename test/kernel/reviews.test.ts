// One review per incident at a time: the page is asked about first, and what it kept waiting gets its own answer later.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MINUTE_MS, Rig } from "./rig.ts";

/** A run that wants everything and is sure of nothing; each of what it wants is planned, in that order. */
async function unsure(rig: Rig, order: readonly string[]): Promise<void> {
  await rig.signal();
  await rig.classify({ severity: "sev1", confidencePpm: 100_000, requiresMim: true, requiresTicket: true });
  for (const kind of order) await planned(rig, kind);
}

async function planned(rig: Rig, kind: string): Promise<string> {
  const id = rig.live(kind)?.id ?? "";
  await rig.plan(id);
  return id;
}

function held(rig: Rig): readonly string[] {
  return [...rig.state.actions.values()].flatMap(({ status, kind }) => (status === "held" ? [kind] : []));
}

const PAGE = "pagerduty.trigger";
const MAJOR = "incident.declare-major";
const TICKET = "servicenow.incident.create";

describe("reviews of one incident", () => {
  it("ask about the page first, in whatever order its parts were planned", async () => {
    for (const order of [
      [PAGE, MAJOR, TICKET],
      [MAJOR, TICKET, PAGE],
      [TICKET, PAGE, MAJOR],
    ]) {
      const rig = await Rig.open();
      await unsure(rig, order);
      assert.deepEqual(held(rig), [PAGE], order.join());
    }
  });

  it("ask about the others one by one, each after an approval", async () => {
    const rig = await Rig.open();
    await unsure(rig, [MAJOR, PAGE, TICKET]);
    const page = rig.live(PAGE)?.id ?? "";
    assert.equal((await rig.answer(page)).result, "granted");
    const major = await planned(rig, MAJOR);
    await planned(rig, TICKET);
    assert.deepEqual(held(rig), [MAJOR]);
    assert.equal((await rig.answer(major)).result, "granted");
    const ticket = await planned(rig, TICKET);
    assert.deepEqual(held(rig), [TICKET]);
    assert.equal((await rig.answer(ticket)).result, "granted");
    assert.equal(rig.all("action.proposed").length, 6, "three asked for, two of them again, one of them twice");
  });

  it("end with a denial: it answers for all that the review covered", async () => {
    const rig = await Rig.open();
    await unsure(rig, [PAGE, MAJOR, TICKET]);
    await rig.answer(rig.live(PAGE)?.id ?? "", { decision: "deny" });
    assert.equal(rig.state.actions.size, 0);
    assert.deepEqual(rig.incident().covered, []);
  });

  it("are asked anew, all of them, after a timeout", async () => {
    const rig = await Rig.open();
    await unsure(rig, [PAGE, MAJOR, TICKET]);
    for (let quarter = 0; quarter < 3; quarter++) await rig.passAndTick(15 * MINUTE_MS);
    assert.equal(rig.state.runs.size, 1);
    await rig.classify({ severity: "sev1", confidencePpm: 100_000, requiresMim: true, requiresTicket: true });
    const asked = [...rig.state.actions.values()].filter(({ agent }) => agent === "system:triage");
    assert.equal(asked.length, 3);
  });

  it("keep no page waiting that the gates let through", async () => {
    const rig = await Rig.open();
    await rig.signal();
    await rig.classify({ severity: "sev1", requiresMim: true });
    await planned(rig, MAJOR);
    assert.deepEqual(held(rig), [MAJOR], "one signal confirms no major incident");
    assert.equal((await rig.plan(rig.live(PAGE)?.id ?? "")).result, "granted");
  });
});
