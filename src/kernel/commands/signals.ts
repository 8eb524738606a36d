// Commands of triage: a signal comes in, a classification comes back.

import { AppError } from "../../core/errors.ts";
import { idFromSeq, seqFromId } from "../../core/ids.ts";
import { shareToCut } from "../bounded.ts";
import type { Command, Reply, SignalFacts } from "../command.ts";
import type { ClassificationFacts } from "../events.ts";
import { LIMITS, TERMS } from "../limits.ts";
import { isNamed, isWorse } from "../reducers/signals.ts";
import { incidentKey, type Delivery, type Incident, type Run, type State } from "../state.ts";
import type { Transaction } from "../transaction.ts";
import { proposeTriage } from "../triage-kinds.ts";

export function receiveSignal(tx: Transaction, command: Command<"receive-signal">): Reply {
  const { input } = command;
  if (input.nature === "change") return recordChange(tx, command);
  const before = tx.state.incidentByKey.get(incidentKey(input));
  const known = knownDelivery(tx, input.deliveryKey);
  const isOwedAnother =
    input.status === "firing" && before !== undefined && isOwedRun(tx.state.incidents.get(before), tx.now);
  if (known !== undefined && !isOwedAnother) return { subject: known, result: "known", repeated: true };
  const end = input.status === "firing" ? overtakenBy(tx, input.deliveryKey) : undefined;
  if (end !== undefined) return suppressOvertaken(tx, command, end);
  if (tx.state.runs.size >= LIMITS.liveRunsMax) {
    throw new AppError("overloaded", "too many triage runs wait for a classification");
  }
  const isFull = tx.state.actions.size >= LIMITS.liveActionsMax + LIMITS.triageActionsMax;
  if (isFull && input.status === "firing") throw new AppError("overloaded", "too many actions wait for an end");
  if (input.status === "firing" && before === undefined) openIncident(tx, input);
  const incidentId = tx.state.incidentByKey.get(incidentKey(input)) ?? null;
  const incident = incidentId === null ? undefined : tx.state.incidents.get(incidentId);
  const worse = incident !== undefined && isNews(incident, input, tx.now);
  const subject = record(tx, command, incidentId);
  if (incident === undefined) {
    tx.emit({ type: "signal.unmatched", subject, facts: { signal: subject } });
    return { subject, result: "unmatched", repeated: false };
  }
  if (input.status === "resolved") return resolveSignal(tx, { subject, incident: incident.id });
  if (!worse) {
    tx.emit({
      type: "signal.suppressed",
      subject,
      facts: { signal: subject, duplicateOf: incident.lastRun ?? incident.id },
    });
    return { subject, result: "suppressed", repeated: false };
  }
  const run = idFromSeq("run", tx.nextSeq);
  const deadline = tx.now + TERMS.classificationMs;
  tx.emit({ type: "run.opened", subject: run, facts: { incident: incident.id, signal: subject, deadline } });
  return { subject, result: "triaged", repeated: false };
}

/** What changed fails nobody: it opens no incident, joins none and waits for nothing. */
function recordChange(tx: Transaction, command: Command<"receive-signal">): Reply {
  const known = tx.state.deliveries.get(command.input.deliveryKey);
  if (known !== undefined) return { subject: known.signal, result: "known", repeated: true };
  return { subject: record(tx, command, null), result: "recorded", repeated: false };
}

/** Records that the signal came, of that incident or of none. */
function record(tx: Transaction, command: Command<"receive-signal">, incident: string | null): string {
  const { input, content } = command;
  const subject = idFromSeq("sig", tx.nextSeq);
  const facts = { ...input, incident, ...deliveryToForget(tx.state, input) };
  const payload = content === undefined ? {} : { payload: { retention: "content", body: content } as const };
  tx.emit({ type: "signal.received", subject, facts, ...payload });
  return subject;
}

