// What granted actions add up to in a sliding window, over agents, rules and pieces: kept in state, exact.

import { setBounded } from "./bounded.ts";
import { LIMITS, TERMS } from "./limits.ts";
import type { ImpactAsk, ImpactReading } from "../wire/types/policy-facts.ts";
import type { Reservation } from "../wire/types/verdict.ts";
import type { Impact, ImpactEntry } from "./impact.ts";
import type { Action, State } from "./state.ts";

/** More than any gate allows: what is not known to have room has none. */
const FULL: ImpactReading = {
  actions: Number.MAX_SAFE_INTEGER,
  size: Number.MAX_SAFE_INTEGER,
  share: Number.MAX_SAFE_INTEGER,
  targets: Number.MAX_SAFE_INTEGER,
  isKnown: false,
};

const NONE: ImpactReading = { actions: 0, size: 0, share: 0, targets: 0, isKnown: false };

type At = ImpactAsk & { readonly now: number };

/** What the entries of `counter` in (now - windowMs, now] come to; `isKnown`: the target is among theirs. */
export function readImpact(
  state: Readonly<State>,
  counter: string,
  { windowMs, target, near, now }: At,
): ImpactReading {
  const impact = state.impacts.get(counter);
  if (impact === undefined) return hasRoom(state, now) ? NONE : FULL;
  let [actions, size, share] = [0, 0, 0];
  const targets = new Set<string>();
  for (const entry of impact.entries) {
    if (now - entry.at >= windowMs) continue;
    if (near !== undefined && entry.node !== undefined && !near.includes(entry.node)) continue;
    actions += entry.actions;
    size += entry.size;
    share += entry.share ?? 0;
    targets.add(entry.target);
  }
  return { actions, size, share, targets: targets.size, isKnown: targets.has(target) };
}

/**
 * Entries that still count are never given up for others: a table full of them takes no new counter, and what has none
 * then reads as full.
 */
function hasRoom({ impacts }: Readonly<State>, now: number): boolean {
  if (impacts.size < LIMITS.impactsMax) return true;
  for (const impact of impacts.values()) if (isSpent(impact, now)) return true;
  return false;
}

function isSpent({ entries, windowMs }: Impact, now: number): boolean {
  const newest = entries.at(-1);
  return newest === undefined || now - newest.at >= windowMs;
}

/** Records what a granted action adds. Gates of different windows share no counter: its name says the window. */
export function addImpact(state: State, action: string, { now, ...of }: Reservation & { readonly now: number }): void {
  if (of.impact === undefined) return;
  const { impacts } = state;
  if (!impacts.has(of.counter) && impacts.size >= LIMITS.impactsMax) {
    for (const [name, impact] of impacts) if (isSpent(impact, now)) impacts.delete(name);
    if (impacts.size >= LIMITS.impactsMax) return;
  }
  const kept = (impacts.get(of.counter)?.entries ?? []).filter(({ at }) => now - at < of.windowMs);
  const entries = [...kept, { at: now, action, actions: 1, ...of.impact }];
  const value = {
    windowMs: of.windowMs,
    entries: entries.length > LIMITS.impactEntriesMax ? merged(entries) : entries,
  };
  setBounded(impacts, { key: of.counter, value, max: LIMITS.impactsMax });
}

/** The two oldest as one, as old as the younger of them: they count for longer and everywhere, never for less. */
function merged([first, second, ...rest]: readonly ImpactEntry[]): readonly ImpactEntry[] {
  if (first === undefined || second === undefined) return rest;
  const { at, target } = second;
  const [actions, size] = [first.actions + second.actions, first.size + second.size];
  const share = second.share === undefined ? {} : { share: (first.share ?? 0) + second.share };
  return [{ at, action: "", actions, size, target, ...share }, ...rest];
}

/** What provably never began has added nothing. */
export function takeBackImpact({ impacts }: State, action: string, counters: readonly string[]): void {
  for (const name of counters) {
    const impact = impacts.get(name);
    if (impact === undefined) continue;
    const entries = impact.entries.filter((entry) => entry.action !== action);
    impacts.set(name, { ...impact, entries });
  }
}

export function targetOf({
  environment,
  service,
  resource,
}: Pick<Action, "environment" | "service" | "resource">): string {
  return `${environment}|${service}|${resource ?? ""}`;
}

/**
 * Pieces of one change: the same kind on the same service for the same person, or for the same agent where nobody is
 * behind it. Separators inside names are written so that different ones never give one text.
 */
function piecesCounter({ kind, environment, service, person, agent }: Action): string {
  return `pieces|${[kind, environment, service, person ?? agent].map(encodeURIComponent).join("|")}`;
}

/** How much an action does, with the pieces that were granted of it before; 1 for a kind that does not say. */
export function sizeFacts(
  state: Readonly<State>,
  action: Action,
  now: number,
): { size: number; ownSize: number; pieces: number } {
  const ownSize = action.size ?? 1;
  if (action.size === undefined) return { size: ownSize, ownSize, pieces: 0 };
  const at = { windowMs: TERMS.splitMs, target: "", now };
  const before = readImpact(state, piecesCounter(action), at);
  return { size: Math.min(ownSize + before.size, Number.MAX_SAFE_INTEGER), ownSize, pieces: before.actions };
}

/** What the grant of a piece records, so that the next one is judged with it. */
export function pieceReservation(action: Action): readonly Reservation[] {
  if (action.size === undefined) return [];
  const impact = { size: action.size, target: targetOf(action) };
  return [{ counter: piecesCounter(action), windowMs: TERMS.splitMs, max: LIMITS.impactEntriesMax, impact }];
}
