// What brakes found of an action, on the action's own document.

import type { StopFact } from "../../kernel/events.ts";
import type { StopView } from "../../wire/types/stop-views.ts";
import type { Documents } from "./documents.ts";

const STOPS_MAX = 8;

export function noteStop(documents: Documents, action: string, stop: StopView): void {
  documents.change("actions", action, (before) => ({
    ...before,
    stops: [...before.stops, stop].slice(-STOPS_MAX),
  }));
}

/** How the step that brakes found in flight ended. A brake whose event did not list it, for there were many, is added. */
export function noteStopEnds(documents: Documents, action: string, ends: readonly StopFact[] | undefined): void {
  if (ends === undefined) return;
  documents.change("actions", action, (before) => {
    const others = before.stops.filter(({ brake }) => !ends.some((one) => one.brake === brake));
    const ended = ends.map((one): StopView => ({ ...one, was: "in-flight" }));
    return { ...before, stops: [...others, ...ended].slice(-STOPS_MAX) };
  });
}
