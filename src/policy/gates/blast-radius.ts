// blastRadius: how much of the traffic from outside an action puts at stake, as the runtime model predicts it.

import type { Prediction } from "../../wire/types/prediction.ts";
import type { Field } from "../yaml-reader.ts";
import { type BoundGate, type GateOutcome, readFailure, readUnknown } from "./gate.ts";

const MILLION = 1_000_000;
const ENDS = ["upper", "expected", "worst"] as const;
type End = (typeof ENDS)[number];
const FIELDS = ["maxTrafficShare", "maxPercentileOfPast", "at", "onUnknown", "onFail", "route"] as const;

/** Nine in ten are said to lie within; so much less of so many is more than chance, and nothing to decide by. */
const COVERED_MIN = 0.85;
const OUTCOMES_MIN = 20;
const PAST_MIN = 5;

/**
 * `{maxTrafficShare?, maxPercentileOfPast?, at?, onUnknown?, onFail?, route?}`, one of the first two at least: the predicted
 * share is at most so much, and at most what that part of past changes to the target did. `at: upper`, which is the
 * default, takes the upper end of its bounds, `worst` all that is at stake, whatever outcomes have taught. Without a
 * prediction, with one from telemetry that is too old, or of a kind whose predictions did not hold, `onUnknown` says what
 * happens, `onFail` where it is absent. Asks the model, and only where nothing else refuses.
 */
export function readBlastRadius(params: Field): BoundGate | undefined {
  const fields = params.fields(FIELDS, []);
  if (fields === undefined) return undefined;
  const { maxTrafficShare: share, maxPercentileOfPast: past } = fields;
  if (share === undefined && past === undefined) return params.fail("needs maxTrafficShare or maxPercentileOfPast");
  const max = share?.number(0, 1);
  const percentile = past?.number(0, 1);
  const at = fields.at === undefined ? "upper" : fields.at.oneOf(ENDS);
  const failure = readFailure(fields);
  const onUnknown = readUnknown(fields, failure.onFail);
  if (at === undefined || onUnknown === undefined) return undefined;
  if ((share !== undefined && max === undefined) || (past !== undefined && percentile === undefined)) return undefined;
  const bounds = [...(max === undefined ? [] : [max]), ...(percentile === undefined ? [] : [`past ${percentile}`])];
  return {
    ...failure,
    onUnknown,
    label: `blastRadius:${bounds.join(",")}${at === "upper" ? "" : `/${at}`}`,
    check: ({ prediction }) =>
      unknownOutcome(prediction) ??
      uncalibrated(prediction as Prediction) ??
      checkShare(prediction as Prediction, { at, max, percentile }),
  };
}

/** Predictions of a kind that did not hold lately are no ground to decide on. */
function uncalibrated({ calibration: { outcomes, within } }: Prediction): GateOutcome | null {
  if (outcomes < OUTCOMES_MIN || within >= outcomes * COVERED_MIN) return null;
  return { passed: false, code: "uncalibrated", evidence: { outcomes, within }, isUnknown: true };
}

type Bounds = { readonly at: End; readonly max: number | undefined; readonly percentile: number | undefined };

function checkShare({ share, exposure, modelVersion, unknown, past }: Prediction, bounds: Bounds): GateOutcome {
  const { at, max, percentile } = bounds;
  const compared = at === "worst" ? exposure.high : at === "upper" ? share.high : share.mid;
  const shares = { low: share.low / MILLION, expected: share.mid / MILLION, high: share.high / MILLION };
  const evidence = { ...shares, worst: exposure.high / MILLION, modelVersion, unmeasured: unknown };
  if (max !== undefined && compared > max * MILLION) {
    return { passed: false, code: "blast-radius-exceeded", evidence: { ...evidence, max } };
  }
  if (percentile === undefined)
    return { passed: true, code: "within-blast-radius", evidence: { ...evidence, max: max ?? 1 } };
  const all = { ...evidence, ...(max === undefined ? {} : { max }), percentile, changes: past.length };
  if (past.length < PAST_MIN) return { passed: false, code: "past-unknown", evidence: all, isUnknown: true };
  const limit = past[Math.max(0, Math.ceil(past.length * percentile) - 1)] ?? 0;
  const passed = compared <= limit;
  const code = passed ? "within-blast-radius" : "beyond-past-changes";
  return { passed, code, evidence: { ...all, limit: limit / MILLION } };
}

/** What every gate that reads a prediction says where there is none to read; null where there is one. */
export function unknownOutcome(prediction: Prediction | null): GateOutcome | null {
  if (prediction === null) return { passed: false, code: "prediction-missing", evidence: {}, awaits: "prediction" };
  const { code, isStale, staleS, modelVersion } = prediction;
  if (code !== "") return { passed: false, code, evidence: {}, isUnknown: true };
  if (!isStale) return null;
  return { passed: false, code: "model-stale", evidence: { modelVersion, staleS: staleS ?? 0 }, isUnknown: true };
}
