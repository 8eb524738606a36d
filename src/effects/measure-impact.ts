// What an action really did, asked of the runtime model once what followed the action has been counted.

import { TERMS } from "../kernel/limits.ts";
import type { Measuring } from "../kernel/predicted.ts";
import type { ImpactAnswer } from "../wire/contracts/predictor.ts";
import { isAppError } from "../core/errors.ts";
import { untilAborted } from "./abandon.ts";
import type { PredictParts } from "./predict.ts";
import { IMPACT_OF } from "./work.ts";

const ACTOR = "system:effects";

type MeasureParts = PredictParts & { readonly nowMs: () => number };

/** Nothing is submitted while it cannot be told yet: the next sweep asks again, until it is too late to tell at all. */
export async function measureImpact(parts: MeasureParts, subject: string): Promise<void> {
  const { kernel, predictor, predictTimeout, nowMs } = parts;
  const action = subject.slice(IMPACT_OF.length);
  const measuring = kernel.state.measuring.get(action);
  if (measuring === undefined) return;
  const { dueAt, ...of } = measuring;
  const ask = { action, ...of, isConcurrent: isConcurrent(kernel.state.measuring, action, measuring) };
  const isLate = nowMs() > dueAt + TERMS.measuringLateMs;
  let answer: ImpactAnswer | null = null;
  try {
    answer = await untilAborted(predictTimeout(), predictor.measureAction(ask));
  } catch {
    // The model is gone, or busy: as if it could not be told yet.
  }
  if (answer === null && !isLate) return;
  const { outcome, actual, modelVersion } = answer ?? UNKNOWN;
  const input = { action, outcome, actual, modelVersion };
  try {
    await kernel.submit({ type: "record-impact", actor: ACTOR, input });
  } catch (error) {
    if (!isAppError(error)) throw error;
  }
}

const UNKNOWN = { outcome: "no-telemetry", actual: null, modelVersion: 0 } as const;

/** Another one of the environment took effect while this one is counted, or shortly before. */
function isConcurrent(
  all: ReadonlyMap<string, Measuring>,
  action: string,
  { environment, beganAt, dueAt }: Measuring,
): boolean {
  const lengthMs = dueAt - beganAt;
  for (const [id, other] of all) {
    if (id === action || other.environment !== environment) continue;
    if (other.doneAt >= beganAt - lengthMs && other.beganAt <= dueAt) return true;
  }
  return false;
}
