// Pages that have to be closed at the pager: kept until an attempt succeeds, or until people are asked to.
//
//   incident ends ─► attempt ──succeeded──► done          (also: denied or cancelled by a person)
//                     ▲   └──refused, expired, failed──► owed ──time, no brake, not in shadow──► the next attempt
//                     └─────────────────────────────────────┘     the last one ends as `needs-attention`

import { setBounded } from "../bounded.ts";
import type { ActionStatus } from "../../wire/types/action-status.ts";
import { LIMITS, TERMS } from "../limits.ts";
import type { Action, State } from "../state.ts";

/** How an attempt ends that is to be made again. */
export const CAME_TO_NOTHING: ReadonlySet<ActionStatus> = new Set(["refused", "expired", "failed"]);
/** Held back by a brake or a stage, which says nothing about the pager. */
export const HELD_BACK: ReadonlySet<string> = new Set(["paused", "dry-run", "shadow"]);

/** True when no further attempt follows one that comes to nothing now. */
export function isLastTry(state: State, action: Action): boolean {
  if (action.kind !== "pagerduty.resolve" || action.incident === null) return false;
  return (state.owedResolves.get(action.incident)?.tries ?? 0) + 1 >= LIMITS.resolveTriesMax;
}

export function noteResolveBegun(state: State, incident: string | null): void {
  const owed = incident === null ? undefined : state.owedResolves.get(incident);
  if (owed !== undefined) state.owedResolves.set(owed.id, { ...owed, dueAt: null });
}

type End = { readonly status: ActionStatus; readonly code: string; readonly at: number };

export function noteResolveEnd(state: State, action: Action, { status, code, at }: End): void {
  const { incident: id, environment, service, run, cause } = action;
  if (id === null || cause === null) return;
  const isHeldBack = HELD_BACK.has(code);
  if (!isHeldBack && !CAME_TO_NOTHING.has(status)) return void state.owedResolves.delete(id);
  const tries = (state.owedResolves.get(id)?.tries ?? 0) + (isHeldBack ? 0 : 1);
  const value = { id, environment, service, signature: cause.signature, run, tries, dueAt: at + waitMs(tries) };
  setBounded(state.owedResolves, { key: id, value, max: LIMITS.owedResolvesMax });
}

export function waitMs(tries: number): number {
  if (tries === 0) return 0;
  return Math.min(TERMS.resolveAgainMs * 2 ** Math.min(tries - 1, 10), TERMS.resolveAgainMaxMs);
}
