// The gate `blastRadius`: which end of a prediction counts, what past changes allow, and what it takes to be believed.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Prediction } from "../../src/wire/types/prediction.ts";
import { factsWith, mustLoad, NO_COUNTERS, policyText } from "./pack.ts";

function codeOf(gate: string, prediction: Partial<Prediction>): string {
  const text = policyText(`- name: r\n  gates: [{ blastRadius: ${gate} }]\n  decision: allow`);
  const { verdicts } = mustLoad([{ path: "p.yaml", text }]).evaluate(factsWith({ prediction }), NO_COUNTERS);
  const last = verdicts.at(-1);
  return `${last?.verdict} ${last?.code}`;
}

test("the upper end counts unless another is named; the worst is all that is at stake, whatever outcomes have taught", () => {
  const of = { share: { low: 0, mid: 20_000, high: 60_000 }, exposure: { low: 0, mid: 90_000, high: 300_000 } };
  assert.equal(codeOf("{ maxTrafficShare: 0.06 }", of), "pass within-blast-radius");
  assert.equal(codeOf("{ maxTrafficShare: 0.059 }", of), "refuse blast-radius-exceeded");
  assert.equal(codeOf("{ maxTrafficShare: 0.02, at: expected }", of), "pass within-blast-radius");
  assert.equal(codeOf("{ maxTrafficShare: 0.29, at: worst }", of), "refuse blast-radius-exceeded");
  assert.equal(codeOf("{ maxTrafficShare: 0.3, at: worst }", of), "pass within-blast-radius");
});

test("past changes allow what that part of them stayed within, and too few of them allow nothing", () => {
  const share = { low: 0, mid: 0, high: 50_000 };
  const past = [0, 0, 10_000, 50_000, 400_000];
  assert.equal(codeOf("{ maxPercentileOfPast: 0.8 }", { share, past }), "pass within-blast-radius");
  assert.equal(codeOf("{ maxPercentileOfPast: 0.6 }", { share, past }), "refuse beyond-past-changes");
  assert.equal(
    codeOf("{ maxPercentileOfPast: 1, onUnknown: hold }", { share, past: past.slice(1) }),
    "hold past-unknown",
  );
  assert.equal(
    codeOf("{ maxTrafficShare: 0.04, maxPercentileOfPast: 1 }", { share, past }),
    "refuse blast-radius-exceeded",
  );
});

test("predictions of a kind that did not hold are not believed", () => {
  const told = (outcomes: number, within: number): string =>
    codeOf("{ maxTrafficShare: 1, onUnknown: hold }", { calibration: { outcomes, within } });
  assert.equal(told(20, 17), "pass within-blast-radius");
  assert.equal(told(20, 16), "hold uncalibrated");
  assert.equal(told(19, 0), "pass within-blast-radius", "too few to say");
});
