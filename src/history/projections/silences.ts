// Projections of maintenance silences.

import type { KernelEvent } from "../../kernel/events.ts";
import type { Documents } from "./documents.ts";

export function projectSilenceCreated(documents: Documents, event: KernelEvent<"silence.created">): void {
  const { environment, service, signature, startsAt, endsAt, action } = event.facts;
  documents.put("silences", {
    id: event.subject,
    seq: event.seq,
    status: "standing",
    environment,
    service,
    signature,
    startsAt,
    endsAt,
    action,
    createdAt: event.time,
    endedAt: null,
    endedBy: null,
    code: null,
    signalCount: 0,
    releasedCount: 0,
  });
}

export function projectSilenceEnded(documents: Documents, event: KernelEvent<"silence.ended">): void {
  const { code } = event.facts;
  const ended = { status: "ended", endedAt: event.time, endedBy: event.actor, code } as const;
  documents.change("silences", event.subject, (before) => ({ ...before, ...ended }));
}

export function noteSilenced(documents: Documents, silence: string | null): void {
  documents.change("silences", silence, (before) => ({ ...before, signalCount: before.signalCount + 1 }));
}

export function noteReleased(documents: Documents, silence: string | null): void {
  documents.change("silences", silence, (before) => ({ ...before, releasedCount: before.releasedCount + 1 }));
}
