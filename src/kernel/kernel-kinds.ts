// Action kinds that the kernel carries out itself, in the commit that grants them.

import { AppError } from "../core/errors.ts";
import { liftBrake } from "./brake-changes.ts";
import { registerAgent } from "./commands/agents.ts";
import { createSet } from "./commands/grant-sets.ts";
import { grantLevel, revokeLevel } from "./commands/levels.ts";
import { checkProposedRights, giveRights } from "./commands/rights.ts";
import { checkSilence, createSilence } from "./commands/silences.ts";
import { setStage } from "./commands/stage.ts";
import { isOfRights } from "./rights.ts";
import type { Action } from "./state.ts";
import type { Transaction } from "./transaction.ts";

/** Throws for a proposal that could come to nothing but a failure: nobody is asked about it. */
export function checkOperand(tx: Transaction, { kind, operand }: { kind: string; operand: string }): void {
  if (kind === "silence.create") checkSilence(tx, operand);
  if (isOfRights(kind)) checkProposedRights(tx.state, operand);
}

/** What only takes away needs no approval, also where no policy is in force (see design of stages and brakes). */
const TIGHTENING: ReadonlySet<string> = new Set(["level.revoke"]);

export function isTightening({ kind, effect }: Action): boolean {
  return effect === "kernel" && TIGHTENING.has(kind);
}

/** Does what a granted kernel kind asks; what it acts on may be gone by now, and then it failed. */
export function carryOut(tx: Transaction, action: Action): void {
  const done = effect(tx, action);
  tx.emit({
    type: "action.completed",
    subject: action.id,
    facts: done ? { code: "applied", status: "succeeded" } : { code: "failed", status: "failed" },
  });
}

function effect(tx: Transaction, action: Action): boolean {
  const operand = action.operand;
  if (operand === null) return false;
  switch (action.kind) {
    case "killswitch.resume":
      return liftBrake(tx, operand, "approved");
    case "policy.activate":
      // Its bytes must be on record and load: a start has to find it again.
      if (!tx.state.proposedBundles.has(operand) || tx.engine.policy(operand) === undefined) return false;
      tx.emit({ type: "policy.activated", subject: "log", facts: { bundleHash: operand, mode: "governed" } });
      return true;
    case "domain.release":
      if (!tx.state.blocked.has(operand)) return false;
      tx.emit({ type: "domain.released", subject: "log", facts: { domain: operand } });
      return true;
    case "stage.set":
      return setStage(tx, { action: action.id, stage: operand });
    case "agent.register":
      return registerAgent(tx, action);
    case "person.register":
    case "group.register":
      return giveRights(tx, action);
    case "silence.create":
      return createSilence(tx, { action: action.id, operand });
    case "grant.create":
      return createSet(tx, action);
    case "level.grant":
      return grantLevel(tx, action);
    case "level.revoke":
      return revokeLevel(tx, { action: action.id, grant: operand });
    default:
      throw new AppError("action-kind-unknown", `${action.kind} is not carried out by the kernel`);
  }
}
