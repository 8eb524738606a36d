// A service that is well or not, and a probe that sometimes cannot tell or never answers.

import type { HealthAnswer, HealthProbe } from "../../src/wire/contracts/health.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { Turns } from "./turns.ts";

export function modelHealth(random: SeededRandom, turns: Turns): HealthProbe {
  return {
    ask: () => {
      if (random.below(30) === 0) return new Promise(() => undefined);
      return turns.take("health", () => answer(random));
    },
  };
}

function answer(random: SeededRandom): HealthAnswer {
  if (random.below(20) === 0) throw new Error("the probe broke");
  const result = random.below(12) === 0 ? "fail" : random.below(20) === 0 ? "unknown" : "pass";
  return { result, evidence: {} };
}
