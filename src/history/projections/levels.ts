// Projections of the levels of agents: one document for each grant.

import type { KernelEvent } from "../../kernel/events.ts";
import type { Documents } from "./documents.ts";

export function projectLevelGranted(documents: Documents, event: KernelEvent<"level.granted">): void {
  const { agent, action, kinds, environments, services, level, expiresAt } = event.facts;
  documents.put("levels", {
    id: event.subject,
    seq: event.seq,
    status: "active",
    agent,
    kinds,
    environments,
    services,
    level,
    expiresAt,
    action,
    grantedAt: event.time,
    endedAt: null,
    revokeAction: null,
  });
}

export function projectLevelRevoked(documents: Documents, event: KernelEvent<"level.revoked">): void {
  const { action: revokeAction } = event.facts;
  documents.change("levels", event.subject, (before) => ({
    ...before,
    status: "revoked",
    endedAt: event.time,
    revokeAction,
  }));
}

/** With its agent; who asked for that, the agent's own document says. */
export function projectLevelsLost(documents: Documents, { facts, time }: KernelEvent<"agent.revoked">): void {
  for (const id of facts.levels ?? [])
    documents.change("levels", id, (before) => ({ ...before, status: "revoked", endedAt: time }));
}

export function projectLevelExpired(documents: Documents, event: KernelEvent<"level.expired">): void {
  documents.change("levels", event.subject, (before) => ({ ...before, status: "expired", endedAt: event.time }));
}
