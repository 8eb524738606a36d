// Projections of the installation: engine starts, policy bundles, brakes, counted refusals, erasures.

import type { KernelEvent } from "../../kernel/events.ts";
import { noteStop } from "./stops.ts";
import type { Documents } from "./documents.ts";

const INSTALLATION = "log";
const RETENTIONS_MAX = 8;

export function projectOpened(documents: Documents, event: KernelEvent<"log.opened">): void {
  documents.put("installation", {
    id: INSTALLATION,
    seq: event.seq,
    format: event.facts.format,
    openedAt: event.time,
    engine: null,
    engineStartedAt: null,
    engineStarts: 0,
    bundleHash: null,
    policyMode: null,
    stage: null,
  });
}

export function projectEngineStarted(documents: Documents, event: KernelEvent<"engine.started">): void {
  documents.change("installation", INSTALLATION, (before) => ({
    ...before,
    engine: event.facts.engine,
    engineStartedAt: event.time,
    engineStarts: before.engineStarts + 1,
  }));
}

/** The same bytes proposed again are the same bundle; an active one stays active. */
export function projectPolicyProposed(documents: Documents, event: KernelEvent<"policy.proposed">): void {
  const id = event.facts.bundleHash;
  const before = documents.find("policies", id);
  if (before !== null) {
    const status = before.status === "active" ? "active" : "proposed";
    documents.put("policies", { ...before, status, contentSeq: event.seq });
    return;
  }
  documents.put("policies", {
    id,
    seq: event.seq,
    status: "proposed",
    proposedAt: event.time,
    proposedBy: event.actor,
    activatedAt: null,
    activatedSeq: null,
    mode: null,
    action: null,
    contentSeq: event.seq,
  });
}

export function projectPolicyActivated(documents: Documents, event: KernelEvent<"policy.activated">): void {
  const { bundleHash, mode } = event.facts;
  const active = documents.find("installation", INSTALLATION)?.bundleHash ?? null;
  if (active !== bundleHash) {
    documents.change("policies", active, (before) => ({ ...before, status: "superseded" }));
  }
  const activated = { status: "active", activatedAt: event.time, activatedSeq: event.seq, mode } as const;
  documents.change("policies", bundleHash, (before) => ({ ...before, ...activated }));
  documents.change("installation", INSTALLATION, (before) => ({ ...before, bundleHash, policyMode: mode }));
}

export function projectBrakeApplied(documents: Documents, event: KernelEvent<"brake.applied">): void {
  const { mode, scope, counts, inFlight, waiting, command = null } = event.facts;
  documents.put("brakes", {
    id: event.subject,
    seq: event.seq,
    status: "applied",
    mode,
    scope,
    appliedAt: event.time,
    appliedBy: event.actor,
    releasedAt: null,
    code: null,
    command,
    releaseAction: null,
    counts,
    report: null,
  });
  const brake = event.subject;
  for (const id of inFlight)
    noteStop(documents, id, { brake, was: "in-flight", end: null, afterMs: null, clock: null });
  for (const id of waiting) noteStop(documents, id, { brake, was: "waiting", end: null, afterMs: null, clock: null });
}

export function projectBrakeFollowed(documents: Documents, event: KernelEvent<"brake.followed">): void {
  const { brake, incident, scope } = event.facts;
  documents.change("brakes", brake, (before) => {
    const command = before.command === null ? null : { ...before.command, incident };
    return { ...before, scope, command };
  });
}

export function projectBrakeReported(documents: Documents, event: KernelEvent<"brake.reported">): void {
  const { ends, open, propagationMs, clock } = event.facts;
  const report = { seq: event.seq, time: event.time, ends, open, propagationMs, clock };
  documents.change("brakes", event.facts.brake, (before) => ({ ...before, report }));
}

export function projectBrakeReleased(documents: Documents, event: KernelEvent<"brake.released">): void {
  const releasedAt = event.time;
  const { brake, code } = event.facts;
  documents.change("brakes", brake, (before) => ({ ...before, status: "released", releasedAt, code }));
}

export function projectRefusals(documents: Documents, event: KernelEvent<"refusals.counted">): void {
  const { minute, source, counts } = event.facts;
  documents.put("refusals", { id: `${event.seq}`, seq: event.seq, time: event.time, minute, source, counts });
}

/** Says which payloads of a document are gone, so that nobody is offered what cannot be read. */
export function projectErased(documents: Documents, event: KernelEvent<"payload.erased">): void {
  const { ofSubject, retention } = event.facts;
  const erased = (before: readonly string[]): readonly string[] =>
    before.includes(retention) ? before : [...before, retention].slice(-RETENTIONS_MAX);
  documents.change("signals", ofSubject, (before) => ({ ...before, erased: erased(before.erased) }));
  documents.change("runs", ofSubject, (before) => ({ ...before, erased: erased(before.erased) }));
  documents.change("actions", ofSubject, (before) => ({ ...before, erased: erased(before.erased) }));
  documents.change("incidents", ofSubject, (before) => ({ ...before, erased: erased(before.erased) }));
}
