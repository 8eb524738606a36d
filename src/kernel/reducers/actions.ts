// Reducers of an action's life: each folds one recorded event into state.

import { assert } from "../../core/assert.ts";
import { dropChanges, noteChange } from "../changes.ts";
import { dropMarks, giveBack, markPassed, reserve } from "../counters.ts";
import type { ActionStatus } from "../../wire/types/action-status.ts";
import type { Verdict } from "../../wire/types/verdict.ts";
import type { EvaluationFacts, KernelEvent } from "../events.ts";
import { countEvidence } from "../proposal-facts.ts";
import type { Grant } from "../grant-state.ts";
import { incidentOf } from "../incident-index.ts";
import { TERMS } from "../limits.ts";
import { noteRehearsed } from "../rehearsals.ts";
import { beginBy } from "../reverts.ts";
import { hasEnded, type Action, type Incident, type State } from "../state.ts";
import { TICKET, TICKET_UPDATE } from "../triage-kinds.ts";
import { noteTicketEnd, noteTicketOpened, noteTicketTold } from "./tickets.ts";
import { countProposal } from "./agents.ts";
import { noteResolveBegun, noteResolveEnd } from "./owed-resolves.ts";
import { spend } from "./grant-sets.ts";
import { awaitInverse } from "./inverses.ts";
import { awaitImpact } from "./measuring.ts";
import { noteStops } from "./stop-report.ts";
import { notePageAsked, notePageBegun, notePageEnd } from "./storms.ts";

export function actionOf(state: State, id: string): Action {
  const action = state.actions.get(id);
  assert(action !== undefined, `action ${id} is live`);
  return action;
}

const WITHOUT_EFFECT: ReadonlySet<ActionStatus> = new Set(["failed", "expired", "cancelled"]);

/** Moves an action on; an ended one leaves memory, and its incident is free for the next review. */
export function moveTo(state: State, action: Action, end: { status: ActionStatus; code?: string; at: number }): void {
  const { status, at } = end;
  action.status = status;
  if (!hasEnded(status)) return;
  state.actions.delete(action.id);
  state.waiting.delete(action.id);
  // One that expired with an attempt behind it is settled too: what nobody knows needs attention.
  if (WITHOUT_EFFECT.has(status) && action.grant !== null) dropMarks(state, action.id, action.grant);
  if (WITHOUT_EFFECT.has(status) || status === "refused") dropChanges(state, action, [action.id]);
  if (status === "succeeded" && action.undoes !== undefined) dropChanges(state, action, [action.undoes, action.id]);
  if (status === "succeeded") noteRehearsed(state, action, at);
  notePageEnd(state, action, end);
  if (action.kind === "pagerduty.resolve") noteResolveEnd(state, action, { code: "", ...end });
  if (action.kind === TICKET_UPDATE) noteTicketEnd(state, action, { code: "", ...end });
  if (status === "succeeded" && action.kind === TICKET && action.attempt > 0) noteTicketOpened(state, action);
  const incident = incidentOf(state, action.incident);
  if (incident === undefined) return;
  if (incident.review === action.id) {
    incident.review = null;
    // A denial answers for all that the review covered; after a timeout all of it is asked for by another run.
    if (status !== "suppressed") incident.covered = [];
  }
  if (action.kind === TICKET_UPDATE) return; // what a ticket did not hear nobody else missed
  if (status === "expired") incident.retriageAt = at;
  else if (isOwedPage(incident, action)) incident.retriageAt = at + TERMS.suppressRunMs;
}

/**
 * True when a page ended without anybody being woken and nobody having decided that: it repeats one of an incident
 * before, a pause refused it, it failed. When this incident still fires later, nobody may have heard of it. A person who
 * is being asked about it is enough.
 */
function isOwedPage({ page, review }: Incident, { kind, status }: Action): boolean {
  if (kind !== "pagerduty.trigger" || review !== null) return false;
  if (status === "failed") return true;
  return page === null && (status === "refused" || status === "suppressed" || status === "succeeded");
}

export function summarize(evaluation: EvaluationFacts | null): readonly string[] {
  return evaluation === null ? [] : evaluation.verdicts.map(summaryOf);
}

export function summaryOf({ gate, verdict, code }: Verdict): string {
  return `${gate} ${verdict} ${code}`;
}

const NO_BRAKES: readonly string[] = [];

