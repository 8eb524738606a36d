// Commands of execution: a step begins, ends, or is asked about after a crash.

import { AppError } from "../../core/errors.ts";
import { authorityProblem } from "../authority.ts";
import { brakeOn } from "../brakes.ts";
import { goesOverLater } from "../changes.ts";
import type { Command, Reply } from "../command.ts";
import { leaveToPeople, refuse, whyNotNow } from "../evaluate.ts";
import { isConsentStanding } from "../holds.ts";
import type { ActionStatus } from "../../wire/types/action-status.ts";
import type { StepStatus } from "../events.ts";
import { hasLostLevel, revokeGrant } from "../levels.ts";
import { LIMITS, TERMS } from "../limits.ts";
import { brakesOf, endOfStep, reportWhole, stopFacts } from "../stop-report.ts";
import { beginBy, isHalfDone, isRevert, isUndone } from "../reverts.ts";
import { isLastTry } from "../reducers/owed-resolves.ts";
import type { Action } from "../state.ts";
import type { Transaction } from "../transaction.ts";
import { stopAction } from "./agents.ts";
import { closeLateTicket, tellSince } from "../tickets.ts";
import { closeIfOver } from "./incidents.ts";
import { takeBack } from "./verification.ts";

const RETRY_FIRST_MS = 1_000;
/** Our own waiting grows up to this, so that a page is tried as long as its grant lives. */
const RETRY_MAX_MS = 30_000;
/** What a target asks for is granted up to this. */
const ASKED_MAX_MS = 60_000;

/** Nothing is called before this is durable. Every condition is checked here, at the last moment. */
export function beginStep(tx: Transaction, command: Command<"begin-step">): Reply {
  const id = command.input.action;
  const action = tx.state.actions.get(id);
  if (action === undefined || (action.status !== "granted" && action.status !== "retrying")) {
    return { subject: id, result: "ended", repeated: true };
  }
  const problem = authorityProblem(tx.state, action);
  if (isHalfDone(action)) {
    const stop = stopHalfDone(tx, action, problem);
    if (stop !== null) return stop;
  } else if (problem !== null) {
    stopAction(tx, action, problem);
    return { subject: id, result: "cancelled", repeated: false };
  }
  if (action.grant === null || tx.now >= beginBy(action)) {
    expireGrant(tx, action);
    return { subject: id, result: "expired", repeated: false };
  }
  if (action.grant.revoked || hasLostLevel(tx.state, tx.now, action)) {
    revokeGrant(tx, action, { code: "level-lost" });
    return { subject: id, result: "revoked", repeated: false };
  }
  if (brakeOn(tx.state.brakes.values(), action) !== "run") {
    throw new AppError("killswitch-conflict", "a brake holds this action back", { action: id });
  }
  if (action.status === "retrying" && action.dueAt !== null && tx.now < action.dueAt) {
    return { subject: id, result: "early", repeated: true };
  }
  const late = isUndone(action) && !isRevert(action) ? whyNotNow(tx, action) : null;
  if (late !== null) {
    refuse(tx, action, { evaluation: null, code: late });
    return { subject: id, result: "refused", repeated: false };
  }
  if (!isHalfDone(action) && goesOverLater(tx.state, action))
    return { subject: id, result: yieldToLater(tx, action), repeated: false };
  // Used up by the first step: what is under way is not left half done.
  if (action.attempt === 0 && !isConsentStanding(action, command.input.present ?? [])) {
    refuse(tx, action, { evaluation: null, code: "approval-void" });
    return { subject: id, result: "refused", repeated: false };
  }
  const { phase } = action;
  const facts = { attempt: action.attempt + 1, epoch: tx.state.epoch, ...(phase === undefined ? {} : { phase }) };
  tx.emit({ type: "step.started", subject: id, facts });
  return { subject: id, result: "started", repeated: false };
}

/** A grant ran out. What may have taken effect did not simply expire: people have to look. */
export function expireGrant(tx: Transaction, action: Action): void {
  if (isLastTry(tx.state, action)) return leaveToPeople(tx, action);
  // A page that may be closed already is closed again: that does no harm, and one left open does.
  if (action.unsettled && action.kind !== "pagerduty.resolve") {
    const facts = { code: "unsettled", status: "needs-attention" } as const;
    return tx.emit({ type: "action.completed", subject: action.id, facts });
  }
  tx.emit({ type: "action.expired", subject: action.id, facts: { code: "grant-timeout" } });
}

