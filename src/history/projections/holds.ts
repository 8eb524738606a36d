// Projections of holds: who is asked, what they gave, and what is still missing.

import { rolesAsked } from "../../approvals/asks.ts";
import { countQuorum } from "../../approvals/quorum.ts";
import type { KernelEvent } from "../../kernel/events.ts";
import type { Approval, Asks } from "../../wire/types/approvals.ts";
import type { AnswerView, HoldView } from "../../wire/types/approval-views.ts";
import { answerOf } from "../answers.ts";
import { evaluated, move } from "./actions.ts";
import type { Documents } from "./documents.ts";

const ANSWERS_MAX = 32;

export function projectHeld(documents: Documents, event: KernelEvent<"action.held">): void {
  const { hold: id, route, steps, asks, deadline, remindAt, breakGlass, evaluation } = event.facts;
  const asked = { ...askedView(asks, []), askedAt: event.time, deadline, remindAt };
  move(documents, event, (before) => ({
    status: "held",
    hold: { id, route, step: 0, steps, ...asked, breakGlass, breakers: [], frozen: null },
    evaluation: evaluated(before, event, evaluation),
  }));
}

type Asked = Pick<HoldView, "roles" | "needs" | "independentOf" | "approvals">;

function askedView(asks: Asks, approvals: readonly Approval[]): Asked {
  const needs = countQuorum(asks, approvals).needs.map(({ seats, have }) => ({ ...seats, have }));
  return { roles: rolesAsked(asks), needs, independentOf: asks.independentOf, approvals };
}

function withApprovals(hold: HoldView, approvals: readonly Approval[]): HoldView {
  const seats = hold.needs.map(({ have: _have, ...one }) => one);
  return { ...hold, ...askedView({ seats, independentOf: hold.independentOf }, approvals) };
}

function changeHold(documents: Documents, event: KernelEvent, to: (hold: HoldView) => HoldView): void {
  move(documents, event, ({ hold, answers }) => ({
    hold: hold === null ? null : to(hold),
    answers: withAnswer(answers, event),
  }));
}

export function projectEscalated(documents: Documents, event: KernelEvent<"hold.escalated">): void {
  const { step, asks, deadline, remindAt, kept } = event.facts;
  changeHold(documents, event, (hold) => {
    const approvals = hold.approvals.filter(({ id }) => kept.includes(id));
    return { ...hold, ...askedView(asks, approvals), step, askedAt: event.time, deadline, remindAt };
  });
}

export function projectReminded(documents: Documents, event: KernelEvent<"hold.reminded">): void {
  changeHold(documents, event, (hold) => ({ ...hold, remindAt: event.facts.remindAt }));
}

export function projectFrozen(documents: Documents, event: KernelEvent<"hold.frozen">): void {
  const { remainingMs, until } = event.facts;
  changeHold(documents, event, (hold) => ({ ...hold, frozen: { since: event.time, remainingMs, until } }));
}

export function projectResumed(documents: Documents, event: KernelEvent<"hold.resumed">): void {
  const { deadline, frozenMs } = event.facts;
  changeHold(documents, event, (hold) => {
    const remindAt = hold.remindAt === null ? null : hold.remindAt + frozenMs;
    return { ...hold, deadline, remindAt, frozen: null };
  });
}

export function projectApprovalGiven(documents: Documents, event: KernelEvent<"action.approval-given">): void {
  const approval = { ...event.facts.approval, at: event.time };
  changeHold(documents, event, (hold) => withApprovals(hold, [...hold.approvals, approval]));
}

export function projectApprovalWithdrawn(documents: Documents, event: KernelEvent<"action.approval-withdrawn">): void {
  const { identity } = event.facts;
  const isKept = ({ id }: Approval): boolean => id !== identity;
  changeHold(documents, event, (hold) => withApprovals(hold, hold.approvals.filter(isKept)));
}

function withAnswer(answers: readonly AnswerView[], event: KernelEvent): readonly AnswerView[] {
  const answer = answerOf(event);
  return answer === null ? answers : [...answers, answer].slice(-ANSWERS_MAX);
}

export function projectApproved(documents: Documents, event: KernelEvent<"action.approved">): void {
  move(documents, event, ({ answers }) => ({
    status: "evaluating",
    hold: null,
    answers: withAnswer(answers, event),
  }));
}

export function projectGlassAsked(documents: Documents, event: KernelEvent<"action.glass-asked">): void {
  const approval = { ...event.facts.approval, at: event.time };
  changeHold(documents, event, (hold) => {
    const others = hold.breakers.filter(({ id }) => id !== approval.id);
    return { ...hold, breakers: [...others, approval] };
  });
}

export function projectGlassBroken(documents: Documents, event: KernelEvent<"action.glass-broken">): void {
  const { review, reviewRoles: roles, reviewDueAt: dueAt, approvals } = event.facts;
  move(documents, event, ({ answers }) => ({
    status: "evaluating",
    hold: null,
    review,
    answers: withAnswer(answers, event),
  }));
  const action = documents.find("actions", event.subject);
  if (action === null) return;
  const { kind, environment, service, agent } = action;
  const of = { action: action.id, kind, environment, service, agent };
  const given = { givenAt: null, givenBy: null, person: null, noteSeq: null };
  const by = approvals.map(({ id }) => id);
  const owed = { status: "owed", brokenAt: event.time, by, roles, dueAt } as const;
  documents.put("reviews", { id: review, seq: event.seq, ...owed, ...of, ...given });
}

export function projectReviewGiven(documents: Documents, event: KernelEvent<"review.given">): void {
  const { outcome: status, person } = event.facts;
  const given = { givenAt: event.time, givenBy: event.actor, person, noteSeq: event.seq };
  documents.change("reviews", event.subject, (before) => ({ ...before, status, ...given }));
}

export function projectReviewOverdue(documents: Documents, event: KernelEvent<"review.overdue">): void {
  documents.change("reviews", event.subject, (before) => ({ ...before, status: "overdue" }));
}

export function projectDenied(documents: Documents, event: KernelEvent<"action.denied">): void {
  move(documents, event, ({ answers }) => ({ status: "denied", code: "denied", answers: withAnswer(answers, event) }));
}
