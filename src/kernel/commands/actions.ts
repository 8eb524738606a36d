// Commands on actions: propose, plan, cancel.

import { AppError } from "../../core/errors.ts";
import { idFromSeq } from "../../core/ids.ts";
import { checkProposedAgent } from "./agents.ts";
import { inputToRecord, OPTIONAL_FACTS, type Command, type Decided, type Reply } from "../command.ts";
import { isForPeople, refuse, settle } from "../evaluate.ts";
import type { EventFacts, KernelEvent } from "../events.ts";
import type { HeldFacts } from "../hold-facts.ts";
import { incidentOf } from "../incident-index.ts";
import { checkOperand } from "../kernel-kinds.ts";
import { revokeGrant } from "../levels.ts";
import { LIMITS, TERMS } from "../limits.ts";
import { shareToCut } from "../bounded.ts";
import { checkMayStop, isHalfDone } from "../reverts.ts";
import type { Action, State } from "../state.ts";
import type { Transaction } from "../transaction.ts";
import type { WaitsView } from "../../wire/types/waits-view.ts";
import { proposeTriage } from "../triage-kinds.ts";
import { checkWindow, type WaitingFacts } from "../waits.ts";
import { checkSignedProposal } from "./signed-proposals.ts";
import { statusOf } from "./policy.ts";

export function proposeAction(tx: Transaction, command: Command<"propose-action">): Reply {
  const proposal = command.input;
  const { idempotencyKey } = proposal;
  if (idempotencyKey !== null) {
    const known = tx.state.idempotency.get(idempotencyKey);
    if (known !== undefined) {
      if (known.requestHash === proposal.requestHash)
        return { subject: known.subject, result: "known", repeated: true };
      if (known.signedAt !== undefined)
        throw new AppError("signature-replayed", "the jti was used for another request", { action: known.subject });
      throw new AppError("idempotency-conflict", "the key was used for another request", { action: known.subject });
    }
  }
  if (proposal.agentKind === "agent") checkSignedProposal(tx, command);
  if (proposal.kind === "agent.register") {
    checkProposedAgent(tx.state, proposal.operand, { actor: command.actor, person: proposal.person });
  }
  if (tx.state.actions.size >= LIMITS.liveActionsMax) {
    throw new AppError("overloaded", "too many actions wait for an end");
  }
  const { kind, operand } = proposal;
  if (operand !== undefined) checkOperand(tx, { kind, operand });
  checkWindow(tx, proposal);
  const subject = idFromSeq("act", tx.nextSeq);
  const deadline = proposal.planHash === null ? tx.now + TERMS.planningMs : null;
  const forgets = idempotencyKey === null ? null : keyToForget(tx.state, command.actor);
  const facts = proposalFacts(command, { deadline, forgets });
  if (command.content === undefined) tx.emit({ type: "action.proposed", subject, facts });
  else tx.emit({ type: "action.proposed", subject, facts, payload: { body: command.content, retention: "content" } });
  if (proposal.planHash !== null) settle(tx, subject);
  return { subject, result: statusOf(tx, subject), repeated: false, decided: decidedOf(tx, subject) };
}

/** How it was decided in this very transaction; null while its plan is awaited. */
function decidedOf({ events }: Transaction, subject: string): Decided | null {
  for (let i = events.length - 1; i >= 0; i--) {
    const event = events[i];
    if (event?.subject !== subject || event.type === "action.proposed") continue;
    const { evaluation, code, would, asks, deadline, duplicateOf } = event.facts as Partial<DecidedFacts>;
    if (evaluation === undefined) continue;
    const answers = asks === undefined || deadline === undefined ? null : { asks, until: deadline };
    const waits = event.type === "action.waiting" ? waitsOf(event.facts as unknown as WaitingFacts) : null;
    return {
      evaluation,
      code: waits === null ? (code ?? null) : null,
      would: would ?? null,
      duplicateOf: duplicateOf ?? null,
      answers,
      waits,
    };
  }
  return null;
}

function waitsOf({ code, until, behind }: WaitingFacts): WaitsView {
  return { code, until, behind };
}

type DecidedFacts = HeldFacts & EventFacts["action.advised"] & Pick<EventFacts["action.suppressed"], "duplicateOf">;

/** A full table forgets the oldest key of whoever has the most: used again, it would make another action. */
function keyToForget({ idempotency, shares }: State, client: string): string | null {
  if (idempotency.size < LIMITS.idempotencyKeysMax) return null;
  const [oldest] = shareToCut(shares.idempotency, client, idempotency.size);
  return oldest ?? null;
}

/**
 * Member by member, in alphabetical order, with the command in its place: what is in canonical order is written fastest,
 * and a copy that puts members in between would cost more than all of this.
 */
