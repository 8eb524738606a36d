// Commands that change what is enforced: a proposed policy bundle, brakes applied and released.

import { canonicalJson } from "../../core/canonical-json.ts";
import { AppError } from "../../core/errors.ts";
import { idFromSeq } from "../../core/ids.ts";
import { putBrake } from "../brake-changes.ts";
import type { Command, Reply } from "../command.ts";
import { settle } from "../evaluate.ts";
import type { KernelEvent } from "../events.ts";
import type { ProposalFacts } from "../proposal-facts.ts";
import { LIMITS } from "../limits.ts";
import type { Transaction } from "../transaction.ts";

/** The bundle's bytes ride in the payload, kept for ever: replay needs them. */
export function proposePolicy(tx: Transaction, command: Command<"propose-policy">): Reply {
  const { bundleHash, mode } = command.input;
  if (tx.engine.policy(bundleHash) === undefined) {
    throw new AppError("policy-invalid", "the bundle does not load in this engine", { bundleHash });
  }
  if (tx.state.bundleHash === bundleHash && tx.state.policyMode === mode) {
    return { subject: "log", result: "active", repeated: true };
  }
  const waiting =
    mode === "file" ? [] : [...tx.state.actions.values()].filter(({ kind }) => kind === "policy.activate");
  const same = waiting.find(({ operand }) => operand === bundleHash);
  if (same !== undefined) return { subject: same.id, result: same.status, repeated: true };
  // One more would push the bytes of one that waits out of reach, and its approval would come to nothing.
  if (waiting.length >= LIMITS.policyProposalsMax - 1) {
    throw new AppError("overloaded", "too many policy bundles wait for an answer; deny or cancel some");
  }
  const files = command.content;
  tx.emit({
    type: "policy.proposed",
    subject: idFromSeq("pol", tx.nextSeq),
    facts: { bundleHash },
    ...(files === undefined ? {} : { payload: { retention: "record", body: files } }),
  });
  if (mode === "file") {
    tx.emit({ type: "policy.activated", subject: "log", facts: { bundleHash, mode } });
    return { subject: "log", result: "active", repeated: false };
  }
  const id = proposeKernelKind(tx, { kind: "policy.activate", operand: bundleHash, ...command.input });
  return { subject: id, result: statusOf(tx, id), repeated: false };
}

/** Stopping needs no approval. */
export function applyBrake(tx: Transaction, { input }: Command<"apply-brake">): Reply {
  const wanted = canonicalJson(input.scope);
  const same = [...tx.state.brakes.values()].find(
    (brake) => brake.mode === input.mode && canonicalJson(brake.scope) === wanted,
  );
  if (same !== undefined) return { subject: same.id, result: "applied", repeated: true };
  return { subject: putBrake(tx, input), result: "applied", repeated: false };
}

/** Resuming is an action that policy holds for a second person. */
export function releaseBrake(tx: Transaction, { input }: Command<"release-brake">): Reply {
  if (!tx.state.brakes.has(input.brake)) {
    throw new AppError("killswitch-conflict", "no such brake is applied", { brake: input.brake });
  }
  for (const action of tx.state.actions.values()) {
    if (action.kind === "killswitch.resume" && action.operand === input.brake) {
      return { subject: action.id, result: action.status, repeated: true };
    }
  }
  const id = proposeKernelKind(tx, { kind: "killswitch.resume", operand: input.brake, ...input });
  return { subject: id, result: statusOf(tx, id), repeated: false };
}

type KernelProposal = { kind: string; operand: string; person: string | null; requestHash: string };

function proposeKernelKind(tx: Transaction, { kind, operand, person, requestHash }: KernelProposal): string {
  const id = idFromSeq("act", tx.nextSeq);
  const proposal: ProposalFacts = {
    kind,
    environment: "holdpoint",
    service: "holdpoint",
    resource: null,
    agentKind: "person",
    person,
    requestHash,
    planHash: requestHash,
    repeat: "idempotent",
    effect: "kernel",
    reversible: true,
    run: null,
    incident: null,
    cause: null,
    classification: null,
    operand,
  };
  tx.emit({ type: "action.proposed", subject: id, facts: { ...proposal, deadline: null } });
  settle(tx, id);
  return id;
}

export function statusOf(tx: Transaction, id: string): string {
  const live = tx.state.actions.get(id);
  if (live !== undefined) return live.status;
  for (let i = tx.events.length - 1; i >= 0; i--) {
    const event = tx.events[i];
    if (event?.subject !== id) continue;
    // Live no more, so it was completed by the grant, or by its last sample.
    if (event.type === "action.granted" || event.type === "action.verified") return "succeeded";
    if (event.type === "step.finished" || event.type === "step.reconciled") {
      return (event as KernelEvent<"step.finished">).facts.action;
    }
    if (event.type === "action.completed") return (event as KernelEvent<"action.completed">).facts.status;
    return event.type.replace(/^action\./, "");
  }
  return "ended";
}
