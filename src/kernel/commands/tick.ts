// The passage of time: what is due fires. A tick that fires nothing is not recorded.

import type { Reply } from "../command.ts";
import { brakeOn } from "../brakes.ts";
import { leaveToPeople, refuse } from "../evaluate.ts";
import { escalate, remind } from "../holds.ts";
import { incidentOf } from "../incident-index.ts";
import { isClockWrong, turnClocks } from "../hold-clocks.ts";
import { isSetOver } from "../grant-sets.ts";
import { isLevelOver } from "../levels.ts";
import { LIMITS, TERMS } from "../limits.ts";
import { beginBy, isHalfDone } from "../reverts.ts";
import { isLastTry } from "../reducers/owed-resolves.ts";
import type { Action, Incident, OwedResolve, State } from "../state.ts";
import type { Transaction } from "../transaction.ts";
import { isEndDue, tellEndAgain } from "../tickets.ts";
import { BY_TRIAGE, DEAD_MAN, proposeTriage } from "../triage-kinds.ts";
import { isReportDue, report } from "../stop-report.ts";
import { isStageOver, stageAt } from "../stage.ts";
import { isToStop, stopAction } from "./agents.ts";
import { isCommandDue, tickCommands } from "./incident-command.ts";
import { closeIfOver, endIdle, isIdle, isLapsed, isQuiet, lapse } from "./incidents.ts";
import { endSets } from "./grant-sets.ts";
import { endLevels } from "./levels.ts";
import { endStage } from "./stage.ts";
import { missPrediction } from "./predictions.ts";
import { isReviewDue, tickReviews } from "./reviews.ts";
import { timeOutRun, triageOwed } from "./runs.ts";
import { expireGrant } from "./steps.ts";
import { isQuieted } from "../silences.ts";
import { isSilenceDue, tickSilences } from "./silences.ts";
import { isStormDue, tickStorm } from "./storms.ts";
import { endWait, isWaitOver, isWindowOver } from "../waits.ts";
import { fireWait } from "./waits.ts";
import { takeBack } from "./verification.ts";

const FIRED_MAX = 1_000; // in one commit; the next tick takes the rest

export function tick(tx: Transaction): Reply {
  endStage(tx);
  endLevels(tx);
  endSets(tx);
  tickReviews(tx);
  let fired = tickSilences(tx, FIRED_MAX);
  tickCommands(tx); // after silences: what they let go widens incidents
  turnClocks(tx);
  for (const brake of [...tx.state.brakes.values()]) if (isReportDue(brake, tx.now)) report(tx, brake);
  for (const action of dueActions(tx.state, tx.now)) {
    if (fired++ >= FIRED_MAX) break;
    fireAction(tx, action);
  }
  for (const run of [...tx.state.runs.values()]) {
    if (tx.now < run.deadline || fired++ >= FIRED_MAX) break; // runs are in order of their deadlines
    timeOutRun(tx, run.id);
  }
  for (const incident of [...tx.state.incidents.values()]) {
    if (tx.now - incident.lastSignalAt < TERMS.incidentIdleMs) break; // idle ones come first
    if (!isIdle(tx.state, incident, tx.now)) continue;
    if (fired++ >= FIRED_MAX) break;
    endIdle(tx, incident);
  }
  for (const incident of [...tx.state.incidents.values()]) {
    if (!isLapsed(incident, tx.now)) continue;
    if (fired++ >= FIRED_MAX) break;
    lapse(tx, incident);
  }
  for (const incident of [...tx.state.incidents.values()]) {
    if (!isQuiet(incident, tx.now)) continue;
    if (fired++ >= FIRED_MAX) break;
    closeIfOver(tx, incident.id);
  }
  for (const storm of [...tx.state.storms.values()]) {
    if (!isStormDue(tx.state, storm, tx.now)) continue;
    if (fired++ >= FIRED_MAX) break;
    tickStorm(tx, storm);
  }
  for (const incident of tx.state.incidents.values()) {
    if (!isTriageDue(tx.state, incident, tx.now)) continue;
    if (fired++ >= FIRED_MAX) break;
    triageOwed(tx, incident);
  }
  for (const owed of [...tx.state.owedResolves.values()]) {
    if (!isResolveDue(tx.state, owed, tx.now)) continue;
    if (fired++ >= FIRED_MAX) break;
    const { run } = owed;
    proposeTriage(tx, { kind: "pagerduty.resolve", incident: owed, run, signal: null, classification: null });
  }
  for (const owed of [...tx.state.owedEnds.values()]) {
    if (!isEndDue(tx.state, owed, tx.now)) continue;
    if (fired++ >= FIRED_MAX) break;
    tellEndAgain(tx, owed);
  }
  return { subject: "log", result: "ticked", repeated: false };
}

