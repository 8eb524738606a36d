// circuitBreaker: open while a storm lasts in the environment, when people have been told of all of it already.

import type { Field } from "../yaml-reader.ts";
import { type BoundGate, readFailure } from "./gate.ts";

/** `{onFail?, route?}`. What makes a storm is the kernel's to say: 20 services within 5 minutes. */
export function readCircuitBreaker(params: Field): BoundGate | undefined {
  const fields = params.fields(["onFail", "route"], []);
  if (fields === undefined) return undefined;
  return {
    ...readFailure(fields),
    label: "circuitBreaker",
    check: ({ storm }) => {
      if (!storm.active) return { passed: true, code: "calm", evidence: {} };
      return { passed: false, code: "storm", evidence: { storm: storm.id } };
    },
  };
}
