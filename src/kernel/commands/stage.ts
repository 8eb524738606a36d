// Commands on the stage of the triage agent: the initial grant, and its end. People set it by the action `stage.set`.

import { AppError } from "../../core/errors.ts";
import { idFromSeq } from "../../core/ids.ts";
import { isStage } from "../../wire/types/stage.ts";
import type { Command, Reply } from "../command.ts";
import { TERMS } from "../limits.ts";
import { isStageOver, stageEnd } from "../stage.ts";
import type { Transaction } from "../transaction.ts";

/** Once in the life of a log: whoever signs for it cannot give it a second time, nor for longer than its term. */
export function grantStage(tx: Transaction, { input }: Command<"grant-stage">): Reply {
  const { stage, expiresAt, signature } = input;
  if (tx.state.stage !== null) return { subject: tx.state.stage.id, result: "known", repeated: true };
  const isBounded = expiresAt === null ? stage === "shadow" : expiresAt <= tx.now + TERMS.initialStageMs;
  if (!isBounded) throw new AppError("arguments-invalid", "an initial grant ends within its term");
  const subject = idFromSeq("stg", tx.nextSeq);
  tx.emit({ type: "stage.granted", subject, facts: { action: null, expiresAt, signature, stage } });
  return { subject, result: "granted", repeated: false };
}

/** What a granted `stage.set` does; false for a stage that does not exist. */
export function setStage(tx: Transaction, { action, stage }: { action: string; stage: string }): boolean {
  if (!isStage(stage)) return false;
  const expiresAt = stageEnd(tx.state, tx.now, stage);
  const subject = idFromSeq("stg", tx.nextSeq);
  tx.emit({ type: "stage.granted", subject, facts: { action, expiresAt, signature: null, stage } });
  return true;
}

/** From its last instant on it has no effect; this puts the end on record. */
export function endStage(tx: Transaction): void {
  const { stage } = tx.state;
  if (stage === null || !isStageOver(tx.state, tx.now)) return;
  tx.emit({ type: "stage.expired", subject: stage.id, facts: { stage: stage.stage } });
}
