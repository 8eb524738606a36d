// Projections of storms: those that last, and those that are over.

import type { KernelEvent } from "../../kernel/events.ts";
import type { Documents } from "./documents.ts";

export function projectStormOpened(documents: Documents, event: KernelEvent<"storm.opened">): void {
  const { environment, service, services } = event.facts;
  documents.put("storms", {
    id: event.subject,
    seq: event.seq,
    status: "open",
    environment,
    service,
    services,
    openedAt: event.time,
    endedAt: null,
    page: null,
    pageClosing: null,
    systems: {},
  });
}

export function projectStormEnded(documents: Documents, event: KernelEvent<"storm.ended">): void {
  documents.change("storms", event.subject, (before) => ({ ...before, status: "ended", endedAt: event.time }));
}
