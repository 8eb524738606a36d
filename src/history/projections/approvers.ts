// Projections of approvers: one document for each person who answers holds, with how they answer.

import { measureBehaviour, MEASURED_MAX } from "../../approvals/behaviour.ts";
import type { KernelEvent } from "../../kernel/events.ts";
import { answerOf } from "../answers.ts";
import type { Documents } from "./documents.ts";

/**
 * To be projected before the hold's own end, which forgets when it was asked. Agents are left out: their speed says
 * nothing. Broken glass is no answer to what was asked, and has a review of its own.
 */
export function projectDecision(documents: Documents, event: KernelEvent): void {
  const answer = answerOf(event);
  const hold = documents.find("actions", event.subject)?.hold ?? null;
  if (answer === null || hold === null || answer.person === null || !answer.actor.startsWith("person:")) return;
  const { person: id, time: at, seq } = answer;
  const decision = answer.decision === "approve" ? "approve" : "deny";
  const before = documents.find("approvers", id);
  const taken = { action: event.subject, decision, at, afterMs: at - hold.askedAt } as const;
  const recent = [...(before?.recent ?? []), taken].slice(-MEASURED_MAX);
  documents.put("approvers", {
    id,
    seq: before?.seq ?? seq,
    decisions: (before?.decisions ?? 0) + 1,
    approvals: (before?.approvals ?? 0) + (decision === "approve" ? 1 : 0),
    denials: (before?.denials ?? 0) + (decision === "deny" ? 1 : 0),
    firstAt: before?.firstAt ?? at,
    lastAt: at,
    ...measureBehaviour(recent),
    recent,
  });
}
