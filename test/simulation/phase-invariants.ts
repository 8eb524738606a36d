// What is carried out in several goes: none begins before the one before it was verified, and none is left standing alone.

import type { KernelEvent } from "../../src/kernel/events.ts";
import { hasEnded } from "../../src/kernel/state.ts";
import type { ActionStatus } from "../../src/wire/types/action-status.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import type { World } from "./world.ts";

const LEFT_HALF: ReadonlySet<string> = new Set(["action.cancelled", "action.expired", "action.refused"]);

export function checkPhases(events: readonly LedgerEvent[], world: World): string[] {
  const broken: string[] = [];
  const phases = new Map<string, number>();
  const reached = new Map<string, number>();
  for (const { type, subject, facts } of events) {
    if (typeof facts["phases"] === "number") phases.set(subject, facts["phases"]);
    const of = phases.get(subject);
    if (of === undefined) continue;
    const at = reached.get(subject) ?? 1;
    if (type === "step.started" && facts["phase"] !== at) broken.push(`${subject}: phase out of turn`);
    if (type === "action.advanced") {
      const next = (facts as unknown as KernelEvent<"action.advanced">["facts"]).phase;
      if (next !== at + 1 || next > of) broken.push(`${subject}: advanced from ${at} to ${next} of ${of}`);
      reached.set(subject, next);
    }
    if (type === "action.verified") {
      if (at !== of) broken.push(`${subject}: done after ${at} of ${of}`);
      for (let phase = 1; phase <= of; phase++) {
        const key = phase === 1 ? subject : `${subject}.${phase}`;
        if (!world.outside.happened(key)) broken.push(`${key}: verified and never done`);
      }
    }
    const end = (facts["action"] ?? facts["status"]) as ActionStatus | undefined;
    const isEnd = end !== undefined && hasEnded(end) && end !== "needs-attention";
    if (at > 1 && (LEFT_HALF.has(type) || isEnd)) broken.push(`${subject}: left half done by ${type}`);
  }
  return broken;
}
