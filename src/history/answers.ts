// Answers to a hold as its events tell them: approvals, denials, and approvals that count no more.

import type { KernelEvent } from "../kernel/events.ts";
import type { AnswerView } from "../wire/types/approval-views.ts";

const DECISIONS = {
  "action.glass-asked": "break-glass",
  "action.glass-broken": "break-glass",
  "action.approval-given": "approve",
  "action.approved": "approve",
  "action.denied": "deny",
} as const;

/** The answer that the event records; null for other events. */
export function answerOf(event: KernelEvent): AnswerView | null {
  const { seq, time, actor } = event;
  switch (event.type) {
    case "action.glass-asked":
    case "action.glass-broken":
    case "action.approval-given":
    case "action.approved":
    case "action.denied": {
      const { hold, person, planHash } = (event as KernelEvent<"action.denied">).facts;
      const decision = DECISIONS[event.type];
      return { seq, time, decision, actor, person, hold, planHash };
    }
    case "action.approval-withdrawn": {
      const { hold, person, identity, code } = (event as KernelEvent<"action.approval-withdrawn">).facts;
      const decision = code === "withdrawn" ? "withdraw" : "lapse";
      return { seq, time, decision, actor: decision === "lapse" ? identity : actor, person, hold, planHash: null };
    }
    default:
      return null;
  }
}
