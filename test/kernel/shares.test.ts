// Tables that many share: who floods one pushes out its own entries, and what is pushed out is on record.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { apply } from "../../src/kernel/apply.ts";
import { addShare, dropShare, shareToCut, type Shares } from "../../src/kernel/bounded.ts";
import type { EventFacts, EventType } from "../../src/kernel/events.ts";
import { LIMITS } from "../../src/kernel/limits.ts";
import { parseState, serializeState } from "../../src/kernel/snapshot.ts";
import { emptyState, type State } from "../../src/kernel/state.ts";
import { Rig } from "./rig.ts";

/** Folds one event as if it had been recorded. */
function fold<T extends EventType>(
  state: State,
  type: T,
  of: { subject: string; actor?: string; facts: unknown },
): void {
  const { subject, actor = "system:test", facts } = of;
  const seq = state.nextSeq;
  apply(state, { seq, time: 0, type, version: 1, actor, subject, command: seq, facts: facts as never });
}

function openIncident(state: State, of: { source: string; name: string }): void {
  const place = { environment: "production", service: of.name, signature: of.name };
  const incident = `inc_${of.name}`;
  fold(state, "incident.opened", { subject: incident, facts: place });
  const facts: EventFacts["signal.received"] = {
    ...place,
    failure: of.name,
    joinedBy: "opened",
    source: of.source,
    detector: "d",
    status: "firing",
    deliveryKey: `${of.name}:firing`,
    claimedSeverity: "low",
    incident,
  };
  fold(state, "signal.received", { subject: `sig_${of.name}`, facts });
}

/** A kernel over a state that is full of what a flood left. */
async function over(state: State): Promise<Rig> {
  const opened = await Rig.open();
  state.bundleHash = opened.state.bundleHash;
  const rig = new Rig(state);
  rig.writer.append = (events) => {
    rig.writer.kept.push(...events);
    return Promise.resolve({ size: (events.at(-1)?.seq ?? -1) + 1, checkpoint: null });
  };
  return rig;
}

describe("open incidents", () => {
  it("a source that floods evicts its own oldest ones, and the event says so", async () => {
    const state = emptyState();
    openIncident(state, { source: "alice", name: "real" });
    for (let i = 1; i < LIMITS.openIncidentsMax; i++) openIncident(state, { source: "mallory", name: `m${i}` });
    const rig = await over(state);
    for (let i = 0; i < 3; i++) await rig.signal({ source: "mallory", service: `new-${i}`, signature: `${i}` });
    await rig.signal({ source: "carol", service: "quiet", signature: "quiet" });
    const evicted = rig.all("incident.resolved").map(({ subject, facts }) => [subject, facts.code]);
    assert.deepEqual(evicted, [
      ["inc_m1", "evicted"],
      ["inc_m2", "evicted"],
      ["inc_m3", "evicted"],
      ["inc_m4", "evicted"],
    ]);
    assert.ok(rig.state.incidents.has("inc_real"));
    assert.equal(rig.state.incidents.size, LIMITS.openIncidentsMax);
  });

  it("one that another source confirms is no longer the flooding source's to lose", async () => {
    const state = emptyState();
    openIncident(state, { source: "mallory", name: "shared" });
    const shared = { environment: "production", service: "shared", signature: "shared" };
    for (let i = 1; i < LIMITS.openIncidentsMax; i++) openIncident(state, { source: "mallory", name: `m${i}` });
    const rig = await over(state);
    await rig.signal({ ...shared, source: "alice" });
    for (let i = 0; i < 2; i++) await rig.signal({ source: "mallory", service: `new-${i}`, signature: `${i}` });
    assert.deepEqual(
      rig.all("incident.resolved").map(({ subject }) => subject),
      ["inc_m1", "inc_m2"],
    );
  });

  it("one whose page is open at the pager goes after those without", async () => {
    const state = emptyState();
    for (let i = 0; i < LIMITS.openIncidentsMax; i++) openIncident(state, { source: "mallory", name: `m${i}` });
    const first = state.incidents.get("inc_m0");
    assert.ok(first);
    first.page = { action: "act", of: "inc_m0", severity: "high", duplicateKeys: [], at: 0 };
    const rig = await over(state);
    await rig.signal({ source: "mallory", service: "new", signature: "new" });
    assert.equal(rig.all("incident.resolved")[0]?.subject, "inc_m1");
  });
});

