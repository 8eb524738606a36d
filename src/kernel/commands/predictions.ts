// The runtime model's answer to what a decision asked it, or none in time, and what it measured afterwards.

import { nothingPredicted, type Prediction } from "../../wire/types/prediction.ts";
import type { Command, Reply } from "../command.ts";
import { settle } from "../evaluate.ts";
import type { Action } from "../state.ts";
import type { Transaction } from "../transaction.ts";
import { statusOf } from "./policy.ts";

/** An answer to what is not asked any more, or was asked again since, changes nothing. */
export function predictAction(tx: Transaction, command: Command<"predict-action">): Reply {
  const { action: id, asked, prediction } = command.input;
  const action = tx.state.actions.get(id);
  if (action === undefined || action.predicting === undefined || action.predicting !== asked) {
    return { subject: id, result: "ended", repeated: true };
  }
  predicted(tx, action, prediction);
  return { subject: id, result: statusOf(tx, id), repeated: false };
}

/** Nobody answered in time: policy decides what that means. */
export function missPrediction(tx: Transaction, action: Action): void {
  predicted(tx, action, nothingPredicted("no-answer"));
}

/** What it really did; an answer that comes twice changes nothing. */
export function recordImpact(tx: Transaction, command: Command<"record-impact">): Reply {
  const { action: id, outcome, actual, modelVersion } = command.input;
  const measuring = tx.state.measuring.get(id);
  if (measuring === undefined) return { subject: id, result: "ended", repeated: true };
  const facts = { outcome, actual, stated: measuring.stated, modelVersion };
  tx.emit({ type: "impact.measured", subject: id, facts });
  return { subject: id, result: "measured", repeated: false };
}

function predicted(tx: Transaction, { id }: Action, prediction: Prediction): void {
  tx.emit({ type: "action.predicted", subject: id, facts: { prediction } });
  settle(tx, id);
}
