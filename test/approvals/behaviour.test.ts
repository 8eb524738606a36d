// When the way somebody decides looks like rubber-stamping, and when it does not.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { measureBehaviour, MEASURED_MAX } from "../../src/approvals/behaviour.ts";
import type { TakenDecision } from "../../src/wire/types/approver-views.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

function taken(at: number, afterMs: number, decision: "approve" | "deny" = "approve"): TakenDecision {
  return { action: `act_${at}`, decision, at, afterMs };
}

/** So many, an hour apart: no burst. */
function hourly(count: number, afterMs: number): readonly TakenDecision[] {
  return Array.from({ length: count }, (_, i) => taken(i * HOUR_MS, afterMs));
}

/** Approvals at these times, each after a minute's thought. */
function approvedAt(...times: readonly number[]): readonly TakenDecision[] {
  return times.map((at) => taken(at, MINUTE_MS));
}

describe("how somebody decides", () => {
  it("is told by how long it takes them and how often they approve", () => {
    const decisions = [
      taken(0, 4_999),
      taken(HOUR_MS, 5_000, "deny"),
      taken(2 * HOUR_MS, 90_000),
      taken(DAY_MS, 20_001),
    ];
    assert.deepEqual(measureBehaviour(decisions), {
      status: "clear",
      reasons: [],
      measured: 4,
      approvalRate: 0.75,
      medianMs: 12_500,
      fastestMs: 4_999,
      hurried: 1,
      bursts: 0,
      lastBurst: null,
    });
    assert.equal(measureBehaviour(decisions.slice(0, 3)).medianMs, 5_000);
  });

  it("is flagged as hasty from ten decisions on, when all are approvals and half of them took under ten seconds", () => {
    assert.deepEqual(measureBehaviour(hourly(10, 9_999)).reasons, ["hasty"]);
    assert.equal(measureBehaviour(hourly(10, 9_999)).status, "flagged");
    assert.deepEqual(measureBehaviour(hourly(9, 0)).reasons, [], "too few to tell");
    assert.deepEqual(measureBehaviour(hourly(10, 10_000)).reasons, [], "slow enough");
    assert.deepEqual(
      measureBehaviour([...hourly(99, 0), taken(99 * HOUR_MS, 0, "deny")]).reasons,
      [],
      "one was denied",
    );
  });

  it("is flagged for five approvals within ten minutes, however long each took", () => {
    const { status, reasons, bursts, lastBurst } = measureBehaviour(approvedAt(0, 1, 2, 3, 10 * MINUTE_MS));
    assert.deepEqual([status, reasons, bursts], ["flagged", ["burst"], 1]);
    assert.deepEqual(lastBurst, { from: 0, until: 10 * MINUTE_MS, approvals: 5 });
    assert.equal(measureBehaviour(approvedAt(0, 1, 2, 3, 10 * MINUTE_MS + 1)).bursts, 0, "a moment longer");
    const denied = [...approvedAt(0, 1, 2, 3), taken(4, 0, "deny")];
    assert.equal(measureBehaviour(denied).bursts, 0, "refusing is no stamping");
  });

  it("counts what goes on without a pause as one burst, and what comes later as another", () => {
    const long = Array.from({ length: 30 }, (_, i) => i * 2 * MINUTE_MS);
    assert.deepEqual(measureBehaviour(approvedAt(...long)).lastBurst, {
      from: 0,
      until: 58 * MINUTE_MS,
      approvals: 30,
    });
    const again = [0, 1, 2, 3, 4].map((i) => 2 * HOUR_MS + i);
    const both = measureBehaviour(approvedAt(...long, ...again));
    assert.deepEqual([both.bursts, both.lastBurst?.approvals], [2, 5]);
  });

  it("is clear again once a day of decisions has passed since the burst", () => {
    const burst = approvedAt(0, 1, 2, 3, 4);
    assert.equal(measureBehaviour([...burst, taken(4 + DAY_MS, MINUTE_MS)]).status, "flagged");
    const later = measureBehaviour([...burst, taken(5 + DAY_MS, MINUTE_MS)]);
    assert.deepEqual([later.status, later.bursts], ["clear", 1]);
  });

  it("finds the bursts that a plain search finds, in any decisions", () => {
    const one = fc.record({ gap: fc.nat(5 * MINUTE_MS), isApproval: fc.boolean() });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: MEASURED_MAX }), (gaps) => {
        let at = 0;
        const all = gaps.map(({ gap, isApproval }) => taken((at += gap), gap, isApproval ? "approve" : "deny"));
        const times = all.filter(({ decision }) => decision === "approve").map((each) => each.at);
        const starts = times
          .map((_, i) => i)
          .filter((i) => (times[i + 4] ?? Infinity) - (times[i] ?? 0) <= 10 * MINUTE_MS);
        const isApart = (start: number, i: number): boolean => start - (starts[i - 1] ?? -5) > 4;
        assert.equal(measureBehaviour(all).bursts, starts.filter(isApart).length);
      }),
    );
  });
});
