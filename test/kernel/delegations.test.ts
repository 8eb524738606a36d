// Agents that act for others: each of those narrows them, none of them approves, and what is cut above is cut below.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isAppError, type ErrorCode } from "../../src/core/errors.ts";
import { parseState, serializeState, stateHash } from "../../src/kernel/snapshot.ts";
import type { Agent } from "../../src/kernel/agent.ts";
import { stopsOf } from "../../src/kernel/stops.ts";
import type { Delegator } from "../../src/wire/types/identity.ts";
import { registrationOf, registrationProposal } from "./agent-registration.ts";
import { Rig } from "./rig.ts";

const ADA: Delegator = { id: "person:ada-phone", person: "ada" };
const UPPER: Delegator = { id: "agent:upper", person: null };
const free = { kind: "test.free" } as const;
const refusedAs = (code: ErrorCode) => (error: unknown) => isAppError(error, code);

/** With `agent:upper`, which may do two kinds in staging. */
async function rigWithUpper(level: 0 | 1 | 2 | 3 = 3): Promise<Rig> {
  const rig = await Rig.open();
  const upper = registrationOf(UPPER.id, { kinds: ["test.free", "test.asked"], environments: ["staging"] });
  const { subject } = await rig.ask("propose-action", registrationProposal(upper), "person:asker");
  await rig.answer(subject, { person: "grace", roles: ["owner"] }, "person:grace");
  await rig.grantLevel({ agent: UPPER.id, level });
  return rig;
}

describe("an agent that acts for others", () => {
  it("is on record with all of them, whoever began it first", async () => {
    const rig = await rigWithUpper();
    const actsFor = [ADA, UPPER];
    const { subject, result } = await rig.propose({ ...free, environment: "staging", actsFor });
    assert.equal(result, "granted");
    assert.deepEqual(rig.last("action.proposed", subject).actsFor, actsFor);
    assert.deepEqual(rig.action(subject).actsFor, actsFor);
    assert.equal(stateHash(parseState(serializeState(rig.state))), stateHash(rig.state));
  });

  it("has no more than any agent among them: what is beyond that one's registration is refused", async () => {
    const rig = await rigWithUpper();
    const actsFor = [UPPER];
    assert.equal((await rig.propose({ ...free, environment: "production" })).result, "granted", "by itself");
    const production = rig.propose({ ...free, environment: "production", actsFor });
    await assert.rejects(production, refusedAs("declaration-exceeded"));
    const kind = rig.propose({ kind: "test.checked", environment: "staging", actsFor });
    await assert.rejects(kind, refusedAs("declaration-exceeded"));
    const nobody = rig.propose({ ...free, actsFor: [{ id: "agent:nobody", person: null }] });
    await assert.rejects(nobody, refusedAs("agent-revoked"));
  });

  it("goes no further by itself than the lowest level among them", async () => {
    const low = await rigWithUpper(1);
    const of = { ...free, environment: "staging", actsFor: [UPPER] };
    assert.equal((await low.propose(of)).result, "held");
    const none = await rigWithUpper(0);
    assert.equal((await none.propose(of)).result, "advised");
  });

  it("is approved by none of them, under whichever identity", async () => {
    const rig = await rigWithUpper();
    const of = { kind: "test.asked", environment: "staging", actsFor: [ADA, UPPER] };
    const { subject } = await rig.propose(of);
    const answer = (id: string, person: string) => rig.answer(subject, { person, roles: ["on-call"] }, id);
    await assert.rejects(answer("person:ada-phone", "someone"), refusedAs("self-approval"));
    await assert.rejects(answer("person:ada", "ada"), refusedAs("self-approval"));
    assert.equal((await answer("person:grace", "grace")).result, "granted");
  });

  it("stops with each of them: one that is revoked, and one that is paused", async () => {
    const rig = await rigWithUpper();
    const of = { ...free, environment: "staging", actsFor: [ADA, UPPER] };
    const waiting = await rig.propose({ ...of, kind: "test.asked" });
    const granted = await rig.propose(of);
    await rig.ask("revoke-agent", { agent: UPPER.id });
    for (const { subject } of [waiting, granted]) {
      assert.deepEqual(rig.typesOf(subject).at(-1), "action.cancelled");
      assert.equal(rig.last("action.cancelled", subject).code, "agent-revoked");
    }
    await assert.rejects(rig.propose(of), refusedAs("agent-revoked"));

    const paused = await rigWithUpper();
    for (const scope of [{ agent: UPPER.id }, { owner: "ada" }]) {
      await paused.ask("apply-brake", { mode: "pause", scope }, "person:grace");
      const { subject } = await paused.propose(of);
      assert.equal(paused.last("action.refused", subject).code, "paused", JSON.stringify(scope));
      assert.equal((await paused.propose(free)).result, "granted", "by itself it goes on");
      const brake = [...paused.state.brakes.keys()].at(-1) ?? "";
      paused.state.brakes.delete(brake);
    }
  });

  it("stops with the agent that it is registered under, before its steps too, and the preview names it", async () => {
    const rig = await Rig.open();
    rig.admit("agent:orchestrator");
    for (const [id, parents] of [
      ["agent:worker", ["agent:orchestrator"]],
      ["agent:hand", ["agent:worker", "agent:orchestrator"]],
    ] as const) {
      rig.admit(id, { parent: parents[0] });
      rig.state.agents.set(id, { ...(rig.state.agents.get(id) as Agent), parents });
    }
    for (const agent of ["agent:orchestrator", "agent:worker", "agent:hand"]) await rig.grantLevel({ agent });
    const { subject: granted } = await rig.propose(free, "agent:hand");
    assert.equal(rig.action(granted).status, "granted");
    const scope = { agent: "agent:orchestrator" };
    assert.deepEqual(
      stopsOf(rig.state, scope).map(({ id }) => id),
      [granted],
    );
    await rig.ask("apply-brake", { mode: "pause", scope }, "person:grace");
    await assert.rejects(rig.begin(granted), refusedAs("killswitch-conflict"));
    for (const agent of ["agent:orchestrator", "agent:worker", "agent:hand"]) {
      const { subject } = await rig.propose(free, agent);
      assert.equal(rig.last("action.refused", subject).code, "paused", agent);
    }
    assert.equal((await rig.propose(free)).result, "granted", "another agent goes on");
    const back = parseState(serializeState(rig.state));
    assert.deepEqual(back.actions.get(granted)?.above, ["agent:worker", "agent:orchestrator"]);
  });
});
