// Projections of triage runs: what was asked, what the classifier said, and what came of it.

import type { KernelEvent } from "../../kernel/events.ts";
import type { ActionReference } from "../../wire/types/view-document.ts";
import type { ActionView, RunVerdict, RunView } from "../../wire/types/views.ts";
import { answeredBy } from "../answered-by.ts";
import type { Documents } from "./documents.ts";
import { changeIncident, withNewest } from "./incidents.ts";

const DONE: ReadonlyMap<string, RunVerdict> = new Map([
  ["incident.declare-major", "major-declared"],
  ["pagerduty.trigger", "paged"],
  ["servicenow.incident.create", "ticketed"],
]);
const LIVE: ReadonlySet<string> = new Set(["evaluating", "waiting", "granted", "executing", "retrying", "reconciling"]);
/** The most telling first. */
const ORDER: readonly RunVerdict[] = [
  "held",
  "major-declared",
  "paged",
  "ticketed",
  "needs-attention",
  "pending",
  "done",
  "dry-run",
  "failed",
  "unclassified",
  "suppressed",
  "refused",
  "ended",
  "no-action",
];

export function projectRunOpened(documents: Documents, event: KernelEvent<"run.opened">): void {
  const { incident, signal, deadline } = event.facts;
  const cause = documents.find("signals", signal);
  documents.put("runs", {
    id: event.subject,
    seq: event.seq,
    status: "classifying",
    verdict: "pending",
    incident,
    correlationId: incident,
    environment: cause?.environment ?? "",
    service: cause?.service ?? "",
    signal,
    source: cause?.source ?? null,
    openedAt: event.time,
    endedAt: null,
    deadline,
    classification: null,
    classifier: null,
    code: null,
    problems: [],
    actions: [],
    contentSeq: null,
    erased: [],
  });
  documents.change("signals", signal, (before) => ({ ...before, status: "triaged", run: event.subject }));
  changeIncident(documents, incident, (before) => ({ ...before, runs: withNewest(before.runs, event.subject) }));
}

export function projectClassified(documents: Documents, event: KernelEvent<"run.classified">): void {
  const { classification } = event.facts;
  const ended = { endedAt: event.time, contentSeq: event.seq };
  const classifier = answeredBy(event);
  documents.change("runs", event.subject, (before) =>
    judged({ ...before, ...ended, status: "classified", classification, classifier }),
  );
}

export function projectUnclassified(documents: Documents, event: KernelEvent<"run.unclassified">): void {
  const { code, problems } = event.facts;
  const ended = { endedAt: event.time, contentSeq: event.seq };
  const classifier = answeredBy(event);
  documents.change("runs", event.subject, (before) =>
    judged({ ...before, ...ended, status: "unclassified", code, problems, classifier }),
  );
}

/** Keeps a run's word on one of its actions, and the incident's on the end of its page. */
export function noteAction(documents: Documents, action: ActionView): void {
  const { id, kind, status, code, dryRun, run, incident } = action;
  const reference: ActionReference = { id, kind, status, code, dryRun };
  if (kind === "pagerduty.resolve") {
    changeIncident(documents, incident, (before) => ({ ...before, pageClosing: reference }));
    documents.change("storms", incident, (before) => ({ ...before, pageClosing: reference }));
  }
  if (kind === "pagerduty.trigger") {
    documents.change("storms", incident, (before) => ({ ...before, page: reference }));
  }
  documents.change("runs", run, (before) => {
    const known = before.actions.findIndex((named) => named.id === id);
    const actions = known < 0 ? [...before.actions, reference] : before.actions.with(known, reference);
    return judged({ ...before, actions });
  });
}

function judged(run: RunView): RunView {
  const words: RunVerdict[] = run.actions.map(wordFor);
  if (run.status === "classifying") words.push("pending");
  if (run.status === "unclassified") words.push("unclassified");
  return { ...run, verdict: ORDER.find((word) => words.includes(word)) ?? "no-action" };
}

function wordFor(action: ActionReference): RunVerdict {
  if (LIVE.has(action.status)) return "pending";
  switch (action.status) {
    case "held":
    case "needs-attention":
    case "failed":
    case "suppressed":
    case "refused":
      return action.status;
    case "succeeded":
      return action.dryRun ? "dry-run" : (DONE.get(action.kind) ?? "done");
    default:
      return "ended";
  }
}
