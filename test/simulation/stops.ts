// Pauses, counted from the events around them: each finds what is in flight, and reports once how all of it ended.

import { apply } from "../../src/kernel/apply.ts";
import { covers, isBrakeable } from "../../src/kernel/brakes.ts";
import type { KernelEvent, StopFact } from "../../src/kernel/events.ts";
import { emptyState } from "../../src/kernel/state.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";

type Pause = { readonly open: Set<string>; readonly ends: Record<string, number>; lastMs: number };

export function checkReports(events: readonly LedgerEvent[]): string[] {
  const state = emptyState();
  const broken: string[] = [];
  const pauses = new Map<string, Pause>();
  for (const event of events) {
    if (event.type === "brake.applied" && event.facts["mode"] === "pause") {
      const { scope, inFlight } = (event as KernelEvent<"brake.applied">).facts;
      const running = [...state.actions.values()].filter(
        (action) =>
          ["executing", "reconciling"].includes(action.status) && isBrakeable(action) && covers(scope, action),
      );
      const open = new Set(running.map(({ id }) => id));
      if (inFlight.length !== open.size || !inFlight.every((id) => open.has(id)))
        broken.push(`${event.subject}: does not list what is in flight`);
      pauses.set(event.subject, { open, ends: { stopped: 0, finished: 0, partial: 0, unconfirmed: 0 }, lastMs: 0 });
    }
    for (const stop of (event.facts["stops"] ?? []) as unknown as readonly StopFact[]) {
      const pause = pauses.get(stop.brake);
      if (pause?.open.delete(event.subject) !== true) broken.push(`${event.subject}: not found by ${stop.brake}`);
      else {
        pause.ends[stop.end] = (pause.ends[stop.end] ?? 0) + 1;
        pause.lastMs = Math.max(pause.lastMs, stop.afterMs);
      }
    }
    if (event.type === "brake.reported") broken.push(...checkReport(event as KernelEvent<"brake.reported">, pauses));
    if (event.type === "brake.released") pauses.delete(event.subject);
    apply(state, event);
  }
  return broken;
}

function checkReport({ subject, facts }: KernelEvent<"brake.reported">, pauses: Map<string, Pause>): string[] {
  const pause = pauses.get(subject);
  if (pause === undefined) return [`${subject}: reported, and no pause`];
  const isTrue =
    facts.open === pause.open.size &&
    Object.entries(facts.ends).every(([end, count]) => pause.ends[end] === count) &&
    facts.propagationMs === (pause.open.size > 0 ? null : pause.lastMs);
  return isTrue ? [] : [`${subject}: ${JSON.stringify(facts)} is not ${JSON.stringify(pause.ends)}`];
}
