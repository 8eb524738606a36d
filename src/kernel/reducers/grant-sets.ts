// Reducers of bounded grants: made, used, given back, ended.

import type { KernelEvent } from "../events.ts";
import type { Spent } from "../grant-sets.ts";
import type { State } from "../state.ts";

export function applySetCreated(state: State, { subject, facts }: KernelEvent<"grant.created">): void {
  const { action, approvals, asks, step, ...scope } = facts;
  const { agent, count, environments, expiresAt, kinds, route, services, size } = scope;
  const consent = { approvals, asks, glassMs: null, route, step };
  const bounds = { agent, count, environments, expiresAt, kinds, route, services, size };
  state.sets.set(subject, { ...bounds, id: subject, action, consent, usedCount: 0, usedSize: 0 });
}

export function applySetEnded(state: State, event: KernelEvent<"grant.revoked" | "grant.expired">): void {
  state.sets.delete(event.subject);
}

/** `times` is 1 for what is used, -1 for what is given back since nothing of it took effect. */
export function spend({ sets }: State, { grant, size }: Spent, times: 1 | -1): void {
  const set = sets.get(grant);
  if (set === undefined) return;
  sets.set(grant, { ...set, usedCount: set.usedCount + times, usedSize: set.usedSize + times * size });
}