export function applyProposed(
  state: State,
  { facts, subject, seq, time, actor }: KernelEvent<"action.proposed">,
): void {
  // Member by member: this is done for every proposal, and copying the rest of an object costs ten times as much.
  state.actions.set(subject, {
    id: subject,
    kind: facts.kind,
    environment: facts.environment,
    service: facts.service,
    resource: facts.resource,
    agent: actor,
    agentKind: facts.agentKind,
    person: facts.person,
    requestHash: facts.requestHash,
    planHash: facts.planHash,
    repeat: facts.repeat,
    effect: facts.effect,
    reversible: facts.reversible,
    run: facts.run,
    incident: facts.incident,
    cause: facts.cause,
    classification: facts.classification,
    operand: facts.operand,
    signed: facts.signed ?? null,
    proposedAt: time,
    contentSeq: seq,
    planSeq: facts.planHash === null ? null : seq,
    status: "evaluating",
    verdicts: [],
    hold: null,
    consent: null,
    grant: null,
    attempt: 0,
    unsettled: false,
    stepStartedAt: 0,
    foundBy: NO_BRAKES,
    dueAt: facts.deadline,
  });
  const above = facts.agentKind === "agent" ? (state.agents.get(actor)?.parents ?? []) : [];
  if (above.length > 0) actionOf(state, subject).above = above;
  if (facts.actsFor !== undefined) actionOf(state, subject).actsFor = facts.actsFor;
  if (facts.size !== undefined) actionOf(state, subject).size = facts.size;
  if (facts.findings !== undefined) actionOf(state, subject).findings = facts.findings;
  if (facts.inverse !== undefined) actionOf(state, subject).inverse = facts.inverse;
  if (facts.evidence !== undefined) actionOf(state, subject).evidence = countEvidence(facts.evidence);
  if (facts.window !== undefined) actionOf(state, subject).window = facts.window;
  if (facts.phases !== undefined) beginPhases(actionOf(state, subject), facts.phases);
  if (facts.dryRun !== undefined) actionOf(state, subject).dryRun = facts.dryRun;
  if (facts.revertOf !== undefined) actionOf(state, subject).revertOf = facts.revertOf;
  if (facts.undoes !== undefined) actionOf(state, subject).undoes = facts.undoes;
  if (facts.blind !== undefined) actionOf(state, subject).blind = facts.blind;
  if (facts.kind === TICKET_UPDATE) noteTicketTold(state, actionOf(state, subject));
  if (facts.signed !== undefined) countProposal(state, { actor, time });
  if (facts.kind === "pagerduty.resolve") noteResolveBegun(state, facts.incident);
  if (facts.kind === "pagerduty.trigger") notePageAsked(state, actionOf(state, subject));
}

function beginPhases(action: Action, phases: number): void {
  action.phases = phases;
  action.phase = 1;
}

export function applyPlanned(state: State, event: KernelEvent<"action.planned">): void {
  const action = actionOf(state, event.subject);
  const { planHash, awaits, change, findings, images, signature, inverse, phases, size } = event.facts;
  action.planHash = planHash;
  if (awaits !== undefined) action.awaits = awaits;
  if (change !== undefined) action.change = change;
  if (findings !== undefined) action.findings = findings;
  if (images !== undefined) action.images = images;
  if (inverse !== undefined) action.inverse = inverse;
  action.reversible = inverse !== undefined; // whatever others of its kind may be
  if (phases !== undefined) beginPhases(action, phases);
  if (signature !== undefined) action.signature = signature;
  if (size !== undefined) action.size = size;
  action.planSeq = event.seq;
}

/** Nothing of it ever began, or it is refused with nothing done. */
function giveBackAll(state: State, { id, grant }: Action): void {
  if (grant === null) return;
  giveBack(state, id, grant);
  if (grant.under !== undefined) spend(state, grant.under, -1);
}

export function applyEnded(status: ActionStatus) {
  return (state: State, event: KernelEvent): void => {
    const action = state.actions.get(event.subject);
    if (action === undefined) return;
    if (action.attempt === 0 || status === "refused") giveBackAll(state, action);
    const { code = "" } = event.facts as { code?: string };
    moveTo(state, action, { status, code, at: event.time });
  };
}

/** What a review of its incident covers, or makes way for, is kept for when that one is approved. */
export function applySuppressed(state: State, event: KernelEvent<"action.suppressed">): void {
  const { evaluation, duplicateOf } = event.facts;
  const action = state.actions.get(event.subject);
  if (action === undefined) return;
  const incident = incidentOf(state, action.incident);
  const isCovered = evaluation === null || evaluation.decision === "hold";
  if (isCovered && incident !== undefined && state.actions.get(duplicateOf)?.kind !== action.kind) {
    const { kind, run, classification, cause } = action;
    const others = incident.covered.filter((one) => one.kind !== kind);
    incident.covered = [...others, { kind, run, classification, signal: cause?.signal ?? null }];
  }
  moveTo(state, action, { status: "suppressed", at: event.time });
}

/** Its place among those that wait is that of the first time. */
export function applyWaiting(state: State, { subject, time, facts }: KernelEvent<"action.waiting">): void {
  const action = actionOf(state, subject);
  const { code, until, behind, evaluation, nextAt } = facts;
  const since = state.waiting.get(subject)?.since ?? time;
  state.waiting.set(subject, { code, until, behind, since, ...(nextAt === undefined ? {} : { nextAt }) });
  action.status = "waiting";
  action.dueAt = until;
  action.verdicts = summarize(evaluation);
}

export function applyStillWaiting(state: State, { subject, facts }: KernelEvent<"action.still-waiting">): void {
  const waiting = state.waiting.get(subject);
  assert(waiting !== undefined, "only what waits waits on");
  state.waiting.set(subject, { ...waiting, nextAt: facts.nextAt });
}