function proposalFacts(
  command: Command<"propose-action">,
  { deadline, forgets }: { deadline: number | null; forgets: string | null },
): KernelEvent<"action.proposed">["facts"] {
  const proposal = command.input;
  const facts = {
    agentKind: proposal.agentKind,
    by: command.type,
    cause: null,
    classification: null,
    deadline,
    effect: proposal.effect,
    environment: proposal.environment,
    incident: null,
    input: inputToRecord(command),
    kind: proposal.kind,
    operand: proposal.operand ?? null,
    person: proposal.person,
    planHash: proposal.planHash,
    repeat: proposal.repeat,
    requestHash: proposal.requestHash,
    resource: proposal.resource,
    reversible: proposal.reversible,
    run: null,
    service: proposal.service,
  };
  if (forgets === null && OPTIONAL_FACTS.every((name) => proposal[name] === undefined)) return facts;
  const { actsFor, blind, confidencePpm, dryRun, evidence, findings, inverse, phases, signed, size, undoes, window } =
    proposal;
  return {
    ...facts,
    ...(actsFor === undefined ? {} : { actsFor }),
    ...(blind === undefined ? {} : { blind }),
    ...(confidencePpm === undefined ? {} : { confidencePpm }),
    ...(dryRun === undefined ? {} : { dryRun }),
    ...(evidence === undefined ? {} : { evidence }),
    ...(findings === undefined ? {} : { findings }),
    ...(forgets === null ? {} : { forgets }),
    ...(inverse === undefined ? {} : { inverse }),
    ...(phases === undefined ? {} : { phases }),
    ...(signed === undefined ? {} : { signed }),
    ...(size === undefined ? {} : { size }),
    ...(undoes === undefined ? {} : { undoes }),
    ...(window === undefined ? {} : { window }),
  };
}

/** The plan an executor made for a proposal, or why it could make none. */
export function planAction(tx: Transaction, command: Command<"plan-action">): Reply {
  const {
    action: id,
    planHash,
    code,
    awaits,
    change,
    findings,
    images,
    signature,
    inverse,
    phases,
    size,
  } = command.input;
  const action = tx.state.actions.get(id);
  if (action === undefined || action.status !== "evaluating" || action.planHash !== null) {
    return { subject: id, result: "ended", repeated: true };
  }
  const payload =
    command.content === undefined ? {} : { payload: { retention: "content", body: command.content } as const };
  if (planHash === null) {
    const instead = code === "executor-missing" ? askedInstead(tx, action) : null;
    refuse(tx, action, { evaluation: null, code }, payload);
    if (instead !== null) proposeInstead(tx, action, instead);
    return { subject: id, result: "refused", repeated: false };
  }
  const facts = {
    ...(awaits === undefined ? {} : { awaits: true as const }),
    ...(change === undefined ? {} : { change }),
    ...(findings === undefined ? {} : { findings }),
    ...(images === undefined ? {} : { images }),
    ...(inverse === undefined ? {} : { inverse }),
    ...(phases === undefined ? {} : { phases }),
    planHash,
    ...(signature === undefined ? {} : { signature }),
    ...(size === undefined ? {} : { size }),
  };
  tx.emit({ type: "action.planned", subject: id, facts, ...payload });
  settle(tx, id, { hasCome: awaits === "come" });
  return { subject: id, result: statusOf(tx, id), repeated: false };
}

/**
 * What people, or a pager, were to hear of goes another way where nothing is configured for the one it was to go: a ticket
 * that waits for review is asked about as a page, which the standard policy lets out by itself for nobody who did not ask
 * for one, and a page becomes a ticket. Never back again.
 */
function askedInstead(tx: Transaction, action: Action): string | null {
  const { kind, run, classification } = action;
  if (run === null) return null;
  if (kind === "servicenow.incident.create" && classification?.requiresPaging !== true) {
    return classification === null || isForPeople(tx, action) ? "pagerduty.trigger" : null;
  }
  const isUnheard = classification?.requiresPaging === true && !classification.requiresTicket;
  return kind === "pagerduty.trigger" && isUnheard ? "servicenow.incident.create" : null;
}

function proposeInstead(tx: Transaction, { run, incident: id, classification, cause }: Action, kind: string): void {
  const incident = incidentOf(tx.state, id);
  if (incident === undefined || incident.firing.length === 0) return;
  proposeTriage(tx, { kind, incident, run, signal: cause?.signal ?? null, classification });
}

/** What has not begun ends; a plan in phases loses its grant between two, and the next tick takes back what it did. */
export function cancelAction(tx: Transaction, command: Command<"cancel-action">): Reply {
  const { action: id, code } = command.input;
  const action = tx.state.actions.get(id);
  if (
    action === undefined ||
    action.unsettled ||
    !["evaluating", "held", "waiting", "granted"].includes(action.status)
  ) {
    throw new AppError("action-not-cancellable", "it has ended, or a step of it has started", { action: id });
  }
  checkMayStop(action, command.actor);
  if (isHalfDone(action)) {
    const isRepeated = action.grant?.revoked === true;
    if (!isRepeated) revokeGrant(tx, action, { code: action.agent === command.actor ? "given-up" : "by-request" });
    return { subject: id, result: action.status, repeated: isRepeated };
  }
  tx.emit({ type: "action.cancelled", subject: id, facts: { code } });
  return { subject: id, result: "cancelled", repeated: false };
}
