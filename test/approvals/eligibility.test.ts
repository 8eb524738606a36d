// Who may answer a hold: whom the step asks for, never the proposer under any name, and nobody twice.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { checkApproval, checkEligible, stillStanding, type Proposer } from "../../src/approvals/eligibility.ts";
import type { Independence } from "../../src/wire/types/approvals.ts";
import { agent, approval, seats } from "./seating.ts";

const PROPOSER: Proposer = { id: "agent:one", kind: "agent", person: "ada", owner: "person:ada", models: ["m/1"] };
const ASKS = { seats: [seats(["on-call", "owner"])], independentOf: [] };
const HOLD = { asks: ASKS, proposer: PROPOSER };

describe("eligibility", () => {
  it("one of the roles is enough, none is not", () => {
    assert.equal(checkEligible(HOLD, approval("ben", ["x", "owner"])), null);
    assert.equal(checkEligible(HOLD, approval("ben", ["x"])), "not-eligible");
    assert.equal(checkEligible(HOLD, approval("ben", [])), "not-eligible");
    const nobody = { seats: [seats([])], independentOf: [] };
    assert.equal(checkEligible({ ...HOLD, asks: nobody }, approval("ben", ["owner"])), "not-eligible");
  });

  it("the owner of the proposing agent is the proposer, under every identity and with every role", () => {
    const roles = fc.array(fc.constantFrom("on-call", "owner", "other"));
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), roles, (name, given) => {
        assert.equal(checkEligible(HOLD, { ...approval(name, given), person: "ada" }), "self-approval");
        assert.equal(checkEligible(HOLD, { ...approval(name, given), id: "agent:one" }), "self-approval");
      }),
    );
  });

  it("an agent without an owner is nobody's self", () => {
    const hold = { ...HOLD, proposer: { ...PROPOSER, person: null, owner: null } };
    assert.equal(checkEligible(hold, approval("ada", ["owner"])), null);
  });

  it("named people and those on duty are asked without a role, others are not", () => {
    const named = { ...HOLD, asks: { ...ASKS, seats: [seats([], { people: ["ben"], schedules: ["platform"] })] } };
    assert.equal(checkEligible(named, approval("ben", [])), null);
    assert.equal(checkEligible(named, approval("cid", ["owner"])), "not-eligible");
    assert.equal(checkEligible(named, { ...approval("cid", []), onDuty: ["platform"] }), null);
    assert.equal(checkEligible(named, { ...approval("cid", []), onDuty: ["another"] }), "not-eligible");
  });

  it("an agent is asked by role alone, and only where the step says so", () => {
    const open = { ...HOLD, asks: { ...ASKS, seats: [seats(["owner"], { agents: true })] } };
    assert.equal(checkEligible(HOLD, agent("bot", ["owner"])), "not-eligible");
    assert.equal(checkEligible(open, agent("bot", ["owner"])), null);
    const named = { ...HOLD, asks: { ...ASKS, seats: [seats([], { people: ["ben"], agents: true })] } };
    assert.equal(checkEligible(named, { ...agent("bot", []), person: "ben" }), "not-eligible");
  });

  it("nobody answers twice, under whichever identity", () => {
    const approvals = [approval("ben", ["owner"])];
    const phone = { ...approval("ben-phone", ["on-call"]), person: "ben" };
    assert.equal(checkApproval({ ...HOLD, approvals }, approval("ben", ["owner"])), "already-answered");
    assert.equal(checkApproval({ ...HOLD, approvals }, phone), "already-answered");
    assert.equal(checkApproval({ ...HOLD, approvals }, approval("cid", ["owner"])), null);
  });
});

describe("independence", () => {
  const asks = (independentOf: readonly Independence[]) => ({
    seats: [seats(["reviewer"], { agents: true, count: 3 })],
    independentOf,
  });
  const proposer: Proposer = { id: "agent:one", kind: "agent", person: null, owner: "team:a", models: ["m/1"] };
  const check = (of: readonly Independence[], one: ReturnType<typeof agent>) =>
    checkEligible({ asks: asks(of), proposer }, one);

  it("an agent of the proposer's owner or model does not count where that is asked", () => {
    const owned = agent("two", ["reviewer"], { owner: "team:a", models: ["m/2"] });
    const alike = agent("three", ["reviewer"], { owner: "team:b", models: ["m/2", "m/1"] });
    const other = agent("four", ["reviewer"], { owner: "team:b", models: ["m/2"] });
    const by = (of: readonly Independence[]) => [owned, alike, other].map((one) => check(of, one));
    assert.deepEqual(by([]), [null, null, null]);
    assert.deepEqual(by(["owner"]), ["not-eligible", null, null]);
    assert.deepEqual(by(["model"]), [null, "not-eligible", null]);
    assert.deepEqual(by(["owner", "model"]), ["not-eligible", "not-eligible", null]);
  });

  it("an agent of which nobody knows the owner or the model is independent of no agent", () => {
    const unknown = agent("two", ["reviewer"], { owner: null, models: [] });
    assert.equal(check([], unknown), null);
    assert.equal(check(["owner"], unknown), "not-eligible");
    assert.equal(check(["model"], unknown), "not-eligible");
  });

  it("a second agent of the same owner or model does not count beside the first", () => {
    const first = agent("two", ["reviewer"], { owner: "team:b", models: ["m/2"] });
    const same = agent("three", ["reviewer"], { owner: "team:b", models: ["m/3"] });
    const hold = { asks: asks(["owner"]), proposer, approvals: [first] };
    assert.equal(checkApproval(hold, same), "not-eligible");
    assert.equal(checkApproval({ ...hold, asks: asks(["model"]) }, same), null);
  });

  it("whoever owns an agent is not independent of it, and people are of each other", () => {
    const ada = approval("ada", ["reviewer"]);
    const owned: Proposer = { ...proposer, owner: "person:ada", person: "ben" };
    const hold = { asks: asks(["owner"]), proposer: owned };
    assert.equal(checkEligible(hold, ada), "not-eligible");
    assert.equal(checkEligible(hold, approval("cid", ["reviewer"])), null);
    assert.equal(checkEligible({ ...hold, asks: asks([]) }, ada), null);
  });
});

describe("standing", () => {
  const given = [approval("ada", ["sre", "dba"]), approval("ben", ["dba"])];

  it("who is not registered any more does not count", () => {
    assert.deepEqual(
      stillStanding(given, given.slice(1)).map(({ id }) => id),
      ["person:ben"],
    );
    assert.deepEqual(stillStanding(given, []), []);
  });

  it("a role that was taken away fills no seat, and one that came later neither", () => {
    const [ada] = stillStanding(given, [{ ...approval("ada", ["dba", "owner"]) }]);
    assert.deepEqual(ada?.roles, ["dba"]);
  });

  it("an identity that speaks for another human now is somebody else", () => {
    assert.deepEqual(stillStanding(given, [{ ...approval("ada", ["sre"]), person: "eve" }]), []);
    assert.deepEqual(stillStanding(given, [{ ...approval("ada", ["sre"]), kind: "agent" }]), []);
  });
});
