// What gates read of a prediction: whether it is known, whether its kind is believed, and which end of it counts.

import type { Prediction } from "../../wire/types/prediction.ts";
import type { GateOutcome } from "./gate.ts";

export const MILLION = 1_000_000;
export const ENDS = ["upper", "expected", "worst"] as const;
export type End = (typeof ENDS)[number];

/** Nine in ten are said to lie within; so much less of so many is more than chance, and nothing to decide by. */
const COVERED_MIN = 0.85;
const OUTCOMES_MIN = 20;

/** In millionths. `upper`: of its bounds; `worst`: all that is at stake, whatever outcomes have taught. */
export function shareAt({ share, exposure }: Prediction, at: End): number {
  return at === "worst" ? exposure.high : at === "upper" ? share.high : share.mid;
}

/** What every gate that reads a prediction says where there is none to read; null where there is one. */
export function unknownOutcome(prediction: Prediction | null): GateOutcome | null {
  if (prediction === null) return { passed: false, code: "prediction-missing", evidence: {}, awaits: "prediction" };
  const { code, isStale, staleS, modelVersion } = prediction;
  if (code !== "") return { passed: false, code, evidence: {}, isUnknown: true };
  if (!isStale) return null;
  return { passed: false, code: "model-stale", evidence: { modelVersion, staleS: staleS ?? 0 }, isUnknown: true };
}

/** As `unknownOutcome`, and where predictions of the kind did not hold lately: they are no ground to decide on. */
export function unbelievedOutcome(prediction: Prediction | null): GateOutcome | null {
  const unknown = unknownOutcome(prediction);
  if (unknown !== null || prediction === null) return unknown;
  const { outcomes, within } = prediction.calibration;
  if (outcomes < OUTCOMES_MIN || within >= outcomes * COVERED_MIN) return null;
  return { passed: false, code: "uncalibrated", evidence: { outcomes, within }, isUnknown: true };
}
