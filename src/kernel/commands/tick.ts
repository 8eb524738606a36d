// The passage of time: what is due fires. A tick that fires nothing is not recorded.

import type { Reply } from "../command.ts";
import { refuse } from "../evaluate.ts";
import { TERMS } from "../limits.ts";
import type { Action, State } from "../state.ts";
import type { Transaction } from "../transaction.ts";
import { timeOutRun } from "./signals.ts";
import { expireGrant } from "./steps.ts";

const FIRED_MAX = 1_000; // in one commit; the next tick takes the rest

export function tick(tx: Transaction): Reply {
  let fired = 0;
  for (const action of dueActions(tx.state, tx.now)) {
    if (fired++ >= FIRED_MAX) break;
    fireAction(tx, action);
  }
  for (const run of [...tx.state.runs.values()]) {
    if (tx.now < run.deadline || fired++ >= FIRED_MAX) break; // runs are in order of their deadlines
    timeOutRun(tx, run.id);
  }
  for (const incident of [...tx.state.incidents.values()]) {
    if (tx.now - incident.lastSignalAt < TERMS.incidentIdleMs || fired++ >= FIRED_MAX) break; // idle ones come first
    tx.emit({ type: "incident.resolved", subject: incident.id, facts: { code: "idle" } });
  }
  return { subject: "log", result: "ticked", repeated: false };
}

/** True when a tick at `now` would record something. */
export function somethingIsDue(state: State, now: number): boolean {
  if (dueActions(state, now).length > 0) return true;
  const run = state.runs.values().next().value;
  if (run !== undefined && now >= run.deadline) return true;
  const incident = state.incidents.values().next().value;
  return incident !== undefined && now - incident.lastSignalAt >= TERMS.incidentIdleMs;
}

function dueActions(state: State, now: number): readonly Action[] {
  const due: Action[] = [];
  for (const action of state.actions.values()) if (isDue(action, now)) due.push(action);
  return due;
}

function isDue(action: Action, now: number): boolean {
  if (action.status === "executing" || action.status === "reconciling") return false; // a step ends by its own answer
  if (action.status === "retrying") return action.grant !== null && now >= action.grant.expiresAt;
  return action.dueAt !== null && now >= action.dueAt;
}

function fireAction(tx: Transaction, action: Action): void {
  switch (action.status) {
    case "held":
      return escalateOrExpire(tx, action);
    case "evaluating":
      return refuse(tx, action, { evaluation: null, code: "no-answer" });
    case "granted":
    case "retrying":
      return expireGrant(tx, action);
    default:
      return; // nothing else is ever due
  }
}

/** The next step of the route is asked; after the last, the safe end: nothing happens, and nobody decided it. */
function escalateOrExpire(tx: Transaction, action: Action): void {
  const hold = action.hold;
  if (hold === null) return;
  const policy = tx.state.bundleHash === null ? undefined : tx.engine.policy(tx.state.bundleHash);
  const step = policy?.routes.get(hold.route)?.steps[hold.step + 1];
  if (step === undefined) {
    return tx.emit({ type: "action.expired", subject: action.id, facts: { code: "hold-timeout" } });
  }
  tx.emit({
    type: "hold.escalated",
    subject: action.id,
    facts: { hold: hold.id, step: hold.step + 1, roles: step.roles, deadline: tx.now + step.withinMs },
  });
}
