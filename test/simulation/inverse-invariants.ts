// Dry runs of inverses: of what was done and stands, each told to its end, and none of what was not done or is taken back.

import { apply } from "../../src/kernel/apply.ts";
import type { KernelEvent } from "../../src/kernel/events.ts";
import { emptyState } from "../../src/kernel/state.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";

function isDone({ type, facts }: KernelEvent): boolean {
  const { action } = facts as Partial<KernelEvent<"step.finished">["facts"]>;
  return (type === "step.finished" || type === "step.reconciled") && (action === "succeeded" || action === "verifying");
}

export function checkInverses(events: readonly LedgerEvent[]): string[] {
  const broken: string[] = [];
  const state = emptyState();
  const open = new Map<string, number>();
  for (const event of events as readonly KernelEvent[]) {
    const { type, subject } = event;
    const { inverse, phase = 1, phases = 1 } = state.actions.get(subject) ?? {};
    if (isDone(event) && inverse !== undefined && phase === phases) open.set(subject, 0);
    if (type === "action.reverting") open.delete(subject);
    if (type === "inverse.checked") {
      const { tries, againAt } = (event as KernelEvent<"inverse.checked">).facts;
      if (open.get(subject) !== tries - 1) broken.push(`${subject}: its inverse was tried out of turn`);
      if (againAt === null) open.delete(subject);
      else open.set(subject, tries);
    }
    apply(state, event as unknown as LedgerEvent);
  }
  for (const id of open.keys()) broken.push(`${id}: nobody tried what takes it back`);
  return broken;
}
