// Limits and duplicates of the standard pack: exact at the edge of the window, and never one over.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, it } from "node:test";
import { readCounters, reserve } from "../../src/kernel/counters.ts";
import { LIMITS } from "../../src/kernel/limits.ts";
import { emptyState } from "../../src/kernel/state.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

let failures = 0;

/** A page of a failure never seen before; gives what became of it. */
async function newPage(rig: Rig, service = "cart", source = "am"): Promise<{ id: string; result: string }> {
  // Each in an environment of its own: of one service in one place they would be one incident.
  const environment = `e${failures++}`;
  const id = await rig.page({ source, service, environment, signature: hash("sha256", environment) });
  return { id, result: rig.state.actions.get(id)?.status ?? rig.typesOf(id).at(-1) ?? "" };
}

describe("limits", () => {
  it("the sixth page of a service in a quarter of an hour is held, and the first one after it is not", async () => {
    const rig = await Rig.open();
    const pages = [];
    for (let i = 0; i < 5; i++) pages.push(await newPage(rig));
    assert.ok(pages.every(({ result }) => result === "granted"));
    // Begun: a grant that is used is never given back.
    for (const { id } of pages) await rig.begin(id);
    assert.equal((await newPage(rig)).result, "held");
    assert.equal((await newPage(rig, "search")).result, "granted");
    rig.pass(15 * MINUTE_MS - 1);
    assert.equal((await newPage(rig)).result, "held");
    rig.pass(1);
    assert.equal((await newPage(rig)).result, "granted");
  });

  it("twenty pages in all, whatever the service and the source", async () => {
    const rig = await Rig.open();
    const results: string[] = [];
    for (let i = 0; i < 21; i++) results.push((await newPage(rig, `service-${i}`, i % 2 === 0 ? "am" : "dd")).result);
    assert.deepEqual(results.slice(0, 20), Array(20).fill("granted"));
    assert.equal(results[20], "held");
  });

  it("fifteen pages for one source: what floods leaves some for the others", async () => {
    const rig = await Rig.open();
    const results: string[] = [];
    for (let i = 0; i < 30; i++) results.push((await newPage(rig, `service-${i}`, "mallory")).result);
    assert.deepEqual(results.slice(0, 15), Array(15).fill("granted"));
    assert.deepEqual(results.slice(15), Array(15).fill("held"));
    for (let i = 0; i < 5; i++) assert.equal((await newPage(rig, `real-${i}`, "alice")).result, "granted");
    assert.equal((await newPage(rig, "real-6", "alice")).result, "held");
  });

  it("what a person lets through beyond the limit counts: no page goes by itself until it is over", async () => {
    const rig = await Rig.open();
    for (let i = 0; i < 5; i++) await rig.begin((await newPage(rig)).id);
    rig.pass(10 * MINUTE_MS);
    const sixth = await newPage(rig);
    assert.equal((await rig.answer(sixth.id)).result, "granted");
    await rig.begin(sixth.id);
    rig.pass(5 * MINUTE_MS);
    const results: string[] = [];
    for (let i = 0; i < 5; i++) results.push((await newPage(rig)).result);
    assert.deepEqual(results, ["granted", "granted", "granted", "granted", "held"]);
  });

  it("two hundred callers at once: never one over", async () => {
    const rig = await Rig.open();
    for (let i = 0; i < 200; i++) await rig.grantLevel({ agent: `agent:${i}` });
    const asked = Array.from({ length: 200 }, (_, i) =>
      rig.propose({ kind: "test.limited", requestHash: `${i}` }, `agent:${i}`),
    );
    const results = (await Promise.all(asked)).map(({ result }) => result);
    assert.equal(results.filter((result) => result === "granted").length, 7);
    assert.equal(results.filter((result) => result === "refused").length, 193);
  });

  it("a grant that never began gives back what it took; one that began does not", async () => {
    const rig = await Rig.open();
    const ids: string[] = [];
    for (let i = 0; i < 7; i++) ids.push((await rig.propose({ kind: "test.limited" })).subject);
    assert.equal((await rig.propose({ kind: "test.limited" })).result, "refused");
    await rig.ask("cancel-action", { action: ids[0] ?? "", code: "x" });
    await rig.begin(ids[1] ?? "");
    await rig.finish(ids[1] ?? "", "failed");
    assert.equal((await rig.propose({ kind: "test.limited" })).result, "granted");
    assert.equal((await rig.propose({ kind: "test.limited" })).result, "refused");
  });

  it("the same failure at another service's incident within half an hour is a duplicate, and says of what", async () => {
    const rig = await Rig.open();
    const signature = hash("sha256", "shared");
    const first = await rig.page({ signature });
    await rig.begin(first);
    const second = await rig.page({ signature, service: "search" });
    assert.equal(rig.last("action.suppressed", second).duplicateOf, first);
    rig.pass(30 * MINUTE_MS);
    const third = await rig.page({ signature, service: "payments" });
    assert.equal(rig.action(third).status, "granted");
  });

  it("counters that still count are not evicted for new ones: a full table lets nothing new through", () => {
    const state = emptyState();
    const windowMs = 1_000;
    const take = (counter: string, now: number) =>
      reserve(state, { action: "act", now, reservations: [{ counter, windowMs, max: 1 }] });
    for (let i = 0; i < LIMITS.countersMax; i++) take(`c${i}`, 0);
    assert.ok(readCounters(state, 999).used("new", windowMs) >= 1);
    assert.equal(readCounters(state, 999).used("c0", windowMs), 1);
    assert.equal(readCounters(state, 1_000).used("new", windowMs), 0);
    take("new", 1_000);
    assert.deepEqual([...state.counters.keys()], ["new"]);
  });
});
