// Exact sliding windows and duplicate marks, kept in state and read by stateful gates.

import type { CounterReader } from "../wire/types/policy-facts.ts";
import type { Reservation } from "../wire/types/verdict.ts";
import { setBounded } from "./bounded.ts";
import { contendersOf, underWayWith } from "./contenders.ts";
import { addImpact, readImpact, takeBackImpact } from "./impacts.ts";
import { LIMITS, TERMS } from "./limits.ts";
import { findRehearsal } from "./rehearsals.ts";
import type { Grant } from "./grant-state.ts";
import type { State } from "./state.ts";
import type { Counter, DuplicateMark } from "./tables.ts";

/** Counters as gates see them at `now`: a reservation at time t counts while now - t < windowMs. */
export function readCounters(state: State, now: number): CounterReader {
  return {
    used(counter, windowMs) {
      const entry = state.counters.get(counter);
      if (entry === undefined) return hasRoom(state, now) ? 0 : Number.MAX_SAFE_INTEGER;
      let used = 0;
      for (let i = entry.times.length - 1; i >= 0; i--) {
        if (now - (entry.times[i] as number) >= windowMs) break;
        used++;
      }
      return used;
    },
    lastPassed(key, windowMs) {
      const mark = state.duplicates.get(key);
      return mark !== undefined && now - mark.at < windowMs && !isOver(mark) ? mark.action : null;
    },
    contenders: (action) => contendersOf(state, action),
    underWay: (action) => underWayWith(state, action),
    rehearsal: (action, of) => findRehearsal(state, action, { ...of, now }),
    impact: (counter, of) => readImpact(state, counter, { ...of, now }),
  };
}

/** Counters that still count are never evicted for others: a table full of them lets nothing new through. */
function hasRoom(state: State, now: number): boolean {
  if (state.counters.size < LIMITS.countersMax) return true;
  for (const counter of state.counters.values()) if (isSpent(counter, now)) return true;
  return false;
}

function isSpent({ times, windowMs }: Counter, now: number): boolean {
  const newest = times.at(-1);
  return newest === undefined || now - newest >= windowMs;
}

function dropSpent(state: State, now: number): void {
  for (const [name, counter] of state.counters) if (isSpent(counter, now)) state.counters.delete(name);
}

/**
 * Records that a granted action took from each limit; times outside the window are dropped. Beyond `max`, which only
 * an approval goes, the newest are enough to tell that there is no room.
 */
export function reserve(state: State, at: { now: number; action: string; reservations: readonly Reservation[] }): void {
  for (const reservation of at.reservations) {
    if (reservation.impact !== undefined) {
      addImpact(state, at.action, { ...reservation, now: at.now });
      continue;
    }
    const previous = state.counters.get(reservation.counter);
    const times = (previous?.times ?? []).filter((time) => at.now - time < reservation.windowMs);
    times.push(at.now);
    if (times.length > reservation.max) times.shift();
    const value = { windowMs: reservation.windowMs, times };
    if (previous === undefined && state.counters.size >= LIMITS.countersMax) dropSpent(state, at.now);
    setBounded(state.counters, { key: reservation.counter, value, max: LIMITS.countersMax });
  }
}

/**
 * A page that was closed stands for nothing any more: what fails then is another occurrence, and is paged. Only once,
 * though: a failure that comes and goes is a duplicate of its second page for as long as the window says.
 */
function isOver(mark: DuplicateMark): boolean {
  return mark.closed && !mark.again;
}

export function markPassed(state: State, mark: { now: number; action: string; keys: readonly string[] }): void {
  for (const key of mark.keys) {
    const before = state.duplicates.get(key);
    const again = before?.closed === true && mark.now - before.at < TERMS.suppressRunMs;
    const value = { action: mark.action, at: mark.now, again, closed: false };
    setBounded(state.duplicates, { key, value, max: LIMITS.duplicateKeysMax });
  }
}

const NO_KEYS: readonly string[] = [];

/** The keys whose marks make room for `keys`: what they stood for can be granted again. */
export function marksToForget({ duplicates }: State, keys: readonly string[]): readonly string[] {
  if (duplicates.size + keys.length <= LIMITS.duplicateKeysMax) return NO_KEYS;
  const fresh = new Set(keys.filter((key) => !duplicates.has(key))).size;
  const excess = duplicates.size + fresh - LIMITS.duplicateKeysMax;
  return excess <= 0 ? NO_KEYS : [...duplicates.keys()].filter((key) => !keys.includes(key)).slice(0, excess);
}

/** The page that these marks stand for is closed at the pager. */
export function closeMarks(state: State, page: { action: string; duplicateKeys: readonly string[] }): void {
  for (const key of page.duplicateKeys) {
    const mark = state.duplicates.get(key);
    if (mark?.action === page.action) state.duplicates.set(key, { ...mark, closed: true });
  }
}

/** What these marks stand for counts from now on again. */
export function refreshMarks(
  state: State,
  page: { readonly action: string; readonly duplicateKeys: readonly string[] },
  now: number,
): void {
  for (const key of page.duplicateKeys) {
    const mark = state.duplicates.get(key);
    if (mark?.action !== page.action) continue;
    state.duplicates.delete(key);
    state.duplicates.set(key, { ...mark, at: now });
  }
}

/** What provably had no effect makes nothing a duplicate. */
export function dropMarks(state: State, action: string, { duplicateKeys }: Grant): void {
  for (const key of duplicateKeys) {
    if (state.duplicates.get(key)?.action === action) state.duplicates.delete(key);
  }
}

/** What was granted and provably never began took from no limit and makes nothing a duplicate. */
export function giveBack(state: State, action: string, grant: Grant): void {
  for (const name of grant.counters) {
    const times = state.counters.get(name)?.times ?? [];
    const taken = times.indexOf(grant.at);
    if (taken >= 0) times.splice(taken, 1);
  }
  takeBackImpact(state, action, grant.counters);
  dropMarks(state, action, grant);
}
