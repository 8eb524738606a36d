// The consult of the runtime model: what an action puts at stake, or why nobody can say.

import { isAppError } from "../core/errors.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Probed } from "../kernel/probe.ts";
import type { PredictionAsk, Predictor } from "../wire/contracts/predictor.ts";
import { nothingPredicted, type Prediction, type PredictionCode } from "../wire/types/prediction.ts";
import { untilAborted } from "./abandon.ts";

const ACTOR = "system:effects";

export type PredictParts = {
  readonly kernel: Kernel;
  readonly predictor: Predictor;
  /** The time for one answer, from now. */
  readonly predictTimeout: () => AbortSignal;
};

/** Asks for the prediction that an action's decision waits for, and submits it. */
export async function predictAction(parts: PredictParts, id: string): Promise<void> {
  const action = parts.kernel.state.actions.get(id);
  const asked = action?.predicting;
  if (action === undefined || asked === undefined) return;
  const { kind, environment, service } = action;
  const prediction = await askModel(parts, { kind, environment, service });
  try {
    await parts.kernel.submit({ type: "predict-action", actor: ACTOR, input: { action: id, asked, prediction } });
  } catch (error) {
    // The kernel takes nothing now (its clock, its load): the next sweep asks again.
    if (!isAppError(error)) throw error;
  }
}

/** What would be decided now about a proposal, with the model's answer where policy needs one. Records nothing. */
export async function probeWithModel(parts: PredictParts, proposal: Parameters<Kernel["probe"]>[0]): Promise<Probed> {
  const probed = await parts.kernel.probe(proposal);
  if (probed.awaits === undefined) return probed;
  const { kind, environment, service } = proposal.input;
  const prediction = await askModel(parts, { kind, environment, service });
  return parts.kernel.probe({ ...proposal, prediction });
}

/** Never throws: what the model does not say is said of it. */
export async function askModel(
  { predictor, predictTimeout }: Omit<PredictParts, "kernel">,
  ask: PredictionAsk,
): Promise<Prediction> {
  const signal = predictTimeout();
  try {
    return await untilAborted(signal, predictor.predictAction(ask));
  } catch (error) {
    return nothingPredicted(codeOf(error, signal));
  }
}

function codeOf(error: unknown, signal: AbortSignal): PredictionCode {
  if (signal.aborted) return "model-late";
  return isAppError(error, "model-node-not-found") ? "target-unknown" : "model-unavailable";
}
