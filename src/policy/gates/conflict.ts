// conflict: nothing else is under way on the action's target.

import { coversAction } from "../definitions.ts";
import { readAction } from "../read-action.ts";
import type { Field } from "../yaml-reader.ts";
import { type BoundGate, readFailure } from "./gate.ts";

const AMONG_MAX = 16;

/** `{among?, onFail?, route?}`: `among` names the kinds that conflict, all of them unless it does. */
export function readConflict(params: Field): BoundGate | undefined {
  const fields = params.fields(["among", "onFail", "route"], []);
  if (fields === undefined) return undefined;
  const among = fields.among === undefined ? ["*"] : fields.among.items(AMONG_MAX)?.map(readAction);
  const failure = readFailure(fields);
  if (among === undefined || among.includes(undefined)) return undefined;
  const kinds = among as readonly string[];
  return {
    ...failure,
    label: `conflict:${kinds.join(",")}`,
    check: ({ action }, counters) => {
      const other = counters.contenders(action.id).find(({ kind }) => kinds.some((one) => coversAction(one, kind)));
      if (other === undefined) return { passed: true, code: "alone", evidence: {} };
      return { passed: false, code: "conflict", evidence: { with: other.id, kind: other.kind } };
    },
  };
}
