// Quorums: every seat taken by somebody else, exactly, in whatever order the approvals came.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { countQuorum } from "../../src/approvals/quorum.ts";
import type { Approval, Seats } from "../../src/wire/types/approvals.ts";
import { agent, approval, seats } from "./seating.ts";

const PAIR = { seats: [seats(["dba"]), seats(["sre"])], independentOf: [] };

function haves(asked: readonly Seats[], given: readonly Approval[]): readonly number[] {
  return countQuorum({ seats: asked, independentOf: [] }, given).needs.map(({ have }) => have);
}

describe("quorum", () => {
  it("one of each is asked, and two of one are not enough", () => {
    const [ada, ben] = [approval("ada", ["dba"]), approval("ben", ["sre"])];
    assert.equal(countQuorum(PAIR, [ada]).met, false);
    assert.equal(countQuorum(PAIR, [ada, approval("cid", ["dba"])]).met, false);
    assert.deepEqual(haves(PAIR.seats, [ada, approval("cid", ["dba"])]), [1, 0]);
    assert.equal(countQuorum(PAIR, [ada, ben]).met, true);
  });

  it("one person with both roles takes one seat", () => {
    const both = approval("ada", ["dba", "sre"]);
    assert.equal(countQuorum(PAIR, [both]).met, false);
    assert.equal(countQuorum(PAIR, [both, approval("ben", ["dba"])]).met, true);
    assert.deepEqual(countQuorum(PAIR, [both, approval("ben", ["dba"])]).takes, [1, 0]);
  });

  it("one person under two identities counts once", () => {
    const phone = { ...approval("ada-phone", ["sre"]), person: "ada" };
    assert.equal(countQuorum(PAIR, [approval("ada", ["dba"]), phone]).met, false);
    const bot = agent("bot", ["sre"], { person: "ada" });
    const open = { ...PAIR, seats: [seats(["dba"]), seats(["sre"], { agents: true })] };
    assert.equal(countQuorum(open, [approval("ada", ["dba"]), bot]).met, false);
    assert.equal(countQuorum(open, [approval("ben", ["dba"]), bot]).met, true);
  });

  it("an agent never takes a seat that is for people", () => {
    const bot = agent("bot", ["dba", "sre"]);
    assert.equal(countQuorum(PAIR, [bot, approval("ada", ["sre"])]).met, false);
  });

  it("N of M asks for N different people", () => {
    const asks = [seats([], { people: ["ada", "ben", "cid"], count: 2 })];
    assert.deepEqual(haves(asks, [approval("ada", [])]), [1]);
    assert.deepEqual(haves(asks, [approval("ada", []), approval("eve", [])]), [1]);
    assert.deepEqual(haves(asks, [approval("ada", []), approval("cid", [])]), [2]);
  });

  it("what asks nobody is never met", () => {
    assert.equal(countQuorum({ seats: [], independentOf: [] }, [approval("ada", ["dba"])]).met, false);
  });

  it("agrees with trying everybody on every seat, in any order", () => {
    const roles = fc.uniqueArray(fc.constantFrom("a", "b", "c"), { maxLength: 3 });
    const asked = fc.array(fc.tuple(roles, fc.integer({ min: 1, max: 2 })), { minLength: 1, maxLength: 3 });
    const given = fc.array(fc.tuple(fc.constantFrom("p", "q", "r", "s", "t"), roles), { maxLength: 6 });
    fc.assert(
      fc.property(asked, given, (kinds, people) => {
        const asks = { seats: kinds.map(([names, count]) => seats(names, { count })), independentOf: [] };
        const approvals = people.map(([name, has], i) => ({ ...approval(name, has), id: `person:${name}${i}` }));
        const { met, needs, takes } = countQuorum(asks, approvals);
        assert.equal(met, canBeSeated(asks.seats, approvals));
        assert.equal(countQuorum(asks, approvals.toReversed()).met, met);
        assert.deepEqual(
          countQuorum(asks, approvals.toReversed()).needs.map(sum).reduce(add),
          needs.map(sum).reduce(add),
        );
        assert.equal(takes.filter((kind) => kind !== null).length, needs.map(sum).reduce(add));
      }),
    );
  });
});

const sum = ({ have }: { have: number }): number => have;
const add = (a: number, b: number): number => a + b;

/** By trying all: who sits takes all their identities along. */
function canBeSeated(asked: readonly Seats[], by: readonly Approval[]): boolean {
  const [first, ...rest] = asked.flatMap((one) => Array.from({ length: one.count }, () => ({ ...one, count: 1 })));
  if (first === undefined) return true;
  return by.some(({ roles, person }) => {
    const fits = roles.some((role) => first.roles.includes(role));
    return (
      fits &&
      canBeSeated(
        rest,
        by.filter((other) => other.person !== person),
      )
    );
  });
}
