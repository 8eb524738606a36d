// Reducers of a hold's clock: it stands still under a pause and goes on with what was left.

import { assert } from "../../core/assert.ts";
import type { KernelEvent } from "../events.ts";
import { holdDueAt } from "../holds.ts";
import type { Hold } from "../hold-state.ts";
import type { State } from "../state.ts";
import { actionOf } from "./actions.ts";

export function applyFrozen(state: State, event: KernelEvent<"hold.frozen">): void {
  const action = actionOf(state, event.subject);
  assert(action.hold !== null, "only a hold is frozen");
  const { remainingMs, until } = event.facts;
  action.hold = { ...action.hold, frozenAt: event.time, remainingMs };
  action.dueAt = until;
}

export function applyResumed(state: State, event: KernelEvent<"hold.resumed">): void {
  const action = actionOf(state, event.subject);
  assert(action.hold !== null, "only a hold is resumed");
  const { frozenMs, deadline } = event.facts;
  const { frozenAt: _frozenAt, remainingMs: _remainingMs, ...hold } = action.hold;
  // What people are reminded of is as much later as they have more time.
  const remindAt = hold.remindAt === null ? null : hold.remindAt + frozenMs;
  const resumed: Hold = { ...hold, deadline, remindAt, frozenMs: (hold.frozenMs ?? 0) + frozenMs };
  action.hold = resumed;
  action.dueAt = holdDueAt(resumed);
}
