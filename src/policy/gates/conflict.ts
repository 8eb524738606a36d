// conflict: nothing else is under way on the action's target, or the action waits until that has ended.

import { coversAction } from "../definitions.ts";
import type { Field } from "../yaml-reader.ts";
import { type BoundGate, readAmong, readFailure, readWait } from "./gate.ts";

/**
 * `{among?, wait?, onFail?, route?}`: `among` names the kinds that conflict, all of them unless it does. With `wait` it does
 * not fail: what may be done waits for its turn, no longer than that.
 */
export function readConflict(params: Field): BoundGate | undefined {
  const fields = params.fields(["among", "wait", "onFail", "route"], []);
  if (fields === undefined) return undefined;
  const kinds = readAmong(fields.among);
  const failure = readFailure(fields);
  const waitMs = readWait(fields.wait, fields.onFail ?? fields.route);
  if (kinds === undefined || waitMs === undefined) return undefined;
  return {
    ...failure,
    label: `conflict:${kinds.join(",")}${waitMs === null ? "" : `/${waitMs}`}`,
    check: ({ action }, counters) => {
      const others = counters.contenders(action.id).filter(({ kind }) => kinds.some((one) => coversAction(one, kind)));
      const [other] = others;
      if (other === undefined) return { passed: true, code: "alone", evidence: {} };
      const evidence = { with: other.id, kind: other.kind };
      if (waitMs === null) return { passed: false, code: "conflict", evidence };
      return { passed: true, code: "in-turn", evidence, waits: { forMs: waitMs, behind: others.map(({ id }) => id) } };
    },
  };
}
