// The clocks of holds, counted from the brakes themselves: no question times out before people had its whole window.

import { apply } from "../../src/kernel/apply.ts";
import { brakeOn } from "../../src/kernel/brakes.ts";
import { TERMS } from "../../src/kernel/limits.ts";
import { emptyState } from "../../src/kernel/state.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";

type Clock = { windowMs: number; ranMs: number; stoodMs: number };

/** How long each hold could be answered, and how long it could not because a pause covered it, event by event. */
export function checkClocks(events: readonly LedgerEvent[]): string[] {
  const state = emptyState();
  const broken: string[] = [];
  const clocks = new Map<string, Clock>();
  for (const event of events) {
    for (const [id, clock] of clocks) {
      const action = state.actions.get(id);
      const passedMs = event.time - state.time;
      if (action === undefined || brakeOn(state.brakes.values(), action) !== "pause") clock.ranMs += passedMs;
      else clock.stoodMs += passedMs;
    }
    const { subject: id } = event;
    const clock = clocks.get(id);
    const isOver = event.type === "hold.escalated" || event.facts["code"] === "hold-timeout";
    // Frozen for too long in all, it runs under the pause too.
    const isSpent = clock !== undefined && clock.stoodMs >= TERMS.frozenMaxMs;
    if (isOver && clock !== undefined && !isSpent && clock.ranMs < clock.windowMs) {
      broken.push(`${id}: timed out after ${clock.ranMs} of ${clock.windowMs} ms`);
    }
    apply(state, event);
    const held = state.actions.get(id);
    if (held?.status !== "held") clocks.delete(id);
    else if (event.type === "action.held" || event.type === "hold.escalated") {
      const windowMs = Number(event.facts["deadline"]) - event.time;
      clocks.set(id, { windowMs, ranMs: 0, stoodMs: clock?.stoodMs ?? 0 });
    }
  }
  return broken;
}