describe("delivery keys", () => {
  it("a source that floods forgets its own; another's repetition stays known", async () => {
    const state = emptyState();
    const quarantine = (source: string, deliveryKey: string): void =>
      fold(state, "signal.quarantined", { subject: `sig_${deliveryKey}`, facts: { source, reason: "r", deliveryKey } });
    quarantine("alice", "real");
    for (let i = 1; i < LIMITS.deliveryKeysMax; i++) quarantine("mallory", `m${i}`);
    const rig = await over(state);
    const input = { source: "mallory", reason: "r", deliveryKey: "one more" };
    await rig.ask("quarantine-signal", input);
    assert.equal(rig.last("signal.quarantined").forgets, "m1");
    await rig.signal({ source: "mallory", deliveryKey: "two more:firing" });
    assert.equal(rig.last("signal.received").forgets, "m2");
    const again = await rig.ask("quarantine-signal", { source: "alice", reason: "r", deliveryKey: "real" });
    assert.equal(again.result, "known");
    assert.equal(rig.state.deliveries.size, LIMITS.deliveryKeysMax);
  });
});

describe("idempotency keys", () => {
  it("a client that uses many forgets its own; another's key still gives the action that it made", async () => {
    const state = emptyState();
    const remember = (client: string, key: string): void => {
      state.idempotency.set(key, { subject: `act_${key}`, requestHash: "r", client });
      addShare(state.shares.idempotency, client, key);
    };
    remember("agent:alice", "alice 1");
    for (let i = 1; i < LIMITS.idempotencyKeysMax; i++) remember("agent:mallory", `mallory ${i}`);
    const rig = await over(state);
    await rig.propose({ idempotencyKey: "mallory more" }, "agent:mallory");
    assert.equal(rig.last("action.proposed").forgets, "mallory 1");
    await rig.propose({ idempotencyKey: "carol 1" }, "agent:carol");
    assert.equal(rig.last("action.proposed").forgets, "mallory 2");
    const again = await rig.propose({ idempotencyKey: "alice 1", requestHash: "r" }, "agent:alice");
    assert.deepEqual(again, { subject: "act_alice 1", result: "known", repeated: true });
    assert.equal(rig.state.idempotency.size, LIMITS.idempotencyKeysMax);
  });

  it("nothing is forgotten while there is room", async () => {
    const rig = await Rig.open();
    await rig.propose({ idempotencyKey: "k" });
    assert.ok(!("forgets" in rig.last("action.proposed")));
  });
});

describe("shares", () => {
  it("whoever has less than an equal part loses nothing to another; ties are cut the same way in any order", () => {
    const adding = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.nat(50)), { maxLength: 60 });
    fc.assert(
      fc.property(adding, fc.constantFrom("a", "b", "c", "d"), (entries, owner) => {
        const shares: Shares = new Map();
        for (const [name, key] of entries) addShare(shares, name, `${name}${key}`);
        const size = [...shares.values()].reduce((sum, share) => sum + share.size, 0);
        const cut = shareToCut(shares, owner, size);
        const largest = Math.max(0, ...[...shares.values()].map((share) => share.size));
        assert.ok(cut === shares.get(owner) || cut.size === largest);
        assert.ok(cut.size * shares.size >= size);
        const turned: Shares = new Map([...shares].toReversed());
        assert.deepEqual([...shareToCut(turned, owner, size)], [...cut]);
      }),
    );
  });

  it("an owner without keys leaves no trace", () => {
    const shares: Shares = new Map();
    addShare(shares, "a", "1");
    dropShare(shares, "a", "1");
    dropShare(shares, "b", "1");
    assert.equal(shares.size, 0);
  });

  it("come back from a snapshot in their order", async () => {
    const rig = await Rig.open();
    for (const source of ["am", "dd", "am"]) await rig.signal({ source, service: source });
    await rig.signal({ source: "late", service: "am" });
    await rig.propose({ idempotencyKey: "k1" }, "agent:one");
    await rig.propose({ idempotencyKey: "k2" }, "agent:two");
    const back = parseState(serializeState(rig.state));
    for (const table of ["incidents", "deliveries", "idempotency"] as const) {
      const inOrder = (state: Readonly<State>): unknown =>
        [...state.shares[table]]
          .map(([owner, share]) => [owner, [...share]] as const)
          .toSorted(([a], [b]) => (a < b ? -1 : 1));
      assert.deepEqual(inOrder(back), inOrder(rig.state), table);
    }
  });
});
