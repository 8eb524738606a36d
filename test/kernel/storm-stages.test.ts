// A storm at each stage of the triage agent: watched in shadow, a draft in assist, one page where pages go out.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LIMITS } from "../../src/kernel/limits.ts";
import type { Action } from "../../src/kernel/state.ts";
import type { Stage } from "../../src/wire/types/stage.ts";
import { alert, assertReplays, carryOut, named } from "./alerts.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

const PAGE = "pagerduty.trigger";

/** Twenty services at once at that stage; every alert is classified, and every page planned but the storm's. */
async function storm(stage: Stage): Promise<{ rig: Rig; page: Action }> {
  const rig = await Rig.open(undefined, stage);
  for (let i = 0; i < LIMITS.stormServices; i++) await alert(rig, `s${i}`, named(`service-${i}`, `failure ${i}`));
  while (rig.state.runs.size > 0) await rig.classify();
  const [page, ...more] = pages(rig).filter(({ incident }) => incident?.startsWith("stm_") === true);
  assert.ok(page !== undefined && more.length === 0, "one page about all of it");
  for (const { id } of pages(rig)) if (id !== page.id) await rig.plan(id);
  return { rig, page };
}

function pages(rig: Rig): readonly Action[] {
  return [...rig.state.actions.values()].filter(({ kind }) => kind === PAGE);
}

const held = (rig: Rig): number => pages(rig).filter(({ status }) => status === "held").length;

describe("a storm", () => {
  it("in shadow is on record, and neither pages nor asks anybody", async () => {
    const { rig, page } = await storm("shadow");
    assert.equal((await rig.plan(page.id)).result, "succeeded");
    assert.deepEqual([rig.last("action.granted", page.id).dryRun, pages(rig).length], [true, 0]);
    await rig.passAndTick(30 * MINUTE_MS);
    assert.equal(rig.all("step.started").length, 0);
    assert.equal(rig.state.storms.size, 0, "it ends as anywhere else");
    assertReplays(rig);
  });

  it("in assist is a draft of one page, beside the reviews of its incidents, and goes out with a person's word", async () => {
    const { rig, page } = await storm("assist");
    assert.equal((await rig.plan(page.id)).result, "held");
    assert.equal(held(rig), LIMITS.stormServices + 1);
    await rig.answer(page.id);
    assert.equal(rig.action(page.id).status, "granted");
    await carryOut(rig, page.id);
    assert.equal([...rig.state.storms.values()][0]?.page?.action, page.id);
    assertReplays(rig);
  });

  it("in assist of which nobody answers is asked about again while it lasts", async () => {
    const { rig, page } = await storm("assist");
    await rig.plan(page.id);
    for (let i = 0; i < 5; i++) {
      await rig.passAndTick(10 * MINUTE_MS);
      for (let j = 0; j < LIMITS.stormServices; j++) {
        await alert(rig, `again${i}-${j}`, named(`service-${j}`, `failure ${j}`));
      }
    }
    await rig.passAndTick(MINUTE_MS);
    await rig.passAndTick(MINUTE_MS);
    const asked = rig
      .all("action.proposed")
      .filter(({ facts }) => facts.kind === PAGE && facts.incident === page.incident);
    assert.ok(asked.length > 1, "nobody heard of it");
  });

  it("at controlled paging pages once by itself, and every other page waits for review", async () => {
    const { rig, page } = await storm("controlled-paging");
    assert.equal((await rig.plan(page.id)).result, "granted");
    await carryOut(rig, page.id);
    assert.equal(held(rig), LIMITS.stormServices);
    assert.equal(rig.all("step.started").length, 1);
    assertReplays(rig);
  });
});
