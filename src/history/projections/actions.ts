// Projections of actions: one document that tells an action's whole life.

import type { EvaluationFacts, KernelEvent, VerifyTerms } from "../../kernel/events.ts";
import { hasEnded } from "../../kernel/state.ts";
import type { VerificationView } from "../../wire/types/health.ts";
import type { ActionView, EvaluationView } from "../../wire/types/views.ts";
import type { Documents } from "./documents.ts";
import { followAction } from "./grants.ts";
import { noteStopEnds } from "./stops.ts";
import { noteAction } from "./runs.ts";
import { changeIncident, withNewest } from "./incidents.ts";

const EVENTS_MAX = 64;
/** A long life keeps its beginning and its end. */
const FIRST_KEPT = 16;

export function projectProposed(documents: Documents, event: KernelEvent<"action.proposed">): void {
  const { facts } = event;
  const action: ActionView = {
    id: event.subject,
    seq: event.seq,
    status: "evaluating",
    statusSeq: event.seq,
    code: null,
    agent: event.actor,
    kind: facts.kind,
    environment: facts.environment,
    service: facts.service,
    resource: facts.resource,
    agentKind: facts.agentKind,
    person: facts.person,
    actsFor: facts.actsFor?.map(({ id }) => id) ?? [],
    run: facts.run,
    incident: facts.incident,
    correlationId: facts.incident ?? facts.revertOf ?? event.subject,
    classification: facts.classification,
    requestHash: facts.requestHash,
    planHash: facts.planHash,
    repeat: facts.repeat,
    effect: facts.effect,
    reversible: facts.reversible,
    undoneBy: facts.inverse?.kind ?? null,
    findings: facts.findings ?? null,
    operand: facts.operand,
    signed: facts.signed ?? null,
    confidencePpm: facts.confidencePpm ?? null,
    proposedAt: event.time,
    updatedAt: event.time,
    endedAt: null,
    evaluation: null,
    hold: null,
    answers: [],
    review: null,
    grant: null,
    would: null,
    dryRun: facts.dryRun ?? false,
    attempt: 0,
    stops: [],
    prediction: null,
    impact: null,
    inverseCheck: null,
    labels: [],
    window: facts.window ?? null,
    waiting: null,
    verification: null,
    revert: null,
    revertOf: facts.revertOf ?? facts.undoes ?? null,
    duplicateOf: null,
    contentSeq: event.seq,
    planSeq: facts.planHash === null ? null : event.seq,
    stepEnd: null,
    events: [event.seq],
    eventsOmitted: 0,
    erased: [],
  };
  documents.put("actions", facts.phases === undefined ? action : { ...action, phases: { at: 1, of: facts.phases } });
  noteAction(documents, action);
  changeIncident(documents, action.incident, (before) => ({
    ...before,
    actions: withNewest(before.actions, action.id),
  }));
  noteKernelKind(documents, action);
}

/** A brake and a bundle name the action that would release or activate them. */
function noteKernelKind(documents: Documents, { kind, operand, id }: ActionView): void {
  if (kind === "killswitch.resume") {
    documents.change("brakes", operand, (before) => ({ ...before, releaseAction: id }));
  }
  if (kind === "policy.activate") documents.change("policies", operand, (before) => ({ ...before, action: id }));
}

/** Names one more event of the action: what its timeline is made of when it is read. */
export function withEvent(
  { events, eventsOmitted }: Pick<ActionView, "events" | "eventsOmitted">,
  seq: number,
): Pick<ActionView, "events" | "eventsOmitted"> {
  if (events.length < EVENTS_MAX) return { events: [...events, seq], eventsOmitted };
  const kept = [...events.slice(0, FIRST_KEPT), ...events.slice(FIRST_KEPT + 1), seq];
  return { events: kept, eventsOmitted: eventsOmitted + 1 };
}

type Moved = Partial<ActionView>;

/** Records an event on its action: the fields that it moves, its sequence, and the word of its run. */
export function move(documents: Documents, event: KernelEvent, to: (before: ActionView) => Moved): void {
  const action = documents.edit("actions", event.subject);
  if (action === null) return;
  const { status, dryRun } = action;
  Object.assign(action, to(action), withEvent(action, event.seq));
  const ended = hasEnded(action.status);
  action.updatedAt = event.time;
  action.endedAt = ended ? event.time : null;
  if (ended) action.hold = null;
  if (action.status !== "waiting") action.waiting = null;
  if (action.status === status && action.dryRun === dryRun) return;
  if (action.status !== status) action.statusSeq = event.seq;
  noteAction(documents, action);
  followAction(documents, action);
}