/** A later change of its target stands. Whether an attempt before that one took effect, people have to see. */
function yieldToLater(tx: Transaction, action: Action): "refused" | "needs-attention" {
  if (action.unsettled) {
    const facts = { code: "unsettled", status: "needs-attention" } as const;
    tx.emit({ type: "action.completed", subject: action.id, facts });
    return "needs-attention";
  }
  refuse(tx, action, { evaluation: null, code: "target-moved" });
  return "refused";
}

/** Why no later phase begins. Its grant goes, and the tick takes it back: what is recorded here is this command's own. */
function stopHalfDone(tx: Transaction, action: Action, problem: string | null): Reply | null {
  const { id: subject } = action;
  if (action.grant?.revoked === true) return { subject, result: "revoked", repeated: true };
  if (problem !== null || hasLostLevel(tx.state, tx.now, action)) {
    revokeGrant(tx, action, { code: problem === null ? "level-lost" : "agent-revoked" });
    return { subject, result: "revoked", repeated: false };
  }
  if (tx.now >= beginBy(action)) return { subject, result: "expired", repeated: true };
  if (whyNotNow(tx, action) === null) return null;
  revokeGrant(tx, action, { code: "phase-stopped" });
  return { subject, result: "revoked", repeated: false };
}

const WITHOUT_EFFECT: ReadonlySet<ActionStatus> = new Set(["failed", "cancelled"]);

/** Of a later phase that had no effect: what the earlier ones did is taken back. */
function isTakenBack(action: Action, ended: ActionStatus): boolean {
  return isHalfDone(action) && WITHOUT_EFFECT.has(ended);
}

export function finishStep(tx: Transaction, command: Command<"finish-step">): Reply {
  const { action: id, attempt, status, code, afterMs, sinceStopMs } = command.input;
  const action = runningStep(tx, { id, attempt });
  if (action === undefined) return { subject: id, result: "ended", repeated: true };
  const ended = afterStep(action, { status, code });
  const isLast = ended === "failed" && isLastTry(tx.state, action);
  const isStuck = status === "partial" && afterMs === 0;
  const isBack = isTakenBack(action, ended);
  const next = isLast || isStuck ? "needs-attention" : isBack ? "reverting" : ended;
  const wait = Math.max(backoffMs(attempt - (action.attemptsBefore ?? 0)), Math.min(afterMs, ASKED_MAX_MS));
  const retryAt = next === "retrying" ? tx.now + wait : null;
  const payload =
    command.content === undefined ? {} : { payload: { retention: "evidence", body: command.content } as const };
  const end = endOfStep(action, { status, isAsking: next === "reconciling" });
  const stops = stopFacts(tx, action, { end, sinceMs: sinceStopMs });
  const facts = { attempt, status, code, retryAt, action: next };
  tx.emit({ type: "step.finished", subject: id, facts: stops.length === 0 ? facts : { ...facts, stops }, ...payload });
  if (isBack) takeBack(tx, action, ended === "cancelled" ? "phase-stopped" : "phase-failed");
  reportWhole(tx, brakesOf(stops));
  closeLateTicket(tx, action, next);
  tellSince(tx, action, next);
  closeIfOver(tx, action.incident);
  return { subject: id, result: next, repeated: false };
}

/** Nothing took effect for want of a secret: it may be there, or be right, before the right to take something back ends. */
const WITHOUT_SECRET: ReadonlySet<string> = new Set(["credential-missing", "credential-refused"]);

function afterStep(action: Action, { status, code }: { status: StepStatus; code: string }): ActionStatus {
  if (action.grant?.revoked === true) return afterRevoked(action, status);
  const again = mayTryAgain(action);
  if (isRevert(action) && status === "failed" && WITHOUT_SECRET.has(code)) return "retrying";
  switch (status) {
    case "succeeded":
      return done(action);
    case "failed":
      return failed(action);
    case "retry":
      return again ? "retrying" : failed(action);
    case "partial":
      return again ? "retrying" : "needs-attention";
    case "unknown":
      if (action.repeat !== "idempotent") return "reconciling";
      return again ? "retrying" : "needs-attention";
  }
}

