// Reducers of the installation itself: engine starts, policy, brakes, idempotency.

import { addShare, dropShare, setBounded } from "../bounded.ts";
import type { KernelEvent } from "../events.ts";
import { LIMITS } from "../limits.ts";
import type { State } from "../state.ts";
import { beginReport } from "./stop-report.ts";

export function applyEngineStarted(state: State, event: KernelEvent<"engine.started">): void {
  state.epoch++;
  state.engine = event.facts.engine;
}

export function applyPolicyProposed(state: State, event: KernelEvent<"policy.proposed">): void {
  const max = LIMITS.policyProposalsMax;
  const active = state.bundleHash;
  const activeSeq = active === null ? undefined : state.proposedBundles.get(active);
  // The active bundle stays among the newest: a start needs to find its bytes.
  if (active !== null && activeSeq !== undefined)
    setBounded(state.proposedBundles, { key: active, value: activeSeq, max });
  setBounded(state.proposedBundles, { key: event.facts.bundleHash, value: event.seq, max });
}

export function applyPolicyActivated(state: State, event: KernelEvent<"policy.activated">): void {
  state.bundleHash = event.facts.bundleHash;
  state.policyMode = event.facts.mode;
}

export function applyBrakeApplied(state: State, event: KernelEvent<"brake.applied">): void {
  const { mode, scope, command = null } = event.facts;
  const brake = { id: event.subject, mode, scope, appliedAt: event.time, command };
  state.brakes.set(brake.id, { ...brake, report: mode === "pause" ? beginReport(state, brake) : null });
}

export function applyBrakeFollowed(state: State, event: KernelEvent<"brake.followed">): void {
  const { brake: id, incident, scope } = event.facts;
  const brake = state.brakes.get(id);
  if (brake?.command == null) return;
  state.brakes.set(id, { ...brake, scope, command: { ...brake.command, incident } });
}

export function applyBrakeReleased(state: State, event: KernelEvent<"brake.released">): void {
  state.brakes.delete(event.facts.brake);
}

/** A proposal may carry an idempotency key: the action is remembered under it. */
export function rememberKey(state: State, event: KernelEvent): void {
  const key = event.facts.input?.["idempotencyKey"];
  if (event.type !== "action.proposed" || typeof key !== "string") return;
  const { requestHash, forgets, signed } = (event as KernelEvent<"action.proposed">).facts;
  if (forgets !== undefined) forgetKey(state, forgets);
  const client = event.actor;
  const mark = { subject: event.subject, requestHash, client };
  state.idempotency.set(key, signed === undefined ? mark : { ...mark, signedAt: signed.signedAt });
  addShare(state.shares.idempotency, client, key);
}

function forgetKey(state: State, key: string): void {
  const mark = state.idempotency.get(key);
  if (mark === undefined) return;
  state.idempotency.delete(key);
  const agent = mark.signedAt === undefined ? undefined : state.agents.get(mark.client);
  if (agent !== undefined) agent.forgottenUntil = Math.max(agent.forgottenUntil, mark.signedAt ?? 0);
  dropShare(state.shares.idempotency, mark.client, key);
}
