// The arguments of triage actions, composed from what the record says: every page carries its justification (S6).

import type { Json, JsonObject } from "../core/json.ts";
import { AppError } from "../core/errors.ts";
import type { Action } from "../kernel/state.ts";
import { ticketUpdateOf } from "../kernel/ticket-names.ts";
import type { Signal } from "../wire/types/signal.ts";

export type TriageContext = {
  readonly action: Action;
  /** Name of the log: incidents of two installations never share a key at the pager. */
  readonly origin: string;
  /** Id under which the page stands, or will, at the pager: mostly the incident's. */
  readonly page: string;
  /** All that the incident names. */
  readonly services: readonly string[];
  readonly signalIds: readonly string[];
  /** How tickets are found and resolved; null where there are none. */
  readonly tickets: TicketTerms | null;
  /** The newest signal, null when the incident has left memory. */
  readonly signal: Signal | null;
};

export type TicketTerms = {
  /** What correlation ids of this installation begin with, before `:act_…`. */
  readonly prefix: string;
  readonly resolvedState: number;
  readonly closeCode: string;
};

const SUMMARY_MAX = 1_000;
const SHORT_DESCRIPTION_MAX = 160;

/** The same for every event of one page, so that a resolve finds its trigger. */
function dedupKeyOf({ origin, page }: TriageContext): string {
  return `${origin}/${page}`.slice(0, 255);
}

/** What the executor of `action.kind` takes as arguments. */
export function composeTriage(context: TriageContext): JsonObject {
  switch (context.action.kind) {
    case "pagerduty.trigger":
      return page(context);
    case "pagerduty.resolve":
      return { dedupKey: dedupKeyOf(context) };
    case "servicenow.incident.create":
      return ticket(context);
    case "servicenow.incident.update":
      return ticketNews(context);
    case "incident.declare-major":
      return majorIncident(context);
    default:
      return { incident: context.action.incident, justification: justification(context) };
  }
}

function page(context: TriageContext): JsonObject {
  const { action, signal } = context;
  return {
    dedupKey: dedupKeyOf(context),
    summary: oneLine(titleOf(context), SUMMARY_MAX),
    severity: action.classification?.severity ?? "high",
    source: `${action.service} in ${action.environment}`.slice(0, 255),
    ...(signal?.component == null ? {} : { component: oneLine(signal.component, 255) }),
    details: { justification: justification(context), summary: signal?.summary ?? "", pointers: pointersOf(signal) },
  };
}

const GRADES = { low: 3, medium: 2, high: 1, sev1: 1 } as const;

function ticket(context: TriageContext): JsonObject {
  const { action, signal } = context;
  const severity = action.classification?.severity ?? "medium";
  const team = action.classification?.team;
  const lines = [
    signal?.summary ?? "",
    `Service ${action.service}, environment ${action.environment}.`,
    `Incident ${action.incident ?? "none"}, run ${action.run ?? "none"}, signals ${context.signalIds.join(", ")}.`,
    ...pointersOf(signal),
  ];
  return {
    shortDescription: oneLine(titleOf(context), SHORT_DESCRIPTION_MAX),
    description: proseOf(lines),
    urgency: GRADES[severity],
    impact: GRADES[severity],
    ...(team === undefined || team === "" ? {} : { team }),
  };
}

const WORKED_ON_STATE = 2;

/** What a ticket is told: news of its incident, that it fails again, or that it is over. */
function ticketNews(context: TriageContext): JsonObject {
  const { action, tickets, services, signal, signalIds } = context;
  const update = ticketUpdateOf(action);
  if (update === undefined || tickets === null) throw new AppError("arguments-invalid", "no ticket to tell");
  const correlationId = `${tickets.prefix}:${update.ticket}`;
  const incident = action.incident ?? "";
  if (update.say === "end") {
    const closeNotes = `Incident ${incident} is over: none of its alerts fires any more.`;
    const { resolvedState: state, closeCode } = tickets;
    return { correlationId, fields: { closeCode, closeNotes, state, workNotes: closeNotes }, whileActive: true };
  }
  const severity = action.classification?.severity ?? "unclassified";
  const lines = [
    update.say === "again" ? `Incident ${incident} fails again.` : `News of incident ${incident}.`,
    `Run ${action.run ?? "none"}: ${severity}. Services: ${services.join(", ")}.`,
    signal === null ? "" : oneLine(signal.title, SHORT_DESCRIPTION_MAX),
    signal?.summary ?? "",
    `Signals ${signalIds.join(", ")}.`,
    ...pointersOf(signal),
  ];
  const workNotes = proseOf(lines);
  return { correlationId, fields: update.say === "again" ? { state: WORKED_ON_STATE, workNotes } : { workNotes } };
}

function proseOf(lines: readonly string[]): string {
  return lines
    .filter((line) => line !== "")
    .join("\n")
    .slice(0, 4_000)
    .toWellFormed();
}

function majorIncident(context: TriageContext): JsonObject {
  const { action, signal } = context;
  const team = action.classification?.team ?? "";
  const summary = [signal?.summary ?? "", ...pointersOf(signal)].filter((line) => line !== "").join("\n");
  return {
    incident: action.incident ?? "",
    title: oneLine(titleOf(context), SHORT_DESCRIPTION_MAX),
    severity: action.classification?.severity ?? "sev1",
    ...(summary === "" ? {} : { summary: summary.slice(0, 4_000).toWellFormed() }),
    ...(team === "" ? {} : { team: oneLine(team, 64) }),
    justification: justification(context),
  };
}

function titleOf({ action, signal }: TriageContext): string {
  return `[${action.classification?.severity ?? "unclassified"}] ${action.service}: ${signal?.title ?? "alert"}`;
}

/** Signals, classification and run id; the verdicts follow from the grant, appended by the executor. */
function justification({ action, signalIds, services }: TriageContext): JsonObject {
  const classified = action.classification;
  return {
    action: action.id,
    run: action.run,
    incident: action.incident,
    signals: [...signalIds],
    services: [...services],
    classification:
      classified === null ? null : { severity: classified.severity, confidence: classified.confidencePpm / 1_000_000 },
  } satisfies Record<string, Json>;
}

function pointersOf(signal: Signal | null): readonly string[] {
  return (signal?.pointers ?? []).slice(0, 8);
}

function oneLine(text: string, charsMax: number): string {
  const line = text
    .replaceAll(/\p{Cc}+/gu, " ")
    .trim()
    .slice(0, charsMax)
    .toWellFormed();
  return line === "" ? "alert" : line;
}
