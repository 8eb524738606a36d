// Work notes on a ServiceNow incident: where an action came from, and why it was granted.

import { canonicalJson } from "../../core/canonical-json.ts";
import type { JsonObject } from "../../core/json.ts";
import type { ExecuteRequest, PlanRequest } from "../../wire/contracts/executor.ts";

const NOTE_CHARS_MAX = 4_000;

/** Part of the plan: the action, and the run and incident that it came from. */
export function contextNote({ actionId, context }: PlanRequest): string {
  return recordNote({ context }, `Proposed through Holdpoint as ${actionId}.`);
}

/** The same for a plan that must not depend on the action's id. */
export function recordNote({ context }: Pick<PlanRequest, "context">, what: string): string {
  return journalText(`${what}\nContext: ${bounded(context)}`);
}

/** The one part that approvers did not see: Holdpoint's own account of the grant, after the approved text. */
export function withGrant(approved: string, { grantId, justification }: ExecuteRequest): string {
  const grant = journalText(`Granted as ${grantId}: ${bounded(justification)}`);
  return approved === "" ? grant : `${approved}\n\n${grant}`;
}

/** ServiceNow shows what stands between [code] and [/code] in a journal as HTML; nothing an agent writes may. */
export function journalText(text: string): string {
  return text.replace(/\[\s*(\/?)\s*code\s*\]/giu, "($1code)");
}

function bounded(value: JsonObject): string {
  const text = canonicalJson(value);
  return text.length <= NOTE_CHARS_MAX ? text : "omitted: too large";
}