/** A full table forgets the oldest delivery of whoever has the most: sent again, it would count as new. */
function deliveryToForget(
  { deliveries, shares }: State,
  { deliveryKey, source }: { deliveryKey: string; source: string },
): { forgets?: string } {
  if (deliveries.size < LIMITS.deliveryKeysMax || deliveries.has(deliveryKey)) return {};
  const [oldest] = shareToCut(shares.deliveries, source, deliveries.size);
  return oldest === undefined ? {} : { forgets: oldest };
}

const STATUS = /:(firing|resolved)$/;

/** The same alert's delivery with the other status, unless it was quarantined. */
function counterpart({ deliveries }: State, key: string): Delivery | undefined {
  const other = key.endsWith(":firing") ? ":resolved" : ":firing";
  const found = STATUS.test(key) ? deliveries.get(key.replace(STATUS, other)) : undefined;
  return found?.at === 0 ? undefined : found;
}

/** The signal that this delivery repeats, unless the alert ended, or fired again, since: then it tells something new. */
function knownDelivery({ state, now }: Transaction, key: string): string | undefined {
  const known = state.deliveries.get(key);
  if (known === undefined) return undefined;
  const other = counterpart(state, key);
  const isTurned = other !== undefined && isAfter(other.signal, known.signal);
  const mayBeOvertaken = key.endsWith(":firing") && other !== undefined && now - other.at < TERMS.overtakenMs;
  return isTurned && !mayBeOvertaken ? undefined : known.signal;
}

function isAfter(signal: string, other: string): boolean {
  return (seqFromId("sig", signal) ?? 0) > (seqFromId("sig", other) ?? 0);
}

/** The resolve of the same alert, where it came first. */
function overtakenBy({ state, now }: Transaction, key: string): Delivery | undefined {
  const end = counterpart(state, key);
  return end !== undefined && now - end.at < TERMS.overtakenMs ? end : undefined;
}

/** What has ended already opens nothing: no second resolve would ever end it. */
function suppressOvertaken(tx: Transaction, command: Command<"receive-signal">, end: Delivery): Reply {
  const subject = record(tx, command, null);
  tx.emit({ type: "signal.suppressed", subject, facts: { signal: subject, duplicateOf: end.signal } });
  return { subject, result: "suppressed", repeated: false };
}

/** How many of a share are looked at for one without a page, which is the better one to give up. */
const LOOKED_AT_MAX = 64;

function incidentToEvict({ incidents, shares }: State, source: string): string {
  const share = shareToCut(shares.incidents, source, incidents.size);
  let looked = 0;
  for (const id of share) {
    if (incidents.get(id)?.page === null) return id;
    if (++looked >= LOOKED_AT_MAX) break;
  }
  return share.values().next().value as string;
}

function openIncident(tx: Transaction, { environment, service, signature, source }: SignalFacts): void {
  if (tx.state.incidents.size >= LIMITS.openIncidentsMax) {
    const evicted = incidentToEvict(tx.state, source);
    tx.emit({ type: "incident.resolved", subject: evicted, facts: { code: "evicted" } });
  }
  const subject = idFromSeq("inc", tx.nextSeq);
  tx.emit({ type: "incident.opened", subject, facts: { environment, service, signature } });
}

/** Runs the triage again of what is owed another run, still fires, and has not been repeated by its source. */
export function triageOwed(tx: Transaction, { id, signals }: Incident): void {
  const signal = signals.at(-1)?.id;
  if (signal === undefined || tx.state.runs.size >= LIMITS.liveRunsMax) return;
  const deadline = tx.now + TERMS.classificationMs;
  tx.emit({
    type: "run.opened",
    subject: idFromSeq("run", tx.nextSeq),
    facts: { incident: id, signal, deadline },
  });
}

function isOwedRun(incident: Incident | undefined, now: number): boolean {
  const at = incident?.retriageAt ?? null;
  return at !== null && now >= at;
}

