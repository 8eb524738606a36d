// Whether the person who is signed in could give a review, as far as the page can tell; the server decides.

import type { ReviewView } from "../../wire/types/approval-views.ts";
import type { Session } from "../api/documents.ts";

type Owed = Pick<ReviewView, "by" | "roles" | "agent">;

export function whyNotReviewer({ by, roles, agent }: Owed, session: Session): string | null {
  if (!session.scopes.includes("actions:approve")) return "your session lacks the scope actions:approve";
  if (by.includes(session.identity)) return "you broke it";
  if (agent === session.identity) return "you asked for it";
  if (!roles.some((role) => session.roles.includes(role))) return `it asks for one of: ${roles.join(", ")}`;
  return null;
}
