// Projections of grants: one document for each that allows something outside, which follows its action.

import type { KernelEvent } from "../../kernel/events.ts";
import { hasEnded } from "../../kernel/state.ts";
import type { GrantView } from "../../wire/types/grant-views.ts";
import type { Spent } from "../../kernel/grant-sets.ts";
import type { ActionView } from "../../wire/types/views.ts";
import type { Documents } from "./documents.ts";

/** Not of what Holdpoint carries out itself, and not of dry runs: those are over with their grant. */
export function projectGrantOf(documents: Documents, event: KernelEvent<"action.granted">): void {
  const { grant, completed, planHash, under } = event.facts;
  if (under !== undefined) changeUse(documents, under, 1);
  const action = documents.find("actions", event.subject);
  if (action === null || completed !== null || action.effect !== "external") return;
  const { kind, environment, service, resource, agent } = action;
  const about = { kind, environment, service, resource, agent, planHash, action: action.id };
  const none = { revokedAt: null, revokedBy: null, terms: null, covers: "plan", under: under ?? null } as const;
  const begun = { id: grant, seq: event.seq, grantedAt: event.time };
  documents.put("grants", { ...begun, ...about, ...none, ...standing(action) });
}

export function projectGrantTakenBack(documents: Documents, event: KernelEvent<"action.grant-revoked">): void {
  documents.change("grants", event.facts.grant, (before) => {
    const revoked: GrantView = { ...before, revokedAt: event.time, revokedBy: event.actor, code: event.facts.code };
    return { ...revoked, status: statusOf(revoked, event.facts.status) };
  });
}

/** What never began, or was refused with nothing done, is given back to the set that it was under. */
function changeUse(documents: Documents, { grant, size }: Spent, times: 1 | -1): void {
  documents.change("grants", grant, (before) => {
    if (before.terms === null) return before;
    const { usedCount, usedSize } = before.terms;
    const terms = { ...before.terms, usedCount: usedCount + times, usedSize: usedSize + times * size };
    const isOpen = before.status === "active" || before.status === "used";
    const status = isOpen ? (terms.usedCount < terms.count ? "active" : "used") : before.status;
    return { ...before, terms, status };
  });
}

export function projectSetCreated(documents: Documents, event: KernelEvent<"grant.created">): void {
  const { action, agent, kinds, environments, services, count, size, route, expiresAt } = event.facts;
  const terms = { kinds, environments, services, count, size, route, usedCount: 0, usedSize: 0 };
  const places = { environment: environments.join(","), service: services?.join(",") ?? "*", resource: null };
  const none = { code: null, planHash: null, under: null, revokedAt: null, revokedBy: null, endedAt: null };
  const made = { id: event.subject, seq: event.seq, grantedAt: event.time, expiresAt, attempt: 0 };
  const about = {
    covers: "set",
    status: "active",
    outcome: "succeeded",
    action,
    agent,
    kind: kinds.join(","),
  } as const;
  documents.put("grants", { ...made, ...about, ...places, ...none, terms });
}

export function projectSetRevoked(documents: Documents, event: KernelEvent<"grant.revoked">): void {
  const { code } = event.facts;
  const revoked = { revokedAt: event.time, revokedBy: event.actor, endedAt: event.time, code };
  documents.change("grants", event.subject, (before) => ({ ...before, ...revoked, status: "revoked" }));
}

export function projectSetExpired(documents: Documents, event: KernelEvent<"grant.expired">): void {
  documents.change("grants", event.subject, (before) => ({
    ...before,
    status: before.status === "used" ? "used" : "expired",
    endedAt: event.time,
  }));
}

/** The action moved on. */
export function followAction(documents: Documents, action: ActionView): void {
  if (action.grant === null) return;
  const { under } = documents.find("grants", action.grant.id) ?? {};
  const isUndone = action.status === "refused" || (action.attempt === 0 && hasEnded(action.status));
  if (isUndone && under != null) changeUse(documents, under, -1);
  documents.change("grants", action.grant.id, (before) => ({
    ...before,
    ...standing(action),
    status: statusOf(before, action.status),
  }));
}

type Standing = Pick<GrantView, "status" | "outcome" | "code" | "attempt" | "expiresAt" | "endedAt">;

function standing({ status: outcome, code, attempt, grant, endedAt }: ActionView): Standing {
  return { status: "active", outcome, code, attempt, expiresAt: grant?.expiresAt ?? 0, endedAt };
}

const WITHOUT_USE: ReadonlySet<string> = new Set(["cancelled", "refused", "suppressed"]);

function statusOf({ revokedAt }: Pick<GrantView, "revokedAt">, outcome: ActionView["status"]): GrantView["status"] {
  if (revokedAt !== null) return "revoked";
  if (outcome === "expired") return "expired";
  if (WITHOUT_USE.has(outcome)) return "void";
  return hasEnded(outcome) ? "used" : "active";
}
