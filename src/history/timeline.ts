// The timeline of an action: each of its events with the small facts that people read first. Made when it is read.

import type { Json, JsonObject } from "../core/json.ts";
import type { EventType, KernelEvent } from "../kernel/events.ts";
import type { LedgerEvent } from "../wire/types/event.ts";
import type { PlanFindings } from "../wire/types/risk.ts";
import type { TimelineEntry } from "../wire/types/views.ts";

const SHOWN: { readonly [T in EventType]?: readonly string[] } = {
  "action.proposed": ["deadline", "planHash", "requestHash"],
  "action.planned": ["planHash"],
  "action.prediction-asked": ["deadline"],
  "inverse.checked": ["result", "code", "planHash", "againAt"],
  "impact.measured": ["outcome", "modelVersion"],
  "action.advised": ["code", "would"],
  "action.labelled": ["label", "person", "replaces"],
  "action.refused": ["code"],
  "action.suppressed": ["duplicateOf"],
  "action.waiting": ["code", "until"],
  "action.still-waiting": ["because", "nextAt"],
  "action.held": ["hold", "route", "deadline", "planHash"],
  "hold.escalated": ["hold", "step", "deadline"],
  "hold.reminded": ["hold", "step", "remindAt"],
  "action.glass-asked": ["hold", "person", "planHash"],
  "action.glass-broken": ["hold", "person", "planHash", "grantMs", "review", "reviewDueAt"],
  "action.approval-given": ["hold", "person", "planHash"],
  "action.approval-withdrawn": ["hold", "identity", "person", "code"],
  "hold.frozen": ["hold", "remainingMs", "until"],
  "hold.resumed": ["hold", "frozenMs", "deadline"],
  "action.approved": ["hold", "person", "planHash"],
  "action.denied": ["hold", "person", "planHash"],
  "action.cancelled": ["code"],
  "action.expired": ["code"],
  "action.granted": ["grant", "expiresAt", "planHash", "dryRun", "completed", "revertGrant"],
  "action.grant-revoked": ["code", "grant", "status"],
  "action.completed": ["code", "status"],
  "step.started": ["attempt", "epoch", "phase"],
  "step.finished": ["attempt", "status", "code", "retryAt", "action"],
  "step.reconciled": ["attempt", "status", "action"],
  "health.sampled": ["sample", "result", "passes", "failures"],
  "action.verified": ["samples"],
  "action.advanced": ["phase", "samples", "beginBy"],
  "action.reverting": ["code", "revert", "grant"],
  "action.reverted": ["revert"],
};

/** The entry of one event of an action. */
export function timelineEntry(event: LedgerEvent): TimelineEntry {
  const { seq, time, type, actor, command } = event;
  return { seq, time, type, actor, command, facts: smallFacts(event as KernelEvent) };
}

/** The facts of an event that the timeline shows; of an evaluation, its decision and the bundle that made it. */
export function smallFacts(event: Pick<KernelEvent, "type" | "facts">): TimelineEntry["facts"] {
  const facts = event.facts as unknown as JsonObject;
  const small: Record<string, string | number | boolean | null> = {};
  for (const name of SHOWN[event.type] ?? []) {
    const value = facts[name];
    if (isScalar(value)) small[name] = value;
  }
  const findings = facts["findings"] as PlanFindings | undefined;
  if (findings !== undefined) small["risks"] = [...findings.risks, ...findings.tags].join(", ");
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
