// When what takes an action back runs by itself, in words.

import type { TimelineEntry } from "../../wire/types/views.ts";

/** Policy says with the grant whether it does; what was not granted, or is left out of the timeline, may yet. */
export function undoneWhen(timeline: readonly TimelineEntry[]): string {
  const granted = timeline.findLast(({ type }) => type === "action.granted");
  if (granted === undefined) return "Where a verification takes it back that runs by itself: nobody is asked again.";
  return typeof granted.facts["revertGrant"] === "string"
    ? "Where checks fail it runs by itself, under a grant of its own: nobody is asked again."
    : "It does not run by itself: a person may ask for it.";
}
