// How an update of a ticket says what it is to say, in the operand of its action; and what tickets are called.

import type { Ticket } from "./stands.ts";
import type { Action } from "./state.ts";
import { TICKET_UPDATE, TRIAGE_AGENT } from "./triage-kinds.ts";

type Say = "news" | "again" | "end";

/** What an update of a ticket says, and the ticket's name: `act_…:inc_…`, as its correlation id ends. */
export type TicketUpdate = { readonly say: Say; readonly ticket: string };

const OPERAND = /^(news|again|end):(act_[0-9a-z]{9}:inc_[0-9a-z]{9})$/;

export function operandOf({ say, ticket }: TicketUpdate): string {
  return `${say}:${ticket}`;
}

/** Of a ticket's update that triage asked for; undefined for every other action. */
export function ticketUpdateOf({
  kind,
  agent,
  operand,
}: Pick<Action, "kind" | "agent" | "operand">): TicketUpdate | undefined {
  if (kind !== TICKET_UPDATE || agent !== TRIAGE_AGENT) return undefined;
  const [, say, ticket] = OPERAND.exec(operand ?? "") ?? [];
  return say === undefined || ticket === undefined ? undefined : { say: say as Say, ticket };
}

/** The ticket that this action opened; none for an action that is of no incident. */
export function ticketOf({ id, incident }: Pick<Action, "id" | "incident">): Ticket {
  return { name: `${id}:${incident ?? ""}`, closed: false };
}
