// Projections of the triage agent's stage: onto the one document of the installation.

import type { KernelEvent } from "../../kernel/events.ts";
import type { Documents } from "./documents.ts";

const INSTALLATION = "log";

export function projectStageGranted(documents: Documents, event: KernelEvent<"stage.granted">): void {
  const { action, expiresAt, signature, stage } = event.facts;
  const granted = {
    id: event.subject,
    seq: event.seq,
    stage,
    grantedAt: event.time,
    grantedBy: event.actor,
    action,
    isSigned: signature !== null,
    expiresAt,
    expiredAt: null,
  };
  documents.change("installation", INSTALLATION, (before) => ({ ...before, stage: granted }));
}

export function projectStageExpired(documents: Documents, event: KernelEvent<"stage.expired">): void {
  documents.change("installation", INSTALLATION, (before) =>
    before.stage === null ? before : { ...before, stage: { ...before.stage, expiredAt: event.time } },
  );
}