export function evaluated(
  before: ActionView,
  event: { seq: number },
  evaluation: EvaluationFacts | null,
): EvaluationView | null {
  return evaluation === null ? before.evaluation : { seq: event.seq, ...evaluation };
}

export function projectPlanned(documents: Documents, event: KernelEvent<"action.planned">): void {
  const { planHash, phases, inverse, findings = null } = event.facts;
  const goes = phases === undefined ? {} : { phases: { at: 1, of: phases } };
  const undo = { reversible: inverse !== undefined, undoneBy: inverse?.kind ?? null };
  move(documents, event, () => ({ planHash, planSeq: event.seq, findings, ...undo, ...goes }));
}

export function projectPredictionAsked(documents: Documents, event: KernelEvent<"action.prediction-asked">): void {
  move(documents, event, () => ({ status: "evaluating" }));
}

export function projectPredicted(documents: Documents, event: KernelEvent<"action.predicted">): void {
  move(documents, event, () => ({ prediction: { seq: event.seq, at: event.time, ...event.facts.prediction } }));
}

export function projectWaiting(documents: Documents, event: KernelEvent<"action.waiting">): void {
  const { code, until, behind, evaluation } = event.facts;
  move(documents, event, (before) => ({
    status: "waiting",
    code,
    waiting: { code, until, behind },
    hold: null,
    evaluation: evaluated(before, event, evaluation),
  }));
}

export function projectStillWaiting(documents: Documents, event: KernelEvent<"action.still-waiting">): void {
  const { because } = event.facts;
  move(documents, event, ({ waiting }) => ({ waiting: waiting === null ? null : { ...waiting, because } }));
}

/** After the action's own end, mostly: its status stays as it is. */
export function projectImpactMeasured(documents: Documents, event: KernelEvent<"impact.measured">): void {
  const { outcome, actual, stated, modelVersion } = event.facts;
  const { seq, time: at } = event;
  const action = documents.edit("actions", event.subject);
  if (action !== null)
    Object.assign(action, { impact: { seq, at, outcome, actual, stated, modelVersion } }, withEvent(action, seq));
}

/** Beside the action's health, or after its end: its status stays as it is. */
export function projectInverseChecked(documents: Documents, event: KernelEvent<"inverse.checked">): void {
  const { result, code, planHash, tries } = event.facts;
  const { seq, time: at } = event;
  const action = documents.edit("actions", event.subject);
  if (action === null) return;
  Object.assign(action, { inverseCheck: { seq, at, result, code, planHash, tries } }, withEvent(action, seq));
}

/** After the action's end: its status stays as it is. Of each person the last label counts. */
export function projectLabelled(documents: Documents, event: KernelEvent<"action.labelled">): void {
  const { label, faults, person } = event.facts;
  const { seq, time: at } = event;
  const action = documents.edit("actions", event.subject);
  if (action === null) return;
  const others = action.labels.filter((one) => one.person !== person);
  Object.assign(action, { labels: [...others, { seq, at, person, label, faults }] }, withEvent(action, seq));
}

export function projectRefused(documents: Documents, event: KernelEvent<"action.refused">): void {
  const { code, evaluation } = event.facts;
  move(documents, event, (before) => ({ status: "refused", code, evaluation: evaluated(before, event, evaluation) }));
}

export function projectAdvised(documents: Documents, event: KernelEvent<"action.advised">): void {
  const { code, evaluation, would } = event.facts;
  move(documents, event, (before) => ({
    status: "advised",
    code,
    would,
    evaluation: evaluated(before, event, evaluation),
  }));
}

/** A call under way goes on to its own end. */
export function projectGrantRevoked(documents: Documents, event: KernelEvent<"action.grant-revoked">): void {
  const { code, status } = event.facts;
  move(documents, event, ({ grant }) => ({
    status,
    code,
    grant: grant === null ? null : { ...grant, revokedAt: event.time },
  }));
}

