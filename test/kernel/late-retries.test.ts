// A freeze, the end of a window, or a failed revert between two attempts: what has done nothing yet does not begin again.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Engine } from "../../src/kernel/transaction.ts";
import type { Evaluation } from "../../src/wire/types/verdict.ts";
import { assertReplays } from "./alerts.ts";
import { grantSetProposal } from "./grant-set-proposal.ts";
import { bundle, engine, MINUTE_MS, Rig } from "./rig.ts";

const BEFORE_FREEZE = "2026-09-21T23:59:30Z";

async function begun(): Promise<{ rig: Rig; id: string }> {
  const rig = await Rig.open();
  await rig.register("agent:one"); // by the real way: what is recorded is decided again
  rig.pass(Date.parse(BEFORE_FREEZE) - rig.nowMs);
  const { subject: id } = await rig.propose({ kind: "test.frozen", repeat: "conditional" });
  assert.equal((await rig.begin(id)).result, "started");
  return { rig, id };
}

function closeDomain(rig: Rig): void {
  rig.state.blocked.set("production|cart", "act_000000001");
}

describe("a later attempt", () => {
  it("is refused in a freeze that began meanwhile, when none before it had an effect", async () => {
    const { rig, id } = await begun();
    await rig.finish(id, "retry");
    rig.pass(MINUTE_MS);
    assert.equal((await rig.begin(id)).result, "refused");
    assert.equal(rig.last("action.refused", id).code, "frozen");
    assert.equal(rig.state.actions.has(id), false);
    assert.equal((await rig.begin(id)).result, "ended");
    assertReplays(rig);
  });

  it("so is one that the target was asked about, and knows nothing of", async () => {
    const { rig, id } = await begun();
    await rig.finish(id, "unknown");
    assert.equal((await rig.reconcile(id, "absent")).result, "granted");
    rig.pass(MINUTE_MS);
    assert.equal((await rig.begin(id)).result, "refused");
    assertReplays(rig);
  });

  it("goes on in the freeze where one before it may have had an effect, or had a part of it", async () => {
    for (const status of ["unknown", "partial"] as const) {
      const rig = await Rig.open();
      rig.pass(Date.parse(BEFORE_FREEZE) - rig.nowMs);
      const { subject: id } = await rig.propose({ kind: "test.frozen" });
      await rig.begin(id);
      assert.equal((await rig.finish(id, status, 1)).result, "retrying");
      rig.pass(MINUTE_MS);
      assert.equal((await rig.begin(id)).result, "started", status);
      await rig.finish(id, "retry");
      rig.pass(MINUTE_MS);
      assert.equal((await rig.begin(id)).result, "started", `${status}, and none since`);
    }
  });

  it("is refused where a revert failed meanwhile; what it took from limits and bounded grants is given back", async () => {
    const rig = await Rig.open();
    const expiresAt = rig.nowMs + 60 * MINUTE_MS;
    const scope = { agent: "agent:two", expiresAt, count: 1 };
    const { subject: asked } = await rig.propose(
      grantSetProposal(scope, { agentKind: "person", person: "ben" }),
      "person:ben",
    );
    await rig.answer(asked);
    const { subject: under } = await rig.propose({ kind: "test.asked" }, "agent:two");
    const { subject: limited } = await rig.propose({ kind: "test.limited" });
    const [counter = ""] = rig.action(limited).grant?.counters ?? [];
    const used = () => [
      [...rig.state.sets.values()].map(({ usedCount }) => usedCount),
      rig.state.counters.get(counter)?.times.length,
    ];
    for (const id of [under, limited]) {
      await rig.begin(id);
      await rig.finish(id, "retry");
    }
    assert.deepEqual(used(), [[1], 1]);
    rig.pass(1_000);
    closeDomain(rig);
    for (const id of [under, limited]) {
      assert.equal((await rig.begin(id)).result, "refused");
      assert.equal(rig.last("action.refused", id).code, "domain-blocked");
    }
    assert.deepEqual(used(), [[0], 0]);
  });

  it("of a page goes on: the incident counts as paged from the first call on", async () => {
    let isFrozen = false;
    const frozen = { gate: "window/freeze", verdict: "refuse", code: "frozen", evidence: {} } as const;
    const freezing: Engine = {
      version: engine.version,
      policy(hash) {
        if (hash !== bundle.hash) return undefined;
        const evaluate: typeof bundle.evaluate = (facts, counters): Evaluation => {
          const decided = bundle.evaluate(facts, counters);
          return isFrozen ? { ...decided, verdicts: [...decided.verdicts, frozen] } : decided;
        };
        return Object.assign(Object.create(bundle) as typeof bundle, { evaluate });
      },
    };
    const rig = await Rig.open(freezing);
    const page = await rig.page();
    const { subject: own } = await rig.propose({ kind: "test.free" });
    await rig.begin(page);
    await rig.finish(page, "retry");
    rig.pass(1_000);
    isFrozen = true;
    assert.equal((await rig.begin(page)).result, "started");
    assert.equal((await rig.begin(own)).result, "refused", "so the freeze does hold");
  });
});