/** A run is worth it when something is new: a first signal, a worse one, another detector, or half an hour gone. */
function isNews(incident: Incident, input: SignalFacts, now: number): boolean {
  if (input.status === "resolved") return false;
  if (isOwedRun(incident, now) || incident.lastRun === null) return true;
  if (now - incident.lastRunAt >= TERMS.suppressRunMs || isWorse(input.claimedSeverity, incident.claimedSeverity)) {
    return true;
  }
  // With no room to name another, every signal of it would be news again.
  return incident.signals.length < LIMITS.incidentSignalsMax && !isNamed(incident, input);
}

function resolveSignal(tx: Transaction, at: { subject: string; incident: string }): Reply {
  closeIfOver(tx, at.incident);
  return { subject: at.subject, result: "resolved", repeated: false };
}

/**
 * Ends an incident of which nothing fires any more, and its page with it. While a page is on its way to the pager the
 * end waits for it: a page that arrives after its own resolve would stay open for ever.
 */
export function closeIfOver(tx: Transaction, incidentId: string | null): void {
  const incident = incidentId === null ? undefined : tx.state.incidents.get(incidentId);
  if (incident === undefined || incident.firing.length > 0) return;
  const pages = [...tx.state.actions.values()].filter(
    ({ incident: of, kind }) => of === incident.id && kind === "pagerduty.trigger",
  );
  // Nobody is asked about paging for what is over, and nobody is paged.
  for (const { id, status } of pages) {
    if (status === "executing" || status === "reconciling") continue;
    tx.emit({ type: "action.cancelled", subject: id, facts: { code: "incident-resolved" } }, "system:kernel");
  }
  if (pages.some(({ status }) => status === "executing" || status === "reconciling")) return;
  if (incident.page !== null) {
    const run = incident.lastRun;
    proposeTriage(tx, { kind: "pagerduty.resolve", incident, run, signal: null, classification: null });
  }
  tx.emit({ type: "incident.resolved", subject: incident.id, facts: { code: "all-clear" } });
}

export function quarantineSignal(tx: Transaction, command: Command<"quarantine-signal">): Reply {
  const known = tx.state.deliveries.get(command.input.deliveryKey);
  if (known !== undefined) return { subject: known.signal, result: "known", repeated: true };
  const subject = idFromSeq("sig", tx.nextSeq);
  const content = command.content;
  const payload = content === undefined ? {} : { payload: { retention: "content", body: content } as const };
  const facts = { ...command.input, ...deliveryToForget(tx.state, command.input) };
  tx.emit({ type: "signal.quarantined", subject, facts, ...payload });
  return { subject, result: "quarantined", repeated: false };
}

/** The answer of a classifier, already checked, or the reason why there is none. */
export function classifyRun(tx: Transaction, command: Command<"classify-run">): Reply {
  const { run: runId, classification, classifier, code, problems } = command.input;
  const run = tx.state.runs.get(runId);
  if (run === undefined) return { subject: runId, result: "ended", repeated: true };
  const content = command.content;
  const payload = content === undefined ? {} : { payload: { retention: "evidence", body: content } as const };
  // Resolved before the answer came: nothing is left to page about.
  const wanted = tx.state.incidents.has(run.incident) ? wantedActions(classification) : [];
  if (classification === null || classifier === null) {
    tx.emit({ type: "run.unclassified", subject: runId, facts: { code, problems }, ...payload });
  } else {
    const facts = { classification, ...classifier, actions: wanted.length };
    tx.emit({ type: "run.classified", subject: runId, facts, ...payload });
  }
  proposeWanted(tx, { run, classification, wanted });
  return { subject: runId, result: classification === null ? "unclassified" : "classified", repeated: false };
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
  const incident = tx.state.incidents.get(run.incident);
  if (incident === undefined) return;
  for (const kind of wanted) proposeTriage(tx, { kind, incident, run: run.id, signal: run.signal, classification });
}

/** A classification that never came: the run goes to a person. */
export function timeOutRun(tx: Transaction, runId: string): void {
  const run = tx.state.runs.get(runId);
  if (run === undefined) return;
  tx.emit({ type: "run.unclassified", subject: runId, facts: { code: "timeout", problems: [] } });
  proposeWanted(tx, { run, classification: null, wanted: wantedActions(null) });
}
