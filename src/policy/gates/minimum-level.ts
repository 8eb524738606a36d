// minimumLevel: what an agent needs to do alone what its rule allows. People and the system's own have every level.

import type { CheckGate } from "./gate.ts";

/** The check behind `minimumLevel: 1..3` of a rule. */
export function checkMinimumLevel(minimum: number): CheckGate {
  return ({ agent: { level } }) => {
    const passed = level >= minimum;
    return { passed, code: passed ? "level-reached" : "below-level", evidence: { level, minimum } };
  };
}
