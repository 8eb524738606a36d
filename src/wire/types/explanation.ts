// What the runtime model found to explain an incident, as it is recorded when the incident ends.

import type { CauseKind } from "./model-views.ts";

export const EXPLAINED_CAUSES_MAX = 3;
export const EXPLAINED_CHAIN_MAX = 16;

export type ExplainedCause = {
  readonly kind: CauseKind;
  /** The maker's own name of a change, a node, or an object of a cluster. */
  readonly cause: string;
  /** What kind of change it was; null for any other cause, and where the model does not know. */
  readonly changeKind: string | null;
  readonly scorePpm: number;
  /** Nodes of the model, from the cause to the symptom, at most 16. */
  readonly chain: readonly string[];
};

/** What of its service was found to have left its usual range. */
export type ExplainedMeasure = "errors" | "latency";

export type Explanation = {
  /** How many of the model's events were known. */
  readonly modelVersion: number;
  /** What it explains. Absent where it is of a time when errors alone were asked about. */
  readonly measure?: ExplainedMeasure;
  /** The surest first, at most three. None: nothing that the model knows explains it. */
  readonly causes: readonly ExplainedCause[];
};

/** With what spoke for each cause, in words. */
export type Explained = {
  readonly explanation: Explanation;
  readonly evidence: readonly (readonly string[])[];
};
