// The reference chain: a shared default timeout is lowered, and carts fail days later under a peak. Nobody wrote down that
// they would: which change it was is found by running the same days again without each.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readCauses } from "../../src/model/causes/read-causes.ts";
import { DAY_S, nodeText, recordShop, simulate, STEP_S, type ShopChange } from "./emergent-shop.ts";
import { culprit, DAYS, EMBEDS, innocentChanges } from "./emergent-week.ts";
import { BEGIN_S, service } from "./histories.ts";

const BROKEN = 0.05;

/** Changes without any one of which the days go by unharmed. */
function necessary(changes: readonly ShopChange[]): readonly string[] {
  return changes
    .filter(
      (one) =>
        simulate(
          changes.filter((other) => other !== one),
          DAYS,
        ).worst < BROKEN,
    )
    .map(({ id }) => id);
}

const ask = (changes: readonly ShopChange[]) => {
  const run = simulate(changes, DAYS);
  const graph = recordShop(run, changes, EMBEDS, { beginS: BEGIN_S });
  const at = (BEGIN_S + DAYS * DAY_S - STEP_S) * 1000;
  return {
    run,
    answer: readCauses(graph, {
      what: "causes",
      node: nodeText("storefront"),
      measure: "errors",
      at,
      knownAt: at + STEP_S * 1000,
    }),
  };
};

describe("a failure that emerges days after its cause", () => {
  test("sleeps until the peak: days of the lowered timeout go by without harm", () => {
    const { instants, worst } = simulate([culprit], DAYS);
    const before = instants.filter(({ atS }) => atS < DAYS * DAY_S - 4 * STEP_S);
    const usual = Math.max(...before.map(({ instant }) => instant.nodes.get("storefront")?.errorRatio ?? 0));
    assert.ok(usual < 0.01, `${usual} failed before the peak`);
    assert.ok(worst > 0.2, `${worst} failed at the peak`);
    assert.ok(simulate([], DAYS).worst < 0.01, "the peak alone breaks it");
  });

  for (const seed of [1, 2, 3, 4, 5]) {
    test(`is named first, complete and in order, among forty other changes (seed ${seed})`, () => {
      const changes = [...innocentChanges(seed, 40), culprit];
      assert.deepEqual(necessary(changes), [culprit.id], "running again without each names another");
      const { answer } = ask(changes);
      const [first, second] = answer.causes;
      assert.equal(first?.change, culprit.id, JSON.stringify(answer.causes.slice(0, 3)));
      assert.ok(second === undefined || first.score > second.score);
      assert.deepEqual(first.chain, [
        `change:${culprit.id}`,
        "library::redis-client",
        nodeText("cart"),
        nodeText("storefront"),
      ]);
      assert.match(first.evidence.join("\n"), /defaults\.timeout: 40 to 14 ms/);
    });
  }

  test("is laid to no change when it is the demand alone that is too much", () => {
    const changes = innocentChanges(7, 40);
    const crowd: ShopChange = {
      id: "crowd",
      atS: DAYS * DAY_S - 4 * STEP_S,
      target: service("storefront"),
      settings: [],
      effect: (world) => void (world.demand = 1.6),
    };
    const run = simulate([...changes, crowd], DAYS);
    assert.ok(run.worst > BROKEN);
    // The crowd is no change that anybody made: the model is not told of it.
    const graph = recordShop(run, changes, EMBEDS, { beginS: BEGIN_S });
    const at = (BEGIN_S + DAYS * DAY_S - STEP_S) * 1000;
    const { causes, none } = readCauses(graph, {
      what: "causes",
      node: nodeText("storefront"),
      measure: "errors",
      at,
      knownAt: at + STEP_S * 1000,
    });
    assert.ok(none);
    assert.ok(causes.every(({ change }) => change === null));
    // It is the demand, where it comes in.
    const [first, second] = causes;
    assert.deepEqual([first?.kind, first?.cause], ["traffic", nodeText("storefront")]);
    assert.ok((first?.score ?? 0) > (second?.score ?? 0));
  });
});
