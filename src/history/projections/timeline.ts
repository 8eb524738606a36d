// The timeline of an action: each of its events with the small facts that people read first.

import type { Json, JsonObject } from "../../core/json.ts";
import type { EventType, KernelEvent } from "../../kernel/events.ts";
import type { ActionView, TimelineEntry } from "../../wire/types/views.ts";

const ENTRIES_MAX = 64;
/** A long timeline keeps its beginning and its end. */
const FIRST_KEPT = 16;

const SHOWN: { readonly [T in EventType]?: readonly string[] } = {
  "action.proposed": ["deadline", "planHash", "requestHash"],
  "action.planned": ["planHash"],
  "action.refused": ["code"],
  "action.suppressed": ["duplicateOf"],
  "action.held": ["hold", "route", "deadline", "planHash"],
  "hold.escalated": ["hold", "step", "deadline"],
  "action.approved": ["hold", "person", "planHash"],
  "action.denied": ["hold", "person", "planHash"],
  "action.cancelled": ["code"],
  "action.expired": ["code"],
  "action.granted": ["grant", "expiresAt", "planHash", "dryRun", "completed"],
  "action.completed": ["code", "status"],
  "step.started": ["attempt", "epoch"],
  "step.finished": ["attempt", "status", "code", "retryAt", "action"],
  "step.reconciled": ["attempt", "status", "action"],
};

export function withEntry(before: ActionView, event: KernelEvent): Pick<ActionView, "timeline" | "timelineOmitted"> {
  const { seq, time, type, actor, command } = event;
  const entry: TimelineEntry = { seq, time, type, actor, command, facts: smallFacts(event) };
  if (before.timeline.length < ENTRIES_MAX) {
    return { timeline: [...before.timeline, entry], timelineOmitted: before.timelineOmitted };
  }
  const timeline = [...before.timeline.slice(0, FIRST_KEPT), ...before.timeline.slice(FIRST_KEPT + 1), entry];
  return { timeline, timelineOmitted: before.timelineOmitted + 1 };
}

/** The facts of an event that the timeline shows; of an evaluation, its decision and the bundle that made it. */
export function smallFacts(event: Pick<KernelEvent, "type" | "facts">): TimelineEntry["facts"] {
  const facts = event.facts as unknown as JsonObject;
  const small: Record<string, string | number | boolean | null> = {};
  for (const name of SHOWN[event.type] ?? []) {
    const value = facts[name];
    if (isScalar(value)) small[name] = value;
  }
  const evaluation = facts["evaluation"] as JsonObject | null | undefined;
  if (evaluation) {
    for (const name of ["decision", "bundleHash"]) {
      const value = evaluation[name];
      if (isScalar(value)) small[name] = value;
    }
  }
  return small;
}

function isScalar(value: Json | undefined): value is string | number | boolean | null {
  return value === null || (value !== undefined && typeof value !== "object");
}
