// Projections of signals and incidents.

import type { KernelEvent } from "../../kernel/events.ts";
import type { SignalView } from "../../wire/types/views.ts";
import type { Documents } from "./documents.ts";

const NAMED_MAX = 32;

/** The newest last, the oldest beyond the bound dropped. */
export function withNewest(ids: readonly string[], id: string): readonly string[] {
  return ids.length < NAMED_MAX ? [...ids, id] : [...ids.slice(1 - NAMED_MAX), id];
}

export function projectReceived(documents: Documents, event: KernelEvent<"signal.received">): void {
  const { source, detector, status, environment, service, signature, deliveryKey, claimedSeverity, incident } =
    event.facts;
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
    run: null,
    duplicateOf: null,
    reason: null,
    contentSeq: event.seq,
    erased: [],
  });
  documents.change("incidents", incident, (before) => {
    if (status === "resolved") return { ...before, lastSignalAt: event.time };
    return {
      ...before,
      lastSignalAt: event.time,
      claimedSeverity,
      signalCount: before.signalCount + 1,
      signals: withNewest(before.signals, event.subject),
    };
  });
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

export function projectIncidentOpened(documents: Documents, event: KernelEvent<"incident.opened">): void {
  const { environment, service, signature } = event.facts;
  documents.put("incidents", {
    id: event.subject,
    seq: event.seq,
    status: "open",
    environment,
    service,
    signature,
    openedAt: event.time,
    lastSignalAt: event.time,
    resolvedAt: null,
    resolution: null,
    claimedSeverity: "none",
    signalCount: 0,
    signals: [],
    runs: [],
    actions: [],
    paged: false,
    pageClosing: null,
  });
}

export function projectIncidentResolved(documents: Documents, event: KernelEvent<"incident.resolved">): void {
  documents.change("incidents", event.subject, (before) => ({
    ...before,
    status: "resolved",
    resolvedAt: event.time,
    resolution: event.facts.code,
  }));
}
