// Reducers of holds: who is asked, what was given, and the end of asking.

import { assert } from "../../core/assert.ts";
import type { KernelEvent } from "../events.ts";
import { holdDueAt } from "../holds.ts";
import { incidentOf } from "../incident-index.ts";
import type { Action, Hold, State } from "../state.ts";
import { actionOf, summarize } from "./actions.ts";

export function applyHeld(state: State, event: KernelEvent<"action.held">): void {
  const action = actionOf(state, event.subject);
  const { hold: id, route, steps, asks, deadline, remindAt, remindEveryMs } = event.facts;
  const asked = { asks, askedAt: event.time, deadline, remindAt, remindEveryMs };
  setHold(action, { id, route, step: 0, steps, approvals: [], ...asked });
  action.consent = null;
  action.verdicts = summarize(event.facts.evaluation);
  action.status = "held";
  const incident = incidentOf(state, action.incident);
  if (incident !== undefined) incident.review = action.id;
}

export function applyEscalated(state: State, event: KernelEvent<"hold.escalated">): void {
  const { action, hold } = heldOf(state, event);
  const { step, asks, deadline, remindAt, remindEveryMs, kept } = event.facts;
  const approvals = hold.approvals.filter(({ id }) => kept.includes(id));
  setHold(action, { ...hold, step, asks, askedAt: event.time, deadline, remindAt, remindEveryMs, approvals });
}

export function applyReminded(state: State, event: KernelEvent<"hold.reminded">): void {
  const { action, hold } = heldOf(state, event);
  setHold(action, { ...hold, remindAt: event.facts.remindAt });
}

export function applyApprovalGiven(state: State, event: KernelEvent<"action.approval-given">): void {
  const { action, hold } = heldOf(state, event);
  setHold(action, { ...hold, approvals: [...hold.approvals, { ...event.facts.approval, at: event.time }] });
}

export function applyApprovalWithdrawn(state: State, event: KernelEvent<"action.approval-withdrawn">): void {
  const { action, hold } = heldOf(state, event);
  setHold(action, { ...hold, approvals: hold.approvals.filter(({ id }) => id !== event.facts.identity) });
}

export function applyApproved(state: State, event: KernelEvent<"action.approved">): void {
  const { action, hold } = heldOf(state, event);
  const { route, step, asks } = hold;
  action.consent = { route, step, asks, approvals: event.facts.approvals };
  action.hold = null;
  action.dueAt = null;
  action.status = "evaluating";
  // Nobody is asked any more: the next hold of the incident stands for itself.
  const incident = incidentOf(state, action.incident);
  if (incident?.review === action.id) {
    incident.review = null;
    incident.covered = [];
  }
}

function heldOf(state: State, event: KernelEvent): { action: Action; hold: Hold } {
  const action = actionOf(state, event.subject);
  assert(action.hold !== null, `only a held action takes ${event.type}`);
  return { action, hold: action.hold };
}

function setHold(action: Action, hold: Hold): void {
  action.hold = hold;
  action.dueAt = holdDueAt(hold);
}