export function applyGranted(state: State, event: KernelEvent<"action.granted">): void {
  const action = actionOf(state, event.subject);
  const { grant, expiresAt, reservations, duplicateKeys, evaluation, completed, levelNeeded = 0 } = event.facts;
  if (event.facts.under !== undefined) spend(state, event.facts.under, 1);
  reserve(state, { now: event.time, action: action.id, reservations });
  markPassed(state, { now: event.time, action: action.id, keys: duplicateKeys });
  if (completed !== null) return moveTo(state, action, { status: "succeeded", code: completed, at: event.time });
  const counters = reservations.map(({ counter }) => counter);
  const own = { id: grant, at: event.time, expiresAt, counters, duplicateKeys, levelNeeded, revoked: false };
  const { under } = event.facts;
  action.grant = { ...own, ...afterwards(event, action), ...(under === undefined ? {} : { under }) };
  if (under !== undefined) action.consent = state.sets.get(under.grant)?.consent ?? null;
  action.dueAt = beginBy(action);
  state.waiting.delete(action.id);
  action.verdicts = summarize(evaluation);
  action.hold = null;
  action.status = "granted";
}

function afterwards(
  { facts, time }: KernelEvent<"action.granted">,
  { window }: Action,
): Pick<Grant, "beginBy" | "verify" | "revert"> {
  const { verify, revertGrant } = facts;
  if (verify === undefined) return {};
  const beginBy = Math.min(time + TERMS.grantMs, window?.notAfter ?? Infinity);
  return { beginBy, verify, ...(revertGrant === undefined ? {} : { revert: revertGrant }) };
}

/** A call under way is ended from outside, and its end counts; what has not begun again ends here. */
export function applyGrantRevoked(state: State, event: KernelEvent<"action.grant-revoked">): void {
  const action = actionOf(state, event.subject);
  assert(action.grant !== null, "only a grant is taken back");
  const { code, status } = event.facts;
  action.grant = { ...action.grant, revoked: true };
  if (hasEnded(status) && action.attempt === 0) giveBackAll(state, action);
  moveTo(state, action, { status, code, at: event.time });
}

export function applyCompleted(state: State, event: KernelEvent<"action.completed">): void {
  if (event.facts.code === "revert-failed") forgetRevert(state, event.subject);
  moveTo(state, actionOf(state, event.subject), { status: event.facts.status, at: event.time });
}

function forgetRevert({ reverts }: State, action: string): void {
  for (const [revert, of] of reverts) if (of === action) reverts.delete(revert);
}

export function applyStepStarted(state: State, event: KernelEvent<"step.started">): void {
  const action = actionOf(state, event.subject);
  action.attempt = event.facts.attempt;
  action.foundBy = NO_BRAKES;
  action.stepStartedAt = event.time;
  action.beganAt ??= event.time;
  action.dueAt = null;
  action.status = "executing";
  noteChange(state, action);
  markPaged(state, action);
  notePageBegun(state, action);
}

export function applyStepFinished(state: State, event: KernelEvent<"step.finished">): void {
  const action = actionOf(state, event.subject);
  action.dueAt = event.facts.retryAt;
  if (event.facts.status === "unknown" || event.facts.status === "partial") action.unsettled = true;
  noteStops(state, action, event.facts.stops);
  noteDone(state, action, event);
  moveTo(state, action, { status: event.facts.action, at: event.time });
}

export function applyStepReconciled(state: State, event: KernelEvent<"step.reconciled">): void {
  const action = actionOf(state, event.subject);
  action.dueAt = event.facts.action === "granted" ? beginBy(action) : event.facts.retryAt;
  action.unsettled = event.facts.status === "unclear" || event.facts.status === "partial";
  noteStops(state, action, event.facts.stops);
  noteDone(state, action, event);
  moveTo(state, action, { status: event.facts.action, at: event.time });
}

/** The action took effect: it counts as done once it is verified. */
function noteDone(state: State, action: Action, event: KernelEvent<"step.finished" | "step.reconciled">): void {
  const { facts, seq, time } = event;
  if (facts.action === "verifying" || facts.action === "succeeded") {
    awaitImpact(state, action, time);
    awaitInverse(state, action, event);
  }
  if (facts.action !== "verifying") return;
  const terms = action.grant?.verify;
  assert(terms !== undefined, "only what has terms is verified");
  action.endSeq = seq;
  action.verifying = { sample: 0, passes: 0, failures: 0, nextAt: time + terms.settleMs };
  action.dueAt = time + terms.withinMs;
}

/** An incident that may have been paged for is closed at the pager too when it resolves: from the first call on. */
function markPaged(state: State, action: Action): void {
  const { id, kind, incident: incidentId, grant, classification, stepStartedAt } = action;
  const incident = kind === "pagerduty.trigger" ? incidentOf(state, incidentId) : undefined;
  if (incident === undefined) return;
  const of = incident.page?.of ?? incident.id;
  const severity = classification?.severity ?? UNCLASSIFIED_PAGE;
  incident.page = { action: id, of, severity, duplicateKeys: grant?.duplicateKeys ?? [], at: stepStartedAt };
}

/** As which a page goes out that no classifier asked for. */
const UNCLASSIFIED_PAGE = "high";
