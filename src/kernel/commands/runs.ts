// Triage runs: a classification comes back, or does not.

import type { Command, Reply } from "../command.ts";
import type { ClassificationFacts } from "../events.ts";
import { idFromSeq } from "../../core/ids.ts";
import { incidentOf } from "../incident-index.ts";
import { LIMITS, TERMS } from "../limits.ts";
import type { Incident, Run, State } from "../state.ts";
import type { Transaction } from "../transaction.ts";
import { isBeingTold, newsOf } from "../tickets.ts";
import { proposeTriage, TICKET, TICKET_UPDATE } from "../triage-kinds.ts";

export function openRun(tx: Transaction, of: { incident: string; signal: string }): void {
  const deadline = tx.now + TERMS.classificationMs;
  tx.emit({ type: "run.opened", subject: idFromSeq("run", tx.nextSeq), facts: { ...of, deadline } });
}

/** Runs the triage again of what is owed another run, still fires, and has not been repeated by its source. */
export function triageOwed(tx: Transaction, { id, signals }: Incident): void {
  const signal = signals.at(-1)?.id;
  if (signal === undefined || tx.state.runs.size >= LIMITS.liveRunsMax) return;
  openRun(tx, { incident: id, signal });
}

/** The answer of a classifier, already checked, or the reason why there is none. */
export function classifyRun(tx: Transaction, command: Command<"classify-run">): Reply {
  const { run: runId, classification, classifier, code, problems } = command.input;
  const run = tx.state.runs.get(runId);
  if (run === undefined) return { subject: runId, result: "ended", repeated: true };
  const content = command.content;
  const payload = content === undefined ? {} : { payload: { retention: "evidence", body: content } as const };
  // Resolved before the answer came: nothing is left to page about.
  const wanted = wantedOf(tx.state, incidentOf(tx.state, run.incident), classification);
  if (classification === null || classifier === null) {
    tx.emit({ type: "run.unclassified", subject: runId, facts: { code, problems }, ...payload });
  } else {
    const facts = { classification, ...classifier, actions: wanted.length };
    tx.emit({ type: "run.classified", subject: runId, facts, ...payload });
  }
  proposeWanted(tx, { run, classification, wanted });
  return { subject: runId, result: classification === null ? "unclassified" : "classified", repeated: false };
}

/** Of an incident that has its ticket, news for that instead of another; told later where it is told something now. */
function wantedOf(
  state: State,
  incident: Incident | undefined,
  classification: ClassificationFacts | null,
): readonly string[] {
  if (incident === undefined) return [];
  const wanted = wantedActions(classification);
  if (incident.ticket === null || classification === null) return wanted;
  const others = wanted.filter((kind) => kind !== TICKET);
  return isBeingTold(state, incident.ticket) ? others : [...others, TICKET_UPDATE];
}

/** The most urgent first: where all of them need review, that is the one people are asked about. */
function wantedActions(classification: ClassificationFacts | null): readonly string[] {
  if (classification === null) return ["servicenow.incident.create"];
  const wanted: string[] = [];
  if (classification.requiresPaging) wanted.push("pagerduty.trigger");
  if (classification.requiresMim) wanted.push("incident.declare-major");
  if (classification.requiresTicket) wanted.push("servicenow.incident.create");
  return wanted;
}

type Wanted = {
  run: Run;
  classification: ClassificationFacts | null;
  wanted: readonly string[];
};

function proposeWanted(tx: Transaction, { run, classification, wanted }: Wanted): void {
  const incident = incidentOf(tx.state, run.incident);
  if (incident === undefined) return;
  const { id, signal } = run;
  for (const kind of wanted) {
    const operand = kind === TICKET_UPDATE ? newsOf(incident) : null;
    proposeTriage(tx, { kind, incident, run: id, signal, classification, operand });
  }
}

/** A classification that never came: the run goes to a person. */
export function timeOutRun(tx: Transaction, runId: string): void {
  const run = tx.state.runs.get(runId);
  if (run === undefined) return;
  tx.emit({ type: "run.unclassified", subject: runId, facts: { code: "timeout", problems: [] } });
  proposeWanted(tx, { run, classification: null, wanted: wantedActions(null) });
}
