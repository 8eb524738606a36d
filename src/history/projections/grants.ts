// Projections of grants: one document for each that allows something outside, which follows its action.

import type { KernelEvent } from "../../kernel/events.ts";
import { hasEnded } from "../../kernel/state.ts";
import type { GrantView } from "../../wire/types/grant-views.ts";
import type { ActionView } from "../../wire/types/views.ts";
import type { Documents } from "./documents.ts";

/** Not of what Holdpoint carries out itself, and not of dry runs: those are over with their grant. */
export function projectGrantOf(documents: Documents, event: KernelEvent<"action.granted">): void {
  const { grant, completed, planHash } = event.facts;
  const action = documents.find("actions", event.subject);
  if (action === null || completed !== null || action.effect !== "external") return;
  const { kind, environment, service, resource, agent } = action;
  const about = { kind, environment, service, resource, agent, planHash, action: action.id };
  const none = { revokedAt: null, revokedBy: null };
  const begun = { id: grant, seq: event.seq, grantedAt: event.time };
  documents.put("grants", { ...begun, ...about, ...none, ...standing(action) });
}

export function projectGrantTakenBack(documents: Documents, event: KernelEvent<"action.grant-revoked">): void {
  documents.change("grants", event.facts.grant, (before) => {
    const revoked: GrantView = { ...before, revokedAt: event.time, revokedBy: event.actor, code: event.facts.code };
    return { ...revoked, status: statusOf(revoked, event.facts.status) };
  });
}

/** The action moved on. */
export function followAction(documents: Documents, action: ActionView): void {
  if (action.grant === null) return;
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
