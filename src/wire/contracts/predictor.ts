// What the effects ask the runtime model, for a decision.

import type { Prediction } from "../types/prediction.ts";

export interface PredictionAsk {
  /** Of the action. */
  readonly kind: string;
  readonly environment: string;
  readonly service: string;
}

export interface Predictor {
  /** Throws `model-node-not-found` for a target that the model has never known, `model-unavailable` while it is gone. */
  predictAction(ask: PredictionAsk): Promise<Prediction>;
}
