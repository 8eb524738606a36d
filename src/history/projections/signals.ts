// Projections of signals.

import type { KernelEvent } from "../../kernel/events.ts";
import type { SignalView } from "../../wire/types/views.ts";
import type { Documents } from "./documents.ts";
import { noteSignal } from "./incidents.ts";

export function projectReceived(documents: Documents, event: KernelEvent<"signal.received">): void {
  const { source, detector, status, environment, service, signature, deliveryKey, claimedSeverity } = event.facts;
  const { incident, joinedBy } = event.facts;
  documents.put("signals", {
    id: event.subject,
    seq: event.seq,
    status: status === "resolved" ? "resolved" : "received",
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
    run: null,
    duplicateOf: null,
    reason: null,
    contentSeq: event.seq,
    erased: [],
  });
  noteSignal(documents, event);
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
