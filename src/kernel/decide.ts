// From a command to events: a pure choice over state, input and the time it is given.

import * as actions from "./commands/actions.ts";
import * as agents from "./commands/agents.ts";
import { labelAction } from "./commands/labels.ts";
import { breakGlass } from "./commands/break-glass.ts";
import { revokeGrantById } from "./commands/grants.ts";
import * as holds from "./commands/holds.ts";
import * as incidentCommand from "./commands/incident-command.ts";
import * as incidents from "./commands/incidents.ts";
import { recordInverse } from "./commands/inverses.ts";
import * as installation from "./commands/installation.ts";
import * as policy from "./commands/policy.ts";
import * as explanations from "./commands/explanations.ts";
import * as predictions from "./commands/predictions.ts";
import * as relations from "./commands/relations.ts";
import * as reviews from "./commands/reviews.ts";
import * as rights from "./commands/rights.ts";
import * as runs from "./commands/runs.ts";
import * as signals from "./commands/signals.ts";
import * as silences from "./commands/silences.ts";
import * as stage from "./commands/stage.ts";
import * as steps from "./commands/steps.ts";
import * as words from "./commands/words.ts";
import { reportHealth, settleReverts } from "./commands/verification.ts";
import { goOn, reportAwaited } from "./commands/waits.ts";
import { tick } from "./commands/tick.ts";
import type { Command, CommandType, Reply } from "./command.ts";
import type { Transaction } from "./transaction.ts";

type Decider<T extends CommandType> = (tx: Transaction, command: Command<T>) => Reply;

const DECIDERS: { readonly [T in CommandType]: Decider<T> } = {
  "open-log": installation.openLog,
  "start-engine": installation.startEngine,
  "propose-policy": policy.proposePolicy,
  "receive-signal": signals.receiveSignal,
  "quarantine-signal": signals.quarantineSignal,
  "end-silence": silences.endSilence,
  "note-incident": words.noteIncident,
  "split-incident": incidents.splitIncident,
  "classify-run": runs.classifyRun,
  "propose-action": actions.proposeAction,
  "plan-action": actions.planAction,
  "report-awaited": reportAwaited,
  "predict-action": predictions.predictAction,
  "explain-incident": explanations.explainIncident,
  "relate-incidents": relations.relateIncidents,
  "record-inverse": recordInverse,
  "record-impact": predictions.recordImpact,
  "answer-hold": holds.answerHold,
  "withdraw-approval": holds.withdrawApproval,
  "break-glass": breakGlass,
  "give-review": reviews.giveReview,
  "label-action": labelAction,
  "cancel-action": actions.cancelAction,
  "begin-step": steps.beginStep,
  "finish-step": steps.finishStep,
  "reconcile-step": steps.reconcileStep,
  "report-health": reportHealth,
  "apply-brake": policy.applyBrake,
  "release-brake": policy.releaseBrake,
  "command-incident": incidentCommand.commandIncident,
  "end-command": incidentCommand.endCommand,
  "grant-stage": stage.grantStage,
  "refuse-proposal": agents.refuseProposal,
  "revoke-grant": revokeGrantById,
  "revoke-agent": agents.revokeAgent,
  "install-rights": rights.installRights,
  "revoke-rights": rights.revokeRights,
  "open-session": installation.openSession,
  "end-session": installation.endSession,
  "count-refusals": installation.countRefusals,
  "erase-payload": installation.erasePayload,
  "prove-heartbeat": installation.proveHeartbeat,
  tick,
};

/**
 * Decides one command. Events are emitted into the transaction, each applied at once. An AppError is thrown only
 * before the first event: a command either changes nothing or is decided whole.
 */
export function decide(tx: Transaction): Reply {
  const decider = DECIDERS[tx.command.type] as Decider<CommandType>;
  const reply = decider(tx, tx.command);
  if (tx.state.reverts.size > 0) settleReverts(tx);
  if (tx.state.waiting.size > 0) goOn(tx);
  return reply;
}

/** True for a name that is a command, for reading commands back from the ledger. */
export function isCommandType(name: string): name is CommandType {
  return Object.hasOwn(DECIDERS, name);
}
