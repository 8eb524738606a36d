// What triage tells the ticket of an incident: news as it comes, that it fails again, that it is over.
//
//   created ─► a note for each run, one at a time ─► incident ends: resolved there ─► comes back: worked on there again
//                                        └── came to nothing: told again, for about a day

import { brakeOn } from "./brakes.ts";
import { incidentOf } from "./incident-index.ts";
import { stageAt } from "./stage.ts";
import type { ActionStatus } from "../wire/types/action-status.ts";
import type { Ticket } from "./stands.ts";
import { hasEnded, type Action, type Incident, type OwedEnd, type State } from "./state.ts";
import { operandOf, ticketOf, ticketUpdateOf } from "./ticket-names.ts";
import type { Transaction } from "./transaction.ts";
import { BY_TRIAGE, proposeTriage, TICKET, TICKET_UPDATE } from "./triage-kinds.ts";

/** What an incident's run has to tell its ticket; null where it has none. */
export function newsOf({ ticket }: Pick<Incident, "ticket">): string | null {
  return ticket === null ? null : operandOf({ say: ticket.closed ? "again" : "news", ticket: ticket.name });
}

/** True while the ticket is told something: two at once would move the record from under each other. */
export function isBeingTold({ actions }: State, { name }: Ticket): boolean {
  for (const action of actions.values()) {
    const update = action.kind === TICKET_UPDATE ? ticketUpdateOf(action) : undefined;
    if (update?.ticket === name && update.say !== "end") return true;
  }
  return false;
}

/** What came while the ticket was told something is told after that: the last run, for all of them. */
export function tellSince(tx: Transaction, action: Action, status: ActionStatus): void {
  const told = ticketUpdateOf(action);
  const incident = incidentOf(tx.state, action.incident);
  if (told === undefined || told.say === "end" || incident === undefined || !hasEnded(status)) return;
  const { ticket } = incident;
  if (ticket === null || ticket.name !== told.ticket || ticket.news === undefined) return;
  const { news } = ticket;
  if (news.run === action.run || isBeingTold(tx.state, ticket)) return;
  proposeTriage(tx, { kind: TICKET_UPDATE, incident, ...news, operand: newsOf(incident) });
}

/** Asks for the resolution of the ticket of what is over, unless it is resolved there already. */
export function closeTicket(tx: Transaction, incident: Incident): void {
  const { ticket, stands, lastRun: run } = incident;
  if (ticket === null || ticket.closed || stands.servicenow?.state === "resolved") return;
  proposeEnd(tx, { incident, run, ticket: ticket.name });
}

type Ending = { readonly incident: Of; readonly run: string | null; readonly ticket: string };
type Of = Pick<Incident, "id" | "environment" | "service" | "signature">;

function proposeEnd(tx: Transaction, { incident, run, ticket }: Ending): void {
  const operand = operandOf({ say: "end", ticket });
  proposeTriage(tx, { kind: TICKET_UPDATE, incident, run, signal: null, classification: null, operand });
}

/** A ticket that was opened when its incident was over already is resolved. */
export function closeLateTicket(tx: Transaction, action: Action, status: string): void {
  const { incident: id, environment, service, run, cause } = action;
  if (action.kind !== TICKET || status !== "succeeded" || id === null || cause === null) return;
  if (incidentOf(tx.state, id) !== undefined) return;
  const incident = { id, environment, service, signature: cause.signature };
  proposeEnd(tx, { incident, run, ticket: ticketOf(action).name });
}

/** Under a brake and in shadow it waits: an attempt would close nothing. What is open again is not closed. */
export function isEndDue(state: State, { id, dueAt, environment, service }: OwedEnd, now: number): boolean {
  if (dueAt === null || now < dueAt || stageAt(state, now) === "shadow") return false;
  if (incidentOf(state, id) !== undefined) return false;
  const action = { ...BY_TRIAGE, kind: TICKET_UPDATE, environment, service };
  return brakeOn(state.brakes.values(), action) === "run";
}

export function tellEndAgain(tx: Transaction, { ticket, run, ...incident }: OwedEnd): void {
  proposeEnd(tx, { incident, run, ticket });
}
