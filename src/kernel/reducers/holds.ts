// Reducers of holds: who is asked, what was given, and the end of asking.

import { assert } from "../../core/assert.ts";
import type { KernelEvent } from "../events.ts";
import { holdDueAt } from "../holds.ts";
import { incidentOf } from "../incident-index.ts";
import type { Consent, Hold } from "../hold-state.ts";
import type { Action, State } from "../state.ts";
import { actionOf, summarize } from "./actions.ts";

export function applyHeld(state: State, event: KernelEvent<"action.held">): void {
  const action = actionOf(state, event.subject);
  const { hold: id, route, steps, asks, deadline, remindAt, remindEveryMs } = event.facts;
  const asked = { asks, askedAt: event.time, deadline, remindAt, remindEveryMs };
  setHold(action, { id, route, step: 0, steps, approvals: [], breakers: [], ...asked });
  action.consent = null;
  action.verdicts = summarize(event.facts.evaluation);
  action.status = "held";
  state.waiting.delete(action.id);
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
  const { hold } = heldOf(state, event);
  const { route, step, asks } = hold;
  endHold(state, event, { route, step, asks, approvals: event.facts.approvals, glassMs: null });
}

export function applyGlassAsked(state: State, event: KernelEvent<"action.glass-asked">): void {
  const { action, hold } = heldOf(state, event);
  const others = hold.breakers.filter(({ id }) => id !== event.facts.approval.id);
  setHold(action, { ...hold, breakers: [...others, { ...event.facts.approval, at: event.time }] });
}

export function applyGlassBroken(state: State, event: KernelEvent<"action.glass-broken">): void {
  const { action, hold } = heldOf(state, event);
  const { asks, approvals, grantMs, review: id, reviewRoles: roles, reviewDueAt: dueAt } = event.facts;
  endHold(state, event, { route: hold.route, step: hold.step, asks, approvals, glassMs: grantMs });
  const proposer = { id: action.agent, person: action.person };
  const by = [...approvals, ...(action.actsFor ?? [])].map(({ id: one, person }) => ({ id: one, person }));
  state.reviews.set(id, { id, action: action.id, proposer, by, roles, dueAt, overdue: false });
}

/** Nobody is asked any more: the next hold of the incident stands for itself. */
function endHold(state: State, event: KernelEvent, consent: Consent): void {
  const { action } = heldOf(state, event);
  action.consent = consent;
  action.hold = null;
  action.dueAt = null;
  action.status = "evaluating";
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
