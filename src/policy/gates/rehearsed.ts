// rehearsed: the same change has gone well in another environment before, such as staging.

import { canonicalEnvironment } from "../../core/environment.ts";
import type { Field } from "../yaml-reader.ts";
import { type BoundGate, readFailure } from "./gate.ts";

const NAME_CHARS_MAX = 128;
const WITHIN_MS_MAX = 30 * 24 * 3_600_000;

/**
 * `{in, within, onFail?, route?}`: passes when an action of the same kind for the same service, which did the same, had its
 * effect there and passed its checks. What a plan does not say cannot be compared, and fails.
 */
export function readRehearsed(params: Field): BoundGate | undefined {
  const fields = params.fields(["in", "within", "onFail", "route"], ["in", "within"]);
  if (fields === undefined) return undefined;
  const environment = fields.in?.text(NAME_CHARS_MAX);
  const windowMs = fields.within?.durationMs();
  const failure = readFailure(fields);
  if (environment === undefined || windowMs === undefined) return undefined;
  if (windowMs > WITHIN_MS_MAX) return fields.within?.fail("must be at most 30d");
  const where = canonicalEnvironment(environment);
  return {
    ...failure,
    label: `rehearsed:${where}`,
    check: ({ action }, counters) => {
      const evidence = { in: where, windowMs };
      const found = counters.rehearsal(action.id, { environment: where, windowMs });
      if (found === undefined) return { passed: false, code: "not-comparable", evidence };
      if (found === null) return { passed: false, code: "not-rehearsed", evidence };
      return { passed: true, code: "rehearsed", evidence: { ...evidence, by: found } };
    },
  };
}
