// Reducers of the tickets of incidents: which one it is, and whether it was told that its incident is over.

import { setBounded } from "../bounded.ts";
import type { ActionStatus } from "../../wire/types/action-status.ts";
import { incidentOf } from "../incident-index.ts";
import { LIMITS } from "../limits.ts";
import type { Action, Incident, State } from "../state.ts";
import { ticketOf, ticketUpdateOf } from "../ticket-names.ts";
import { CAME_TO_NOTHING, HELD_BACK, waitMs } from "./owed-resolves.ts";

/** The incident's, or that of one that is over and may come back. */
function holderOf(state: State, id: string | null): Incident | undefined {
  return incidentOf(state, id) ?? state.resolved.get(id ?? "")?.incident;
}

export function noteTicketOpened(state: State, action: Action): void {
  const holder = holderOf(state, action.incident);
  if (holder !== undefined && action.incident !== null) holder.ticket ??= ticketOf(action);
}

export function noteTicketTold(state: State, action: Action): void {
  const update = ticketUpdateOf(action);
  if (update === undefined) return;
  const owed = state.owedEnds.get(update.ticket);
  if (owed !== undefined && update.say === "end") state.owedEnds.set(update.ticket, { ...owed, dueAt: null });
  else state.owedEnds.delete(update.ticket);
  const holder = holderOf(state, action.incident);
  if (holder?.ticket?.name !== update.ticket || update.say === "news") return;
  holder.ticket = { ...holder.ticket, closed: update.say === "end" };
}

type End = { readonly status: ActionStatus; readonly code: string; readonly at: number };

/** An end that came to nothing is told again, later and later, as often as a page is closed. */
export function noteTicketEnd(state: State, action: Action, { status, code, at }: End): void {
  const { incident: id, environment, service, run, cause } = action;
  const update = ticketUpdateOf(action);
  if (update?.say !== "end" || id === null || cause === null) return;
  const isHeldBack = HELD_BACK.has(code);
  const tries = (state.owedEnds.get(update.ticket)?.tries ?? 0) + (isHeldBack ? 0 : 1);
  const isOwed = (isHeldBack || CAME_TO_NOTHING.has(status)) && !SETTLED.has(code) && tries < LIMITS.resolveTriesMax;
  if (!isOwed) return void state.owedEnds.delete(update.ticket);
  const { ticket } = update;
  const value = { id, environment, service, signature: cause.signature, run, ticket, tries, dueAt: at + waitMs(tries) };
  setBounded(state.owedEnds, { key: ticket, value, max: LIMITS.owedResolvesMax });
}

/** Trying again would change nothing: the record is over already or gone, nobody answered, nothing offers it any more. */
const SETTLED: ReadonlySet<string> = new Set(["arguments-invalid", "hold-timeout", "executor-missing"]);
