// What the runtime model says an action puts at stake, as it is recorded and as policy reads it.

import type { ImpactOutcome } from "./impact-outcome.ts";

/** Parts of a million. */
export type PartInterval = {
  readonly low: number;
  readonly mid: number;
  readonly high: number;
};

/**
 * Why the model said nothing. `model-unavailable`: its thread is gone, or failed. `model-late`: it did not answer in its
 * time. `no-answer`: nobody asked it in time. `target-unknown`: it has never heard of the target. `unmeasured`: it has
 * had no telemetry at all.
 */
export const PREDICTION_CODES = [
  "model-unavailable",
  "model-late",
  "no-answer",
  "target-unknown",
  "unmeasured",
] as const;
export type PredictionCode = (typeof PREDICTION_CODES)[number];

/** Bounds of the lists below. */
export const NEIGHBOURS_MAX = 32;
export const ZONES_MAX = 16;
export const PAST_MAX = 50;

export type Prediction = {
  /** Empty where the rest says something. */
  readonly code: PredictionCode | "";
  /** A node of the model. */
  readonly target: string;
  /** The model's version: how many of its events were known. */
  readonly modelVersion: number;
  /** How old the last telemetry is; null where there was none. */
  readonly staleS: number | null;
  readonly isStale: boolean;
  /**
   * Of all requests from outside of the target's environment: those that suffer, within bounds that hold nine times in ten,
   * as outcomes of the kind of action corrected them.
   */
  readonly share: PartInterval;
  /** All that is at stake, by the graph alone: what suffers if everything that asks the target fails. */
  readonly exposure: PartInterval;
  /** The outcomes of the kind that count, and those of them that lay within what was said before. */
  readonly calibration: { readonly outcomes: number; readonly within: number };
  /** How long after an action took effect its impact can be measured. */
  readonly measurableAfterMs: number;
  /** What the newest changes to the target did, the least first, at most 50. */
  readonly past: readonly number[];
  /** Entries and services that suffer, and uses on the way of which nothing was ever measured. */
  readonly entries: number;
  readonly services: number;
  readonly unknown: number;
  /** The target, and what uses it or is used by it directly: nodes of the model, in order, at most 32. */
  readonly neighbourhood: readonly string[];
  /** The declared trust zone of the target; null where none is. */
  readonly zone: string | null;
  /** Declared zones of whatever suffers, beside the target's own: in order, at most 16, of all of them counted. */
  readonly crosses: readonly string[];
  readonly crossed: number;
};

/** As the event `seq` recorded it. */
export type PredictionView = Prediction & { readonly seq: number; readonly at: number };

/** What an action really did, beside what was said before; in parts of a million. */
export type Impact = {
  readonly outcome: ImpactOutcome;
  /** Of all requests from outside, those that failed because of it; null where nobody can tell. */
  readonly actual: PartInterval | null;
  /** What was said before. */
  readonly stated: PartInterval;
  readonly modelVersion: number;
};

export type ImpactView = Impact & { readonly seq: number; readonly at: number };

const NONE: PartInterval = { low: 0, mid: 0, high: 1_000_000 };

/** No answer: nothing is known, and anything may suffer. */
export function nothingPredicted(code: PredictionCode): Prediction {
  return {
    code,
    target: "",
    modelVersion: 0,
    staleS: null,
    isStale: true,
    share: NONE,
    exposure: NONE,
    calibration: { outcomes: 0, within: 0 },
    past: [],
    measurableAfterMs: 0,
    entries: 0,
    services: 0,
    unknown: 0,
    neighbourhood: [],
    zone: null,
    crosses: [],
    crossed: 0,
  };
}
