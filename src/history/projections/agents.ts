// Projections of agents: one document for each, from its first registration to its revocation.

import type { KernelEvent } from "../../kernel/events.ts";
import type { AgentView } from "../../wire/types/views.ts";
import type { Documents } from "./documents.ts";

export function projectRegistered(documents: Documents, event: KernelEvent<"agent.registered">): void {
  const { facts, time, actor } = event;
  const before = documents.find("agents", facts.id);
  documents.put("agents", {
    id: facts.id,
    seq: before?.seq ?? event.seq,
    status: "active",
    owner: facts.owner,
    parents: facts.parents,
    purposeHash: facts.purposeHash,
    models: facts.models,
    kinds: facts.kinds,
    environments: facts.environments,
    services: facts.services,
    volumePerHour: facts.volumePerHour,
    reads: facts.reads,
    scopes: facts.scopes,
    roles: facts.roles,
    dpop: facts.dpop,
    keys: facts.keys.map(({ thumbprint }) => thumbprint),
    registeredAt: time,
    registeredSeq: event.seq,
    earlier: before === null ? [] : [...before.earlier, seqOf(before)].slice(-EARLIER_MAX),
    approvedBy: actor,
    action: facts.action,
    registrations: (before?.registrations ?? 0) + 1,
    revokedAt: null,
    revokedBy: null,
    revokedOf: null,
    refusals: before?.refusals ?? 0,
    lastRefusal: before?.lastRefusal ?? null,
  });
}

const EARLIER_MAX = 31;

function seqOf({ registeredSeq: seq, action }: AgentView): AgentView["earlier"][number] {
  return { seq, action };
}

export function projectRevoked(documents: Documents, event: KernelEvent<"agent.revoked">): void {
  const revoked = {
    status: "revoked",
    revokedAt: event.time,
    revokedBy: event.actor,
    revokedOf: event.facts.of,
  } as const;
  documents.change("agents", event.subject, (before) => ({ ...before, ...revoked }));
}

export function projectProposalRefused(documents: Documents, event: KernelEvent<"proposal.refused">): void {
  const lastRefusal = { seq: event.seq, time: event.time, code: event.facts.code };
  documents.change("agents", event.subject, (before) => ({ ...before, refusals: before.refusals + 1, lastRefusal }));
}
