// Commands on holds: approvals, denials, and approvals taken back.

import { asksText } from "../../approvals/asks.ts";
import { checkApproval, checkEligible, stillStanding, type Ineligible } from "../../approvals/eligibility.ts";
import { countQuorum, fits } from "../../approvals/quorum.ts";
import { AppError } from "../../core/errors.ts";
import type { Approval } from "../../wire/types/approvals.ts";
import type { Payload } from "../../wire/types/event.ts";
import { brakeOn } from "../brakes.ts";
import type { Command, Reply } from "../command.ts";
import { settle } from "../evaluate.ts";
import { approvalNow, proposerOf } from "../holds.ts";
import { incidentOf } from "../incident-index.ts";
import type { Draft } from "../events.ts";
import type { Hold } from "../hold-state.ts";
import type { Action } from "../state.ts";
import { checkConfirmed } from "../signature.ts";
import type { Transaction } from "../transaction.ts";
import { proposeTriage } from "../triage-kinds.ts";
import { statusOf } from "./policy.ts";

export type HeldAction = Action & { hold: Hold };

/**
 * One denial by anybody who may answer ends it. Approvals are counted: the step is passed when each of its seats is
 * taken by somebody else, all of whom are still who they were when they gave theirs.
 */
export function answerHold(tx: Transaction, command: Command<"answer-hold">): Reply {
  const { action: id, decision, planHash, answerer } = command.input;
  const action = heldAction(tx, id);
  if (answerer.id !== command.actor) throw ineligible("not-eligible", action);
  const approval = approvalNow(tx, action.hold, answerer);
  const asked = { asks: action.hold.asks, proposer: proposerOf(tx.state, action, command.input.proposer) };
  const standing = standingApprovals(action.hold, command.input.present);
  const problem =
    decision === "deny" ? checkEligible(asked, approval) : checkApproval({ ...asked, approvals: standing }, approval);
  if (problem !== null) throw ineligible(problem, action);
  if (planHash !== action.planHash) {
    throw new AppError("plan-mismatch", "read the action again: the plan on hold is another", { action: id });
  }
  if (decision === "approve") checkConfirmed(action, command.input.confirm);
  if (decision === "approve") return approve(tx, action, { standing, approval });
  const facts = { hold: action.hold.id, planHash, person: answerer.person };
  tx.emit({ type: "action.denied", subject: id, facts, ...evidence(command) });
  return { subject: id, result: "denied", repeated: false };
}

type Approving = { readonly standing: readonly Approval[]; readonly approval: Approval };

function approve(tx: Transaction, action: HeldAction, { standing, approval }: Approving): Reply {
  const { id, hold, planHash } = action;
  checkUnpaused(tx, action);
  for (const one of hold.approvals) if (!standing.some((other) => other.id === one.id)) lapse(tx, id, { hold, one });
  const approvals = [...standing, approval];
  const { met, takes } = countQuorum(hold.asks, approvals);
  const given = { hold: hold.id, person: approval.person, planHash: planHash ?? "" };
  if (!met) {
    const { at: _at, ...facts } = approval;
    const draft = { type: "action.approval-given", subject: id, facts: { ...given, approval: facts } } as const;
    tx.emit({ ...draft, ...evidence(tx.command) });
    return { subject: id, result: "held", repeated: false };
  }
  const facts = { ...given, approvals, takes };
  return release(tx, action, { type: "action.approved", subject: id, facts, ...evidence(tx.command) });
}

export function checkUnpaused(tx: Transaction, action: HeldAction): void {
  if (brakeOn(tx.state.brakes.values(), action) !== "pause") return;
  throw new AppError("killswitch-conflict", "paused: an approval waits until the pause is lifted", {
    action: action.id,
  });
}

/** Records why it waits no more, and asks every gate again. */
export function release(tx: Transaction, { id, incident: of }: HeldAction, why: Draft): Reply {
  const incident = incidentOf(tx.state, of);
  const covered = incident?.review === id ? incident.covered : [];
  tx.emit(why);
  settle(tx, id);
  // Each of what the review kept waiting gets its own answer, now that this one is given.
  if (incident !== undefined) for (const one of covered) proposeTriage(tx, { incident, ...one });
  return { subject: id, result: statusOf(tx, id), repeated: false };
}

/** Approvals of those who are still registered so, and still fit what the step asks for. */
function standingApprovals(hold: Hold, present: Command<"answer-hold">["input"]["present"]): readonly Approval[] {
  return stillStanding(hold.approvals, present).filter((one) => hold.asks.seats.some((seats) => fits(seats, one)));
}

function lapse(tx: Transaction, subject: string, { hold, one }: { hold: Hold; one: Approval }): void {
  const facts = { code: "not-standing", hold: hold.id, identity: one.id, person: one.person } as const;
  tx.emit({ type: "action.approval-withdrawn", subject, facts });
}

export function evidence({ content }: Command): { payload?: Payload } {
  return content === undefined ? {} : { payload: { retention: "evidence", body: content } };
}

export function ineligible(code: Ineligible, { id, hold }: HeldAction, asks = hold.asks): AppError {
  if (code === "already-answered") {
    return new AppError(code, "one answer of each person counts, under whichever identity", { action: id });
  }
  return new AppError(code, `it asks for ${asksText(asks)}`, { action: id });
}

export function heldAction(tx: Transaction, id: string): HeldAction {
  const action = tx.state.actions.get(id);
  if (action === undefined || action.status !== "held" || action.hold === null) {
    throw new AppError("action-not-held", "it has ended, or waits for nobody", { action: id });
  }
  if (action.hold.frozenAt === undefined && tx.now >= action.hold.deadline) {
    throw new AppError("action-not-held", "its time to be answered is over", { action: id });
  }
  return action as HeldAction;
}

/** By whoever gave it, under any of their identities, for as long as the quorum is not met. */
export function withdrawApproval(tx: Transaction, command: Command<"withdraw-approval">): Reply {
  const { action: id, person } = command.input;
  const { hold } = heldAction(tx, id);
  const own = hold.approvals.find((one) => one.id === command.actor || (person !== null && one.person === person));
  if (own === undefined) {
    throw new AppError("approval-not-found", "this hold has no approval of yours", { action: id });
  }
  const facts = { code: "withdrawn", hold: hold.id, identity: own.id, person: own.person } as const;
  tx.emit({ type: "action.approval-withdrawn", subject: id, facts, ...evidence(command) });
  return { subject: id, result: "held", repeated: false };
}
