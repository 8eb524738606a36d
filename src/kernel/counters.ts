// Exact sliding windows and duplicate marks, kept in state and read by stateful gates.

import type { CounterReader } from "../wire/types/policy-facts.ts";
import type { Reservation } from "../wire/types/verdict.ts";
import { setBounded } from "./bounded.ts";
import { LIMITS } from "./limits.ts";
import type { State } from "./state.ts";

/** Counters as gates see them at `now`: a reservation at time t counts while now - t < windowMs. */
export function readCounters(state: State, now: number): CounterReader {
  return {
    used(counter, windowMs) {
      const entry = state.counters.get(counter);
      if (entry === undefined) return 0;
      let used = 0;
      for (let i = entry.times.length - 1; i >= 0; i--) {
        if (now - (entry.times[i] as number) >= windowMs) break;
        used++;
      }
      return used;
    },
    lastPassed(key, windowMs) {
      const mark = state.duplicates.get(key);
      return mark !== undefined && now - mark.at < windowMs ? mark.action : null;
    },
  };
}

/** Records that a granted action took from each limit; times outside the window are dropped. */
export function reserve(state: State, at: { now: number; reservations: readonly Reservation[] }): void {
  for (const reservation of at.reservations) {
    const previous = state.counters.get(reservation.counter);
    const times = (previous?.times ?? []).filter((time) => at.now - time < reservation.windowMs);
    times.push(at.now);
    const value = { windowMs: reservation.windowMs, times };
    setBounded(state.counters, { key: reservation.counter, value, max: LIMITS.countersMax });
  }
}

export function markPassed(state: State, mark: { now: number; action: string; keys: readonly string[] }): void {
  for (const key of mark.keys) {
    setBounded(state.duplicates, { key, value: { action: mark.action, at: mark.now }, max: LIMITS.duplicateKeysMax });
  }
}

/** What was granted and provably never began makes nothing a duplicate. */
export function forgetPassed(state: State, action: string): void {
  for (const [key, mark] of state.duplicates) if (mark.action === action) state.duplicates.delete(key);
}
