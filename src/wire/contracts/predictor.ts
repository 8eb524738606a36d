// What the effects ask the runtime model, for a decision.

import type { Explained } from "../types/explanation.ts";
import type { ImpactOutcome } from "../types/impact-outcome.ts";
import type { PartInterval, Prediction } from "../types/prediction.ts";
import type { Relations } from "../types/relation.ts";

export interface PredictionAsk {
  /** Of the action. */
  readonly kind: string;
  readonly environment: string;
  readonly service: string;
}

/** An action that took effect; instants in milliseconds since 1970. */
export interface ImpactAsk extends PredictionAsk {
  readonly action: string;
  readonly beganAt: number;
  readonly doneAt: number;
  /** When it began to be taken back. */
  readonly untilAt?: number;
  /** Another action took effect near it. */
  readonly isConcurrent: boolean;
  readonly exposure: PartInterval;
  readonly stated: PartInterval;
}

export interface ImpactAnswer {
  readonly outcome: ImpactOutcome;
  readonly actual: PartInterval | null;
  readonly modelVersion: number;
}

export interface Predictor {
  /** The same answer however often it is asked; null while not all of it is counted. Throws as below. */
  measureAction(ask: ImpactAsk): Promise<ImpactAnswer | null>;
  /** Throws `model-node-not-found` for a target that the model has never known, `model-unavailable` while it is gone. */
  predictAction(ask: PredictionAsk): Promise<Prediction>;
}

export interface RelationAsk {
  readonly environment: string;
  /** Names of services, at most `RELATED_SERVICES_MAX`. */
  readonly services: readonly string[];
}

export interface Relater {
  /** What was measured between these services. Throws `model-unavailable` while the model is gone. */
  relate(ask: RelationAsk): Promise<Relations>;
}

export interface ExplanationAsk {
  readonly environment: string;
  readonly service: string;
  /** When it was noticed. */
  readonly at: number;
}

export interface Explainer {
  /** What explains the failure of a service; null where the model does not know that. Throws `model-unavailable`. */
  explain(ask: ExplanationAsk): Promise<Explained | null>;
}
