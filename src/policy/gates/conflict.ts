// conflict: nothing else is under way on the action's target, or the action waits until that has ended.

import { coversAction } from "../definitions.ts";
import { readAction } from "../read-action.ts";
import type { Field } from "../yaml-reader.ts";
import { type BoundGate, readFailure } from "./gate.ts";

const AMONG_MAX = 16;
const WAIT_MS_MAX = 24 * 3_600_000;

/**
 * `{among?, wait?, onFail?, route?}`: `among` names the kinds that conflict, all of them unless it does. With `wait` it does
 * not fail: what may be done waits for its turn, no longer than that.
 */
export function readConflict(params: Field): BoundGate | undefined {
  const fields = params.fields(["among", "wait", "onFail", "route"], []);
  if (fields === undefined) return undefined;
  const among = fields.among === undefined ? ["*"] : fields.among.items(AMONG_MAX)?.map(readAction);
  const failure = readFailure(fields);
  if (among === undefined || among.includes(undefined)) return undefined;
  const waitMs = fields.wait === undefined ? null : readWait(fields.wait, fields);
  if (waitMs === undefined) return undefined;
  const kinds = among as readonly string[];
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

/** Waiting instead of failing: what it does when it fails says nothing beside it. */
function readWait(wait: Field, { onFail, route }: { onFail?: Field; route?: Field }): number | undefined {
  const waitMs = wait.durationMs();
  if (waitMs !== undefined && waitMs > WAIT_MS_MAX) return wait.fail("is at most 24h");
  const other = onFail ?? route;
  return other === undefined ? waitMs : other.fail("says nothing beside `wait`");
}
