// A classifier that answers anything: what the contract allows, what it forbids, and nothing at all.

import { SEVERITIES } from "../../src/wire/types/classification.ts";
import type { Classifier } from "../../src/wire/contracts/classifier.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { Turns } from "./turns.ts";

export function modelClassifier(random: SeededRandom, turns: Turns): Classifier {
  const identity = { provider: "model", model: "any", version: "1", promptHash: "0".repeat(64) };
  const said = { by: identity, usage: { inputTokens: 9, outputTokens: 3 }, reasoning: "", passedOver: [] };
  return {
    identity,
    classify: () =>
      random.below(25) === 0
        ? new Promise(() => undefined)
        : turns.take("classify", () => ({ ...said, answer: answer(random) })),
  };
}

function answer(random: SeededRandom): unknown {
  if (random.below(12) === 0) throw new Error("no answer");
  if (random.below(12) === 0) return { classification: "catastrophic", confidence: Number.NaN };
  const severity = SEVERITIES[random.below(4)] ?? "low";
  const isSerious = severity === "high" || severity === "sev1";
  return {
    classification: severity,
    confidence: random.below(2) === 0 ? 0.9 : random.below(101) / 100,
    requires_ticket: random.below(3) > 0,
    requires_paging: isSerious,
    requires_mim: severity === "sev1" && random.below(2) === 0,
    recommended_team: "sre",
  };
}
