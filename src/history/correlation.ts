// The one id by which systems know what an event is about: the incident's, or the action's own when it has none.

import { seqFromId } from "../core/ids.ts";
import type { LedgerEvent } from "../wire/types/event.ts";

/** Null for events that belong to no incident and no action. `read` gives the event of a sequence. */
export async function correlationIdOf(
  event: LedgerEvent,
  read: (seq: number) => Promise<LedgerEvent>,
): Promise<string | null> {
  const { subject } = event;
  if (subject.startsWith("inc_")) return subject;
  // What an id was made of is the sequence of the event that began it, and that one names the incident.
  const begin = seqFromId("act", subject) ?? seqFromId("run", subject) ?? seqFromId("sig", subject);
  if (begin === undefined || begin > event.seq) return null;
  const { facts } = begin === event.seq ? event : await read(begin);
  const incident = facts["incident"];
  if (typeof incident === "string") return incident;
  return subject.startsWith("act_") ? subject : null;
}
