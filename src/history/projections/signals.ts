// Projections of signals.

import type { KernelEvent } from "../../kernel/events.ts";
import type { SignalView } from "../../wire/types/views.ts";
import type { Documents } from "./documents.ts";
import { noteSignal } from "./incidents.ts";
import { noteReleased, noteSilenced } from "./silences.ts";

export function projectReceived(documents: Documents, event: KernelEvent<"signal.received">): void {
  const { source, detector, status, environment, service, signature, deliveryKey, claimedSeverity } = event.facts;
  const { incident, joinedBy, silence = null } = event.facts;
  documents.put("signals", {
    id: event.subject,
    seq: event.seq,
    status: status === "resolved" ? "resolved" : silence === null ? "received" : "silenced",
    time: event.time,
    actor: event.actor,
    source,
    deliveryKey,
    detector,
    reported: status,
    environment,
    service,
    signature,
    claimedSeverity,
    incident,
    joinedBy,
    silence,
    run: null,
    duplicateOf: null,
    reason: null,
    contentSeq: event.seq,
    erased: [],
  });
  noteSignal(documents, { incident, status, service, claimedSeverity, id: event.subject, at: event.time });
  if (status === "firing") noteSilenced(documents, silence);
}

/** What it claims is in its own document; a document that is gone adds nothing. */
export function projectReleased(documents: Documents, event: KernelEvent<"signal.released">): void {
  const { incident, joinedBy, silence } = event.facts;
  const { subject: id, time: at } = event;
  documents.change("signals", id, (before) => ({ ...before, status: "received", incident, joinedBy }));
  const signal = documents.find("signals", id);
  const { service, claimedSeverity } = signal ?? { service: null, claimedSeverity: null };
  if (service === null || claimedSeverity === null) return;
  noteSignal(documents, { incident, status: "firing", service, claimedSeverity, id, at });
  noteReleased(documents, silence);
}

export function projectQuarantined(documents: Documents, event: KernelEvent<"signal.quarantined">): void {
  const { source, reason, deliveryKey } = event.facts;
  documents.put("signals", {
    id: event.subject,
    seq: event.seq,
    status: "quarantined",
    time: event.time,
    actor: event.actor,
    source,
    deliveryKey,
    detector: null,
    reported: null,
    environment: null,
    service: null,
    signature: null,
    claimedSeverity: null,
    incident: null,
    joinedBy: null,
    silence: null,
    run: null,
    duplicateOf: null,
    reason,
    contentSeq: event.seq,
    erased: [],
  });
}

export function projectSuppressed(documents: Documents, event: KernelEvent<"signal.suppressed">): void {
  const duplicateOf = event.facts.duplicateOf;
  documents.change("signals", event.facts.signal, (before) => ({ ...before, status: "suppressed", duplicateOf }));
}

export function projectUnmatched(documents: Documents, event: KernelEvent<"signal.unmatched">): void {
  const status: SignalView["status"] = "unmatched";
  documents.change("signals", event.facts.signal, (before) => ({ ...before, status }));
}
