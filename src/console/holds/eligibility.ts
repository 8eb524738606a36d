// Whether the person who is signed in could answer a hold, as far as the page can tell; the server decides.

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
  if (hold.approvals.some((one) => one.person === session.person)) return "you have approved it already";
  const isAsked = hold.needs.some(
    ({ roles, people, schedules }) =>
      // Who is on duty is for the server to say.
      schedules.length > 0 ||
      people.includes(session.person ?? "") ||
      roles.some((role) => session.roles.includes(role)),
  );
  return isAsked ? null : `it asks for one of: ${hold.roles.join(", ")}`;
}

/** What must be typed by hand before it is approved: production, and whatever cannot be undone. */
export function isProtected({
  environment,
  reversible,
  effect,
}: Pick<ActionView, "environment" | "reversible" | "effect">): boolean {
  return environment === "production" || (!reversible && effect !== "none");
}

/** The name that is typed: the narrowest that the target has. */
export function nameToType({ resource, service }: Pick<ActionView, "resource" | "service">): string {
  return resource ?? service;
}