/** True when a tick at `now` would record something. */
export function somethingIsDue(state: State, now: number): boolean {
  if (isReviewDue(state, now) || isLevelOver(state, now) || isSetOver(state, now)) return true;
  if (isStageOver(state, now) || isSilenceDue(state, now) || dueActions(state, now).length > 0) return true;
  for (const action of state.actions.values()) if (isClockWrong(state, action, now)) return true;
  for (const brake of state.brakes.values()) if (isReportDue(brake, now) || isCommandDue(state, brake)) return true;
  const run = state.runs.values().next().value;
  if (run !== undefined && now >= run.deadline) return true;
  for (const incident of state.incidents.values()) {
    if (now - incident.lastSignalAt < TERMS.incidentIdleMs) break;
    if (isIdle(state, incident, now)) return true;
  }
  for (const one of state.incidents.values()) {
    if (isTriageDue(state, one, now) || isLapsed(one, now) || isQuiet(one, now)) return true;
  }
  for (const storm of state.storms.values()) if (isStormDue(state, storm, now)) return true;
  for (const owed of state.owedResolves.values()) if (isResolveDue(state, owed, now)) return true;
  for (const owed of state.owedEnds.values()) if (isEndDue(state, owed, now)) return true;
  return false;
}

/** Nobody may be woken by what waits for its source to repeat it: some repeat it after hours. */
function isTriageDue(state: State, incident: Incident, now: number): boolean {
  const { retriageAt, review, firing } = incident;
  if (retriageAt === null || now - retriageAt < TERMS.redeliveryMs) return false;
  if (firing.length === 0 || review !== null || state.runs.size >= LIMITS.liveRunsMax) return false;
  return !isQuieted(state, incident, now);
}

/** Under a brake and in shadow it waits: an attempt would close nothing. */
function isResolveDue(state: State, { dueAt, environment, service }: OwedResolve, now: number): boolean {
  if (dueAt === null || now < dueAt || stageAt(state, now) === "shadow") return false;
  const action = { ...BY_TRIAGE, kind: "pagerduty.resolve", environment, service };
  return brakeOn(state.brakes.values(), action) === "run";
}

function dueActions(state: State, now: number): readonly Action[] {
  const due: Action[] = [];
  for (const action of state.actions.values()) {
    const isTime = isDue(state, action, now) && !isClockWrong(state, action, now);
    if (isTime || isToStop(state, action)) due.push(action);
  }
  return due;
}

function isDue(state: State, action: Action, now: number): boolean {
  if (isWindowOver(action, now) && UNBEGUN.has(action.status)) return true;
  if (action.status === "waiting") return isWaitOver(state, action, now);
  if (action.hold?.frozenAt !== undefined) return false; // its clock is resumed first
  if (action.status === "executing" || action.status === "reconciling") return false; // a step ends by its own answer
  if (action.grant?.revoked === true && isBetween(action) && isHalfDone(action)) return true;
  if (action.status === "retrying") return action.grant !== null && now >= beginBy(action);
  return action.dueAt !== null && now >= action.dueAt;
}

/** The grant of what is further says itself until when it may begin. */
const UNBEGUN: ReadonlySet<string> = new Set(["evaluating", "held", "waiting"]);

/** No call is under way, and none is being checked. */
function isBetween({ status }: Action): boolean {
  return status === "granted" || status === "retrying";
}

function fireAction(tx: Transaction, action: Action): void {
  if (isBetween(action) && isHalfDone(action)) return takeBack(tx, action, "phase-stopped");
  if (isToStop(tx.state, action)) return stopAction(tx, action);
  if (isWindowOver(action, tx.now) && UNBEGUN.has(action.status)) return endWait(tx, action, "window-over");
  switch (action.status) {
    case "held":
      return escalateOrExpire(tx, action);
    case "evaluating":
      if (action.predicting !== undefined) return missPrediction(tx, action);
      return refuse(tx, action, { evaluation: null, code: "no-answer" });
    case "waiting":
      return fireWait(tx, action);
    case "granted":
    case "retrying":
      return expireGrant(tx, action);
    case "verifying":
      return takeBack(tx, action, "not-healthy-in-time");
    default:
      return; // nothing else is ever due
  }
}

/** The next step of the route is asked; after the last, the safe end: nothing happens, and nobody decided it. */
function escalateOrExpire(tx: Transaction, action: Action): void {
  const hold = action.hold;
  if (hold === null) return;
  if (tx.now < hold.deadline) return remind(tx, action.id, hold);
  const policy = tx.state.bundleHash === null ? undefined : tx.engine.policy(tx.state.bundleHash);
  const route = policy?.routes.get(hold.route);
  const step = route?.steps[hold.step + 1];
  if (step !== undefined) return escalate(tx, action, { hold, step });
  if (isLastTry(tx.state, action)) return leaveToPeople(tx, action);
  tx.emit({ type: "action.expired", subject: action.id, facts: { code: "hold-timeout" } });
  if (route?.onTimeout === "page") pageUnattended(tx, action);
}

const SERIOUS: ReadonlySet<string> = new Set(["high", "sev1"]);

/** A review that nobody answered is not the end of a serious alert: somebody is woken, as far as policy lets them. */
function pageUnattended(tx: Transaction, { incident: id, run, cause, classification }: Action): void {
  const incident = incidentOf(tx.state, id);
  if (incident === undefined || incident.firing.length === 0) return;
  if (!SERIOUS.has(incident.claimedSeverity) && !SERIOUS.has(classification?.severity ?? "")) return;
  const signal = cause?.signal ?? null;
  proposeTriage(tx, { kind: "pagerduty.trigger", incident, run, signal, classification, agent: DEAD_MAN });
}
