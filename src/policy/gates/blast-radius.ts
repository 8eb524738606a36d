// blastRadius: how much of the traffic from outside an action puts at stake, as the runtime model predicts it.

import type { Prediction } from "../../wire/types/prediction.ts";
import type { Field } from "../yaml-reader.ts";
import { type BoundGate, type GateOutcome, readFailure, readUnknown } from "./gate.ts";

const MILLION = 1_000_000;
const BOUNDS = ["upper", "expected"] as const;

/**
 * `{maxTrafficShare, at?, onUnknown?, onFail?, route?}`: the predicted share is at most so much; `at: upper`, which is the
 * default, takes the upper end of its bounds. Without a prediction, or with one from telemetry that is too old,
 * `onUnknown` says what happens, `onFail` where it is absent. Asks the model, and only where nothing else refuses.
 */
export function readBlastRadius(params: Field): BoundGate | undefined {
  const fields = params.fields(["maxTrafficShare", "at", "onUnknown", "onFail", "route"], ["maxTrafficShare"]);
  if (fields === undefined) return undefined;
  const max = fields.maxTrafficShare?.number(0, 1);
  const at = fields.at === undefined ? "upper" : fields.at.oneOf(BOUNDS);
  const failure = readFailure(fields);
  const onUnknown = readUnknown(fields, failure.onFail);
  if (max === undefined || at === undefined || onUnknown === undefined) return undefined;
  return {
    ...failure,
    onUnknown,
    label: `blastRadius:${max}${at === "upper" ? "" : `/${at}`}`,
    check: ({ prediction }) => {
      const unknown = unknownOutcome(prediction);
      if (unknown !== null) return unknown;
      const { share, modelVersion, unknown: unmeasured } = prediction as Prediction;
      const compared = (at === "upper" ? share.high : share.mid) / MILLION;
      const bounds = { low: share.low / MILLION, expected: share.mid / MILLION, high: share.high / MILLION };
      const evidence = { ...bounds, max, modelVersion, unmeasured };
      const passed = compared <= max;
      return { passed, code: passed ? "within-blast-radius" : "blast-radius-exceeded", evidence };
    },
  };
}

/** What every gate that reads a prediction says where there is none to read; null where there is one. */
export function unknownOutcome(prediction: Prediction | null): GateOutcome | null {
  if (prediction === null) return { passed: false, code: "prediction-missing", evidence: {}, awaits: "prediction" };
  const { code, isStale, staleS, modelVersion } = prediction;
  if (code !== "") return { passed: false, code, evidence: {}, isUnknown: true };
  if (!isStale) return null;
  return { passed: false, code: "model-stale", evidence: { modelVersion, staleS: staleS ?? 0 }, isUnknown: true };
}
