// blastRadius: how much of the traffic from outside an action puts at stake, as the runtime model predicts it.

import type { Prediction } from "../../wire/types/prediction.ts";
import type { Field } from "../yaml-reader.ts";
import { type BoundGate, type GateOutcome, readFailure, readUnknown } from "./gate.ts";
import { type End, ENDS, MILLION, shareAt, unbelievedOutcome } from "./predicted.ts";

const FIELDS = ["maxTrafficShare", "maxPercentileOfPast", "at", "onUnknown", "onFail", "route"] as const;

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
      unbelievedOutcome(prediction) ?? checkShare(prediction as Prediction, { at, max, percentile }),
  };
}

type Bounds = { readonly at: End; readonly max: number | undefined; readonly percentile: number | undefined };

function checkShare(prediction: Prediction, { at, max, percentile }: Bounds): GateOutcome {
  const { share, exposure, modelVersion, unknown, past } = prediction;
  const compared = shareAt(prediction, at);
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
