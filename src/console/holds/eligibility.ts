// Whether the person who is signed in could answer a hold, as far as the page can tell; the server decides.

import { IRREVERSIBLE } from "../../wire/types/approvals.ts";
import type { HoldView } from "../../wire/types/approval-views.ts";
import type { ActionView } from "../../wire/types/views.ts";
import type { Session } from "../api/documents.ts";

type Held = Pick<ActionView, "agent" | "person" | "hold">;

/** Why they may not, or null when nothing known speaks against it. */
export function whyNotEligible({ agent, person, hold }: Held, session: Session): string | null {
  if (hold === null) return "it waits for nobody";
  if (!session.scopes.includes("actions:approve")) return "your session lacks the scope actions:approve";
  if (agent === session.identity || (person !== null && person === session.person)) {
    return "you proposed it, and nobody approves their own";
  }
  if (hold.frozen !== null) return "it stands still while a pause lasts";
  if (hasSigned(hold, session)) return "you have approved it already, others must";
  return hold.needs.some((need) => mayFit(need, session)) ? null : `it asks for ${askedFor(hold)}`;
}

export function hasSigned(hold: HoldView, { identity, person }: Session): boolean {
  return hold.approvals.some((one) => one.id === identity || (person !== null && one.person === person));
}

/** Who is on duty is known to the server alone: a schedule may mean anybody. */
function mayFit({ roles, people, schedules }: HoldView["needs"][number], session: Session): boolean {
  if (schedules.length > 0 || roles.some((role) => session.roles.includes(role))) return true;
  return session.person !== null && people.includes(session.person);
}

function askedFor({ needs }: HoldView): string {
  const ways = needs.flatMap(({ roles, people }) => [...roles, ...people]);
  return ways.length === 0 ? "others" : `one of: ${[...new Set(ways)].join(", ")}`;
}

/** What must be typed by hand before it is approved: production, and whatever cannot be undone. */
export function isProtected(action: Pick<ActionView, "environment" | "reversible" | "effect" | "evaluation">): boolean {
  const { environment, reversible, effect } = action;
  return environment === "production" || (!reversible && effect !== "none") || isIrreversible(action);
}

/** As its plan says, whatever its kind says of itself. */
export function isIrreversible({ evaluation }: Pick<ActionView, "evaluation">): boolean {
  return (evaluation?.verdicts ?? []).some(({ gate, code }) => gate === "kernel/signature" && code === IRREVERSIBLE);
}