export function projectActionSuppressed(documents: Documents, event: KernelEvent<"action.suppressed">): void {
  const { duplicateOf, evaluation } = event.facts;
  move(documents, event, (before) => ({
    status: "suppressed",
    code: "duplicate",
    duplicateOf,
    evaluation: evaluated(before, event, evaluation),
  }));
}

/** An end that carries nothing but its code. */
export function projectEnded<T extends "action.cancelled" | "action.expired">(status: "cancelled" | "expired") {
  return (documents: Documents, event: KernelEvent<T>): void => {
    move(documents, event, () => ({ status, code: event.facts.code }));
  };
}

export function projectGranted(documents: Documents, event: KernelEvent<"action.granted">): void {
  const { grant, expiresAt, dryRun, evaluation, completed, verify } = event.facts;
  move(documents, event, (before) => ({
    status: completed === null ? "granted" : "succeeded",
    code: completed,
    hold: null,
    grant: { id: grant, expiresAt, revokedAt: null },
    dryRun,
    verification: verify === undefined ? null : verificationOf(verify),
    evaluation: evaluated(before, event, evaluation),
  }));
}

function verificationOf({ name, samples: needed }: VerifyTerms): VerificationView {
  return { name, samples: 0, passes: 0, needed, failures: 0, last: null, failed: [] };
}

export function projectHealthSampled(documents: Documents, event: KernelEvent<"health.sampled">): void {
  const { sample: samples, passes, failures, result: last, failed } = event.facts;
  move(documents, event, ({ verification }) =>
    verification === null ? {} : { verification: { ...verification, samples, passes, failures, last, failed } },
  );
}

export function projectVerified(documents: Documents, event: KernelEvent<"action.verified">): void {
  move(documents, event, () => ({ status: "succeeded", code: "verified" }));
}

export function projectAdvanced(documents: Documents, event: KernelEvent<"action.advanced">): void {
  const { phase: at } = event.facts;
  move(documents, event, ({ phases, verification }) => ({
    status: "granted",
    code: "phase-verified",
    ...(phases === undefined ? {} : { phases: { ...phases, at } }),
    verification: verification === null ? null : { ...verification, samples: 0, passes: 0, failures: 0 },
  }));
}

export function projectReverting(documents: Documents, event: KernelEvent<"action.reverting">): void {
  const { code, revert } = event.facts;
  move(documents, event, () => ({ status: "reverting", code, revert }));
}

export function projectReverted(documents: Documents, event: KernelEvent<"action.reverted">): void {
  move(documents, event, () => ({ status: "reverted" }));
}

export function projectCompleted(documents: Documents, event: KernelEvent<"action.completed">): void {
  const { status, code } = event.facts;
  move(documents, event, () => ({ status, code }));
}

export function projectStepStarted(documents: Documents, event: KernelEvent<"step.started">): void {
  move(documents, event, () => ({ status: "executing", attempt: event.facts.attempt, stepEnd: null }));
}

export function projectStepFinished(documents: Documents, event: KernelEvent<"step.finished">): void {
  const { action: status, code, stops } = event.facts;
  move(documents, event, () => ({ status, code, stepEnd: { seq: event.seq } }));
  noteStopEnds(documents, event.subject, stops);
  if (status === "succeeded") notePaged(documents, event.subject);
}

export function projectStepReconciled(documents: Documents, event: KernelEvent<"step.reconciled">): void {
  const { action: status, status: code, stops } = event.facts;
  move(documents, event, ({ stepEnd }) => ({ status, code, stepEnd: endOnceAsked(stepEnd, event) }));
  noteStopEnds(documents, event.subject, stops);
  if (status === "succeeded") notePaged(documents, event.subject);
}

/** An answer that tells nothing does not hide what the call itself said. */
function endOnceAsked(
  before: ActionView["stepEnd"],
  { seq, facts }: KernelEvent<"step.reconciled">,
): ActionView["stepEnd"] {
  if (facts.status !== "unclear") return { seq };
  return before === null || before.unclear === true ? { seq, unclear: true } : before;
}

function notePaged(documents: Documents, id: string): void {
  const action = documents.find("actions", id);
  if (action?.kind !== "pagerduty.trigger") return;
  changeIncident(documents, action.incident, (before) => ({ ...before, paged: true }));
}
