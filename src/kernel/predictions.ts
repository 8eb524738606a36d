// Predictions of the runtime model: when one is asked for, and for how long it is read.
//
//   evaluating ──a gate needs it, nothing else refuses──► predicting ──answer, or the deadline──► every gate again
//
// The kernel never sees the graph: what it reads of it is recorded, so that a decision can be made again without it.

import { TERMS } from "./limits.ts";
import type { Predicted } from "./predicted.ts";
import type { Action } from "./state.ts";
import type { Transaction } from "./transaction.ts";

/** What policy may read now; null where it has to be asked for, once more where people took their time. */
export function freshPrediction({ prediction }: Pick<Action, "prediction">, now: number): Predicted | null {
  return prediction === undefined || now - prediction.at > TERMS.predictionMs ? null : prediction;
}

/** Decides nothing yet: the action waits for the answer, and no longer than for the deadline. */
export function askPrediction(tx: Transaction, { id }: Pick<Action, "id">): void {
  tx.emit({ type: "action.prediction-asked", subject: id, facts: { deadline: tx.now + TERMS.predictingMs } });
}
