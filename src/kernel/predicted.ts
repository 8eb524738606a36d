// What state keeps of the runtime model's predictions, and of what is measured afterwards.

import type { Prediction } from "../wire/types/prediction.ts";

/** A prediction, and when it came. */
export type Predicted = Prediction & { readonly at: number };

/** An action that took effect and was predicted before: its real impact is measured when it is due. */
export type Measuring = Pick<Prediction, "exposure"> & {
  readonly kind: string;
  readonly environment: string;
  readonly service: string;
  readonly stated: Prediction["share"];
  readonly beganAt: number;
  readonly doneAt: number;
  /** When it began to be taken back. */
  readonly untilAt?: number;
  readonly dueAt: number;
};
