// State: bounded in one order, whole after a snapshot, and never dependent on what can be erased.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { redecide } from "../../src/history/redecide.ts";
import { apply } from "../../src/kernel/apply.ts";
import { setBounded } from "../../src/kernel/bounded.ts";
import { parseState, serializeState, stateHash } from "../../src/kernel/snapshot.ts";
import { emptyState } from "../../src/kernel/state.ts";
import type { LedgerEvent, UnsealedEvent } from "../../src/wire/types/event.ts";
import { engine, MINUTE_MS, Rig } from "./rig.ts";

/** A little of everything, with payloads wherever a command takes one. */
async function busy(): Promise<Rig> {
  const rig = await Rig.open();
  await rig.register("agent:one");
  await rig.begin(await rig.page({ deliveryKey: "a:firing" }));
  await rig.page({ service: "search" });
  await rig.propose({ idempotencyKey: "k" });
  const content = { args: { secretive: "text" }, reason: "because" };
  const input = { source: "am", reason: "service-missing", deliveryKey: "q" };
  await rig.kernel.submit({ type: "quarantine-signal", actor: "source:am", input, content });
  await rig.ask("apply-brake", { mode: "pause", scope: { service: "payments" } });
  await rig.signal({ deliveryKey: "a:resolved", status: "resolved" });
  await rig.passAndTick(15 * MINUTE_MS);
  return rig;
}

function withoutPayload({ payload: _payload, ...event }: UnsealedEvent): LedgerEvent {
  return event;
}

describe("state", () => {
  it("a bounded map lets the oldest go first; a key set again is new", () => {
    const map = new Map<string, number>();
    for (const key of ["a", "b", "c"]) setBounded(map, { key, value: 1, max: 3 });
    setBounded(map, { key: "a", value: 2, max: 3 });
    setBounded(map, { key: "d", value: 1, max: 3 });
    assert.deepEqual(
      [...map],
      [
        ["c", 1],
        ["a", 2],
        ["d", 1],
      ],
    );
  });

  it("every map comes back from a snapshot in its order", async () => {
    const rig = await busy();
    const text = serializeState(rig.state);
    const back = parseState(text);
    assert.equal(serializeState(back), text);
    for (const [name, value] of Object.entries(rig.state)) {
      if (!(value instanceof Map) || name === "incidentByKey") continue;
      assert.deepEqual([...(back[name as "actions"] as Map<string, unknown>).keys()], [...value.keys()], name);
    }
    assert.deepEqual(new Map(back.incidentByKey), new Map(rig.state.incidentByKey));
    assert.deepEqual(back.joins, rig.state.joins);
  });

  it("goes on from a snapshot as it would have gone on without", async () => {
    const rig = await busy();
    const copy = new Rig(parseState(serializeState(rig.state)));
    copy.writer.kept.push(...rig.writer.kept);
    copy.pass(rig.nowMs - copy.nowMs);
    for (const one of [rig, copy]) {
      await one.page({ service: "late", deliveryKey: "z:firing" });
      await one.passAndTick(5 * MINUTE_MS);
    }
    assert.equal(stateHash(copy.state), stateHash(rig.state));
  });

  it("a text that is no snapshot is refused", () => {
    assert.throws(() => parseState('{"format":2,"state":{}}'), { code: "ledger-corrupt" });
    assert.throws(() => parseState('{"format":2,"state":{}}'), { code: "ledger-corrupt" });
  });

  it("folds and decides the same with every payload gone", async () => {
    const rig = await busy();
    const events = rig.writer.kept.map(withoutPayload);
    const folded = emptyState();
    for (const event of events) apply(folded, event);
    assert.equal(stateHash(folded), stateHash(rig.state));
    const decided = emptyState();
    for (const batch of Map.groupBy(events, (event) => event.command).values()) {
      assert.equal(redecide({ state: decided, engine, group: batch }), null);
    }
    assert.equal(stateHash(decided), stateHash(folded));
  });

  it("stops at an event out of order, back in time, of an unknown type or version", async () => {
    const rig = await busy();
    const [first, second] = rig.writer.kept.map(withoutPayload) as [LedgerEvent, LedgerEvent];
    const after = () => {
      const state = emptyState();
      apply(state, first);
      return state;
    };
    assert.throws(() => apply(emptyState(), second), /follows/);
    assert.throws(() => apply(after(), { ...second, time: first.time - 1 }), /never decreases/);
    assert.throws(() => apply(after(), { ...second, type: "toString" }), /a reducer/);
    assert.throws(() => apply(after(), { ...second, version: 2 }), /a reducer/);
  });
});