/** What takes something back is tried for as long as there is a right to it: the tick ends it with its grant. */
function mayTryAgain(action: Action): boolean {
  return isRevert(action) || action.attempt - (action.attemptsBefore ?? 0) < LIMITS.stepAttemptsMax;
}

/** What has terms for it is verified before it counts as done. */
function done({ grant }: Action): ActionStatus {
  return grant?.verify === undefined ? "succeeded" : "verifying";
}

/** Nothing begins again under a grant that was taken back: what may have happened is asked about, once and for all. */
function afterRevoked(action: Action, status: StepStatus): ActionStatus {
  switch (status) {
    case "succeeded":
      return done(action);
    case "partial":
      return "needs-attention";
    case "unknown":
      return "reconciling";
    case "failed":
    case "retry":
      return action.unsettled ? "needs-attention" : "cancelled";
  }
}

/** The last attempt had no effect; an earlier one may have had. */
function failed(action: Action): ActionStatus {
  return action.unsettled ? "needs-attention" : "failed";
}

/** Doubles from one second to half a minute: exact integers, the same on replay. */
function backoffMs(attempt: number): number {
  return Math.min(RETRY_FIRST_MS * 2 ** Math.min(attempt - 1, 10), RETRY_MAX_MS);
}

export function reconcileStep(tx: Transaction, command: Command<"reconcile-step">): Reply {
  const { action: id, attempt, status, afterMs, sinceStopMs } = command.input;
  const action = runningStep(tx, { id, attempt });
  if (action === undefined) return { subject: id, result: "ended", repeated: true };
  const mayStillShow = afterMs > 0 && tx.now - action.stepStartedAt < TERMS.reconcileMs;
  const ended = status === "unclear" && mayStillShow ? "reconciling" : afterReconciliation(action, status);
  const isBack = status === "absent" && WITHOUT_EFFECT.has(ended) && (action.phase ?? 1) > 1;
  const next = isBack ? "reverting" : ended;
  const retryAt = next === "reconciling" ? tx.now + Math.min(afterMs, ASKED_MAX_MS) : null;
  const payload =
    command.content === undefined ? {} : { payload: { retention: "evidence", body: command.content } as const };
  const end = next === "reconciling" ? null : ENDS[status];
  const stops = stopFacts(tx, action, { end, sinceMs: sinceStopMs });
  const facts = { attempt, status, retryAt, action: next };
  tx.emit({
    type: "step.reconciled",
    subject: id,
    facts: stops.length === 0 ? facts : { ...facts, stops },
    ...payload,
  });
  if (isBack) takeBack(tx, action, ended === "cancelled" ? "phase-stopped" : "phase-failed");
  reportWhole(tx, brakesOf(stops));
  closeLateTicket(tx, action, next);
  tellSince(tx, action, next);
  closeIfOver(tx, action.incident);
  return { subject: id, result: next, repeated: false };
}

/** What an answer of the target says about a step that a pause found in flight. */
const ENDS = { happened: "finished", absent: "stopped", partial: "partial", unclear: "unconfirmed" } as const;

/** What never happened may be run; what may have happened is only repeated where repeating is harmless. */
function afterReconciliation(action: Action, status: "happened" | "absent" | "partial" | "unclear"): ActionStatus {
  if (status === "happened") return done(action);
  if (action.grant?.revoked === true) return status === "absent" ? "cancelled" : "needs-attention";
  const again = mayTryAgain(action);
  if (status === "absent") return again ? "granted" : "failed";
  if (status === "partial") return again ? "granted" : "needs-attention";
  return action.repeat === "idempotent" && again ? "granted" : "needs-attention";
}

function runningStep(tx: Transaction, step: { id: string; attempt: number }): Action | undefined {
  const action = tx.state.actions.get(step.id);
  if (action === undefined || action.attempt !== step.attempt) return undefined;
  return action.status === "executing" || action.status === "reconciling" ? action : undefined;
}
