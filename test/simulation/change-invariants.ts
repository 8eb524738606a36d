// What takes something back blindly: never begun over a later change of the same target, however that one stands.

import { apply } from "../../src/kernel/apply.ts";
import { emptyState, type Action } from "../../src/kernel/state.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";

type Begun = Pick<Action, "id" | "kind" | "environment" | "service">;

const GONE: ReadonlySet<string> = new Set(["failed", "expired", "cancelled", "refused", "reverted"]);

export function checkOverwritten(events: readonly LedgerEvent[]): string[] {
  const broken: string[] = [];
  const state = emptyState();
  let begun: readonly Begun[] = [];
  for (const event of events) {
    const { type, subject } = event;
    const action = state.actions.get(subject);
    const isBegun = type === "step.started" && action !== undefined;
    if (isBegun && action.blind === true) {
      const at = begun.findIndex(({ id }) => id === action.revertOf);
      const others = begun.slice(at + 1).filter(({ id }) => id !== subject && id !== action.revertOf);
      const later = others.filter((one) => one.kind === action.kind || one.kind === begun[at]?.kind);
      if (at < 0 || later.some((one) => isSame(one, action))) broken.push(`${subject}: went over a later change`);
    }
    if (isBegun && (action.agentKind !== "system" || action.revertOf !== undefined)) {
      begun = [...begun, { ...action }];
    }
    apply(state, event);
    const reverted = type === "action.reverted" ? event.facts["revert"] : undefined;
    const isGone = action !== undefined && GONE.has(action.status);
    if (isGone) begun = begun.filter(({ id }) => id !== subject && id !== reverted);
  }
  return broken;
}

function isSame(one: Begun, other: Begun): boolean {
  return one.environment === other.environment && one.service === other.service;
}
