// Bounded grants: asked of the people they spare, used exactly, given back, ended at once.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TERMS } from "../../src/kernel/limits.ts";
import { parseState, serializeState, stateHash } from "../../src/kernel/snapshot.ts";
import type { GrantSetScope } from "../../src/wire/types/grant-set.ts";
import { grantSetProposal } from "./grant-set-proposal.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

const AGENT = "agent:two";
const PERSON = { agentKind: "person", person: "ben" } as const;
const asked = { kind: "test.asked" } as const;

/** A bounded grant for the agent, approved by whoever is on call. */
async function given(rig: Rig, of: Partial<GrantSetScope> = {}): Promise<string> {
  const scope = { agent: AGENT, expiresAt: rig.nowMs + 60 * MINUTE_MS, count: 2, ...of };
  const { subject, result } = await rig.propose(grantSetProposal(scope, PERSON), "person:ben");
  assert.equal(result, "held");
  assert.equal((await rig.answer(subject)).result, "succeeded");
  return rig.all("grant.created").at(-1)?.subject ?? "";
}

const results = async (rig: Rig, times: number, of: object = {}): Promise<readonly string[]> => {
  const all: string[] = [];
  for (let i = 0; i < times; i++) all.push((await rig.propose({ ...asked, requestHash: `${i}`, ...of }, AGENT)).result);
  return all;
};

describe("a bounded grant", () => {
  it("spares its people so many actions of its agent, and says under what each went", async () => {
    const rig = await Rig.open();
    const grant = await given(rig);
    assert.deepEqual(await results(rig, 3), ["granted", "granted", "held"]);
    const { under, evaluation } = rig.last("action.granted");
    assert.deepEqual([under, evaluation.decision], [{ grant, size: 1 }, "hold"]);
    assert.deepEqual(evaluation.verdicts.at(-1), {
      code: "within-grant",
      evidence: { grant, left: 0 },
      gate: "kernel/bounded-grant",
      verdict: "pass",
    });
    assert.equal((await rig.propose({ ...asked, requestHash: "other" }, "agent:one")).result, "held");
  });

  it("covers its kinds, places, size and route, and no more", async () => {
    const rig = await Rig.open();
    await given(rig, { count: 100, kinds: ["test.asked"], services: ["cart"], size: 5 });
    assert.deepEqual(await results(rig, 1, { service: "search" }), ["held"]);
    assert.deepEqual(await results(rig, 1, { environment: "staging", service: "cart" }), ["held"]);
    assert.deepEqual(await results(rig, 1, { service: "cart", size: 6 }), ["held"]);
    assert.deepEqual(await results(rig, 2, { service: "cart", size: 3 }), ["granted", "held"]);
    assert.deepEqual(await results(rig, 1, { kind: "unheard.of" }), ["refused"]);
    const owners = await Rig.open();
    await owners.propose(
      grantSetProposal({ agent: AGENT, expiresAt: owners.nowMs + 1, route: "owners" }, PERSON),
      "person:ben",
    );
    assert.deepEqual(owners.last("action.held").route, "owners");
    assert.deepEqual(await results(owners, 1), ["held"]);
  });

  it("stands for what rules ask, and not for what a gate, or an executor, found about this very action", async () => {
    const rig = await Rig.open();
    await given(rig, { count: 100 });
    assert.deepEqual(await results(rig, 2, { kind: "test.often" }), ["granted", "held"]);
    const { subject } = await rig.propose({ ...asked, planHash: null }, AGENT);
    const planned = { action: subject, planHash: "1".repeat(64), code: "", signature: "irreversible" };
    assert.equal((await rig.ask("plan-action", planned)).result, "held");
  });

  it("gives back what never began, and counts what did for good", async () => {
    const rig = await Rig.open();
    const grant = await given(rig, { count: 1 });
    const one = await rig.propose({ ...asked, requestHash: "1" }, AGENT);
    await rig.ask("cancel-action", { action: one.subject, code: "x" }, "person:ada");
    assert.equal(rig.state.sets.get(grant)?.usedCount, 0);
    const two = await rig.propose({ ...asked, requestHash: "2" }, AGENT);
    await rig.begin(two.subject, rig.action(two.subject).consent?.approvals);
    await rig.finish(two.subject, "failed");
    assert.deepEqual(await results(rig, 1), ["held"]);
  });

  it("is worth nothing once its approver is gone", async () => {
    const rig = await Rig.open();
    await given(rig);
    const { subject } = await rig.propose(asked, AGENT);
    assert.equal((await rig.begin(subject, [])).result, "refused");
    assert.equal(rig.last("action.refused", subject).code, "approval-void");
  });

  it("taken back stops what is under way under it; run out, it lets that go on", async () => {
    const rig = await Rig.open();
    const grant = await given(rig, { count: 3 });
    const [one, two] = [await rig.propose(asked, AGENT), await rig.propose({ ...asked, requestHash: "2" }, AGENT)];
    await rig.begin(one.subject, rig.action(one.subject).consent?.approvals);
    await rig.ask("revoke-grant", { grant }, "person:ada");
    assert.equal(rig.action(one.subject).grant?.revoked, true);
    assert.equal(rig.last("action.grant-revoked", two.subject).status, "cancelled");
    assert.equal(rig.last("action.grant-revoked").code, "set-revoked");
    assert.deepEqual(await results(rig, 1), ["held"]);
    await assert.rejects(rig.ask("revoke-grant", { grant }, "person:ada"), { code: "grant-ended" });

    const later = await given(rig, { expiresAt: rig.nowMs + MINUTE_MS });
    const three = await rig.propose({ ...asked, requestHash: "3" }, AGENT);
    await rig.passAndTick(MINUTE_MS);
    assert.equal(rig.all("grant.expired").at(-1)?.subject, later);
    assert.equal(rig.action(three.subject).status, "granted");
  });

  it("ends with its agent", async () => {
    const rig = await Rig.open();
    const grant = await given(rig);
    await rig.ask("revoke-agent", { agent: AGENT }, "person:ada");
    assert.equal(rig.last("grant.revoked", grant).code, "agent-revoked");
    assert.equal(rig.state.sets.size, 0);
  });

  it("is asked by an agent for itself alone, for a known agent, for a while, and answered by people alone", async () => {
    const rig = await Rig.open();
    const ends = (agent: string, expiresAt = rig.nowMs + MINUTE_MS) => grantSetProposal({ agent, expiresAt }, PERSON);
    const refused = async (proposal: ReturnType<typeof ends>, by = "person:ben"): Promise<string> =>
      rig.last("action.refused", (await rig.propose(proposal, by)).subject).code;
    const own = { ...ends(AGENT), agentKind: "agent", person: null } as const;
    assert.equal(await refused(own, "agent:one"), "not-own");
    assert.equal(await refused(ends("agent:nobody")), "agent-unregistered");
    assert.equal(await refused(ends(AGENT, rig.nowMs)), "grant-term");
    assert.equal(await refused(ends(AGENT, rig.nowMs + TERMS.grantSetMs + 1)), "grant-term");
    const held = await rig.propose(own, AGENT);
    assert.equal(held.result, "held");
    assert.ok(rig.last("action.held", held.subject).asks.seats.every(({ agents }) => !agents));
  });

  it("is kept by a snapshot as it is", async () => {
    const rig = await Rig.open();
    await given(rig);
    await results(rig, 1);
    assert.equal(stateHash(parseState(serializeState(rig.state))), stateHash(rig.state));
  });
});
