// Which page repeats another: one that stands at the pager does, one that was closed or never went out does not.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MINUTE_MS, Rig } from "./rig.ts";

let deliveries = 0;

/** One occurrence of the failure from its first alert to its page and its end; gives what became of the page. */
async function occur(rig: Rig, of: { ends: boolean }): Promise<string> {
  const alert = `occurrence-${deliveries++}`;
  const page = await rig.page({ deliveryKey: `${alert}:firing` });
  const outcome = rig.state.actions.get(page)?.status ?? rig.typesOf(page).at(-1) ?? "";
  if (outcome === "granted") {
    await rig.begin(page);
    await rig.finish(page, "succeeded");
  }
  if (of.ends) await rig.signal({ deliveryKey: `${alert}:resolved`, status: "resolved" });
  return outcome;
}

describe("a page within half an hour of one for the same failure", () => {
  it("goes out when that one was closed at the pager: it is another occurrence", async () => {
    const rig = await Rig.open();
    assert.equal(await occur(rig, { ends: true }), "granted");
    rig.pass(2 * MINUTE_MS);
    assert.equal(await occur(rig, { ends: false }), "granted");
  });

  it("is suppressed when the failure comes and goes: two pages per half hour, and no more", async () => {
    const rig = await Rig.open();
    assert.equal(await occur(rig, { ends: true }), "granted");
    rig.pass(5 * MINUTE_MS);
    assert.equal(await occur(rig, { ends: true }), "granted");
    rig.pass(5 * MINUTE_MS);
    assert.equal(await occur(rig, { ends: true }), "action.suppressed");
    rig.pass(25 * MINUTE_MS);
    assert.equal(await occur(rig, { ends: true }), "granted");
  });

  it("is suppressed while that one stands at the pager", async () => {
    const rig = await Rig.open();
    const first = await rig.page({ service: "cart", signature: "s" });
    await rig.begin(first);
    await rig.finish(first, "succeeded");
    const second = await rig.page({ service: "search", signature: "s" });
    assert.equal(rig.last("action.suppressed", second).duplicateOf, first);
  });

  it("goes out when that one failed: nobody was woken by it", async () => {
    const rig = await Rig.open();
    const failed = await rig.page({ service: "cart", signature: "s" });
    await rig.begin(failed);
    assert.equal((await rig.finish(failed, "failed")).result, "failed");
    const second = await rig.page({ service: "search", signature: "s" });
    assert.equal(rig.action(second).status, "granted");
  });

  it("is suppressed when that one may have had an effect though nobody knows", async () => {
    const rig = await Rig.open();
    const unclear = await rig.page({ service: "cart", signature: "s" });
    await rig.begin(unclear);
    await rig.finish(unclear, "unknown");
    await rig.passAndTick(6 * MINUTE_MS);
    assert.equal(rig.last("action.completed", unclear).status, "needs-attention");
    const second = await rig.page({ service: "search", signature: "s" });
    assert.equal(rig.last("action.suppressed", second).duplicateOf, unclear);
  });
});

describe("what was suppressed and still fires", () => {
  it("is triaged again by itself after the window, though its source repeats nothing", async () => {
    const rig = await Rig.open();
    await occur(rig, { ends: true });
    await occur(rig, { ends: true });
    assert.equal(await occur(rig, { ends: false }), "action.suppressed");
    await rig.passAndTick(34 * MINUTE_MS);
    assert.equal(rig.state.runs.size, 0);
    await rig.passAndTick(1 * MINUTE_MS);
    await rig.classify();
    const page = rig.live("pagerduty.trigger")?.id ?? "";
    assert.equal((await rig.plan(page)).result, "granted");
  });

  it("is left alone once it is over", async () => {
    const rig = await Rig.open();
    for (let i = 0; i < 3; i++) await occur(rig, { ends: true });
    await rig.passAndTick(60 * MINUTE_MS);
    assert.equal(rig.state.runs.size, 0);
  });
});
