// Who may answer a hold: a role that is asked for, and never the proposer under any name.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { checkEligible } from "../../src/approvals/eligibility.ts";

const HOLD = { roles: ["on-call", "owner"], proposer: "agent:one", proposerPerson: "ada" };

describe("eligibility", () => {
  it("one of the roles is enough, none is not", () => {
    assert.equal(checkEligible(HOLD, { id: "person:ben", person: "ben", roles: ["x", "owner"] }), null);
    assert.equal(checkEligible(HOLD, { id: "person:ben", person: "ben", roles: ["x"] }), "not-eligible");
    assert.equal(checkEligible(HOLD, { id: "person:ben", person: "ben", roles: [] }), "not-eligible");
    assert.equal(checkEligible({ ...HOLD, roles: [] }, { id: "b", person: "b", roles: ["owner"] }), "not-eligible");
  });

  it("the owner of the proposing agent is the proposer, under every identity and with every role", () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.constantFrom("on-call", "owner", "other")), (id, roles) => {
        assert.equal(checkEligible(HOLD, { id, person: "ada", roles }), "self-approval");
        assert.equal(checkEligible(HOLD, { id: "agent:one", person: id, roles }), "self-approval");
      }),
    );
  });

  it("an agent without an owner is nobody's self", () => {
    const hold = { ...HOLD, proposerPerson: null };
    assert.equal(checkEligible(hold, { id: "person:ada", person: "ada", roles: ["owner"] }), null);
  });
});
